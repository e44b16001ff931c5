"""Copy jobs in memory, and a vendor that copies when it is told to."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from bot.domain.copy_job import Copy, CopyJob
from bot.domain.snapshot import SyncTask
from bot.domain.topology import Site
from bot.errors import BotError, StoreUnavailable, VersionConflict
from bot.ports import Clock
from tests.fake_operations import FakeOperations


class FakeCopies:
    """The store of copy jobs; its audit entries stand with those of the operations.

    `fail_next` makes the next writes raise, after they took effect where that is said.
    """

    def __init__(self, operations: FakeOperations) -> None:
        self._operations = operations
        self.held: dict[str, CopyJob] = {}
        self.started: dict[tuple[str, str], str] = {}
        self.failures: list[tuple[BotError, bool]] = []
        self.down: StoreUnavailable | None = None

    def fail_next(self, error: BotError, *, after: bool = False) -> None:
        """Raise `error` out of the next write."""
        self.failures.append((error, after))

    async def get(self, job_id: str) -> CopyJob | None:
        """Return a job."""
        self._require_up()
        return self.held.get(job_id)

    async def save(self, job: CopyJob, entry: Mapping[str, str] | None = None) -> CopyJob:
        """Write a job over the version that was read."""
        return await self._write(job, entry, None)

    async def last_started(self, source: str, target: str) -> str:
        """Return the id of the job that was started last."""
        self._require_up()
        return self.started.get((source, target), "")

    async def start(self, job: CopyJob, entry: Mapping[str, str], after: str) -> CopyJob:
        """Write a job as the one that is started next."""
        return await self._write(job, entry, after)

    async def _write(self, job: CopyJob, entry: Mapping[str, str] | None, start_after: str | None) -> CopyJob:
        self._require_up()
        error, after = self.failures.pop(0) if self.failures else (None, False)
        if error is not None and not after:
            raise error
        stored = replace(job, version=job.version + 1)
        if self.held.get(job.id) != stored:
            self._require_unmoved(job, start_after)
            if entry is not None:
                await self._operations.record(entry)
            self.held[job.id] = stored
            if start_after is not None:
                self.started[job.source, job.target] = job.id
        if error is not None:
            raise error
        return stored

    def _require_unmoved(self, job: CopyJob, start_after: str | None) -> None:
        present = self.held.get(job.id)
        if (present.version if present else 0) != job.version:
            raise VersionConflict(f"{job.id} has moved.")
        if start_after is not None and self.started.get((job.source, job.target), "") != start_after:
            raise VersionConflict(f"Another job was started right before {job.id}.")

    async def live(self) -> tuple[str, ...]:
        """Return the ids of all jobs of which something is to come."""
        self._require_up()
        return tuple(sorted(job.id for job in self.held.values() if job.is_live))

    def _require_up(self) -> None:
        if self.down is not None:
            raise self.down


@dataclass(frozen=True, slots=True)
class Sent:
    """One call that asked for a copy."""

    image: str
    source: str
    target: str
    overrides: bool


class FakeCopier:
    """Every task stays PENDING until `end` says otherwise; `sent` lists what was asked for."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.sent: list[Sent] = []
        self.tasks: dict[str, SyncTask] = {}
        self.down: BotError | None = None
        self._failures: list[tuple[BotError, bool]] = []

    def fail_next(self, *errors: BotError, after: bool = False) -> None:
        """Raise these out of the next calls for a copy, after it was begun where that is said."""
        self._failures += [(error, after) for error in errors]

    def end(self, status: str = "SUCCESS", issue: str | None = None, image: str | None = None) -> None:
        """End every open task, or those of one image."""
        for task_id, task in self.tasks.items():
            if task.status == "PENDING" and image in (None, task.image):
                self.tasks[task_id] = replace(task, status=status, issue=issue)

    async def begin(self, copy: Copy, source: Site, target: Site, repository_id: str, *, overrides: bool) -> str:
        """Note the call and open a task."""
        error, after = self._failures.pop(0) if self._failures else (None, False)
        if error is not None and not after:
            raise error
        self.sent.append(Sent(copy.image, source.name, target.name, overrides))
        task_id = f"rst-{len(self.sent):04d}"
        now = self._clock.now()
        self.tasks[task_id] = SyncTask(task_id, "PENDING", copy.image, now, now, source.instance, target.instance)
        if error is not None:
            raise error
        return task_id

    async def task(self, source: Site, task_id: str) -> SyncTask | None:
        """Return a task."""
        self._require_up()
        return self.tasks.get(task_id)

    async def tasks_of(self, source: Site, copy: Copy) -> tuple[SyncTask, ...]:
        """Return every task of one image."""
        self._require_up()
        return tuple(task for task in self.tasks.values() if task.image == copy.image)

    def _require_up(self) -> None:
        if self.down is not None:
            raise self.down
