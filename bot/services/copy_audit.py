"""What the audit says of copy jobs: each begin and each end, by whom, and which images."""

from bot.domain.copy_job import CopyJob, Fate, Verdict
from bot.services.audit import cleaned

OFFERED, STARTED, DISMISSED, EXPIRED, ENDED = (
    "copies offered",
    "copies started",
    "copies dismissed",
    "copies expired",
    "copies ended",
)
MOST_NAMED = 40


def entry(event: str, job: CopyJob, person: str, user_id: str) -> dict[str, str]:
    """Describe what happened to a job."""
    return cleaned(
        {
            "event": event,
            "operation": job.id,
            "person": person,
            "user": user_id,
            "away": job.source,
            "to": job.target,
            "digest": job.digest,
            "channel": job.channel,
            "requests": " ".join(copy.task_id for copy in job.copies if copy.task_id) if event == ENDED else "",
            "changes": _images(job),
            "outcome": _outcome(job) if event == ENDED else "",
        }
    )


def _outcome(job: CopyJob) -> str:
    found = f", {job.found} there already" if job.found and job.verdict is not Verdict.THERE else ""
    return f"{job.verdict}: {job.counts()[Fate.COPIED]} of {len(job.copies)}{found}"


def _images(job: CopyJob) -> str:
    named = [f"{copy.image}{' (replaces)' if copy.replaces else ''}" for copy in job.copies[:MOST_NAMED]]
    left = len(job.copies) - len(named)
    return "; ".join([*named, *([f"and {left} more"] if left else [])])
