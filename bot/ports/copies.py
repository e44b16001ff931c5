"""Asking the vendor for copies of images, and keeping the jobs that they belong to."""

from collections.abc import Mapping
from typing import Protocol

from bot.domain.copy_job import Copy, CopyJob
from bot.domain.snapshot import SyncTask
from bot.domain.topology import Site


class Copier(Protocol):
    """Container Registry's copies by hand, one image at a time, at the pace that the vendor allows."""

    async def begin(self, copy: Copy, source: Site, target: Site, repository_id: str, *, overrides: bool) -> str:
        """Ask for a copy under the same names, sent once, and return the id of its task.

        Raises Throttled or Refused where nothing came of it, a Refused without a code where nothing was even sent;
        OutcomeUnknown where it may be in force.
        """
        ...

    async def task(self, source: Site, task_id: str) -> SyncTask | None:
        """Return a task, None for one that is gone. Raises Refused or Unreachable."""
        ...

    async def tasks_of(self, source: Site, copy: Copy) -> tuple[SyncTask, ...]:
        """Return every task of one image that the source lists. Raises Refused or Unreachable."""
        ...


class Copies(Protocol):
    """The store of copy jobs. Everything raises StoreUnavailable when Redis does not answer in time."""

    async def get(self, job_id: str) -> CopyJob | None:
        """Return a job, None where there is none."""
        ...

    async def save(self, job: CopyJob, entry: Mapping[str, str] | None = None) -> CopyJob:
        """Write a job over the version that was read, with its audit entry in the same step, and return the new one.

        Version 0 is a job that is not there yet. Raises VersionConflict, and writes nothing, where it has moved.
        """
        ...

    async def last_started(self, source: str, target: str) -> str:
        """Return the id of the job that was started last from one site to another, empty where none was."""
        ...

    async def start(self, job: CopyJob, entry: Mapping[str, str], after: str) -> CopyJob:
        """Write a job as `save` does, as the one that is started next in its direction after this one.

        Raises VersionConflict, and writes nothing, where the job has moved or another was started since.
        """
        ...

    async def live(self) -> tuple[str, ...]:
        """Return the ids of all jobs that wait for a word, run, or ended without that having been shown."""
        ...
