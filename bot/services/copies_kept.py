"""Copy jobs as they are kept, for whoever asks how they go."""

from bot.domain.copy_job import LIVE, PREFIX, CopyJob, Phase
from bot.errors import ProviderError
from bot.ports import Ports

MOST_LISTED = 10


async def copy_job(ports: Ports, job_id: str) -> CopyJob | None:
    """Return a copy job, None for any other id. Raises StoreUnavailable."""
    return await ports.copies.get(job_id) if job_id.startswith(f"{PREFIX}-") else None


async def being_copied(ports: Ports, source: str, target: str) -> dict[str, str]:
    """Return every image that a job copies from one site to another just now, with its job. Raises StoreUnavailable."""
    found = [await ports.copies.get(job_id) for job_id in await ports.copies.live()]
    jobs = [job for job in found if job is not None and job.phase is Phase.RUNNING]
    ours = (job for job in jobs if (job.source, job.target) == (source, target))
    return {copy.image: job.id for job in ours for copy in job.copies if copy.is_open}


async def open_copy_jobs(ports: Ports) -> tuple[CopyJob, ...]:
    """Return the jobs that wait for a word or run, the newest first; none where they cannot be read."""
    try:
        found = [await ports.copies.get(job_id) for job_id in (await ports.copies.live())[:MOST_LISTED]]
    except ProviderError:
        return ()  # beside a list of operations, which says by itself what cannot be read
    jobs = [job for job in found if job is not None and job.phase in LIVE]
    return tuple(sorted(jobs, key=lambda job: job.created_at, reverse=True))
