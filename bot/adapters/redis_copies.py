"""Copy jobs in Redis: one document each, written over the version that was read by copy.lua."""

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from functools import cache

from pydantic import TypeAdapter, ValidationError

from bot.adapters.redis_commit import REPLACED, audit_pairs
from bot.adapters.redis_keys import AUDIT, COPIES, COPY, META, STARTED
from bot.adapters.redis_link import RedisLink
from bot.adapters.redis_script import Script
from bot.domain.copy_job import CopyJob
from bot.errors import StoreUnavailable, VersionConflict

LIFE = timedelta(days=30)
"""After its last change; the audit keeps who had what copied for as long as anything."""


class RedisCopies:
    """The store of copy jobs, over the connections of the operations; `adopt` returns the store's identity."""

    def __init__(self, link: RedisLink, adopt: Callable[[], Awaitable[str]]) -> None:
        self._link = link
        self._adopt = adopt
        self._script = Script("copy.lua")

    async def get(self, job_id: str) -> CopyJob | None:
        """Return a job, None where there is none. Raises StoreUnavailable, also for what is no document of ours."""
        found = await self._link.call("HGET", f"{COPY}{job_id}", "doc")
        if found is None:
            return None
        try:
            job: CopyJob = _codec().validate_json(found)
        except ValidationError as error:
            raise StoreUnavailable(
                f"{job_id} cannot be read in Redis: somebody changed it there, or a newer bot wrote it. Ask for the "
                "copies anew.",
                code="E_UNREADABLE",
            ) from error
        return job

    async def save(self, job: CopyJob, entry: Mapping[str, str] | None = None) -> CopyJob:
        """Write a job over the version that was read, with its audit entry in the same step, and return the new one.

        Raises VersionConflict, and writes nothing, where it has moved.
        """
        return await self._write(job, entry)

    async def last_started(self, source: str, target: str) -> str:
        """Return the id of the job that was started last from one site to another, empty where none was."""
        return await self._link.call("GET", _started(source, target)) or ""

    async def start(self, job: CopyJob, entry: Mapping[str, str], after: str) -> CopyJob:
        """Write a job as `save` does, as the one that is started next in its direction after this one.

        Raises VersionConflict, and writes nothing, where the job has moved or another was started since.
        """
        return await self._write(job, entry, (_started(job.source, job.target),), after)

    async def _write(
        self, job: CopyJob, entry: Mapping[str, str] | None, started: tuple[str, ...] = (), after: str = ""
    ) -> CopyJob:
        stored = replace(job, version=job.version + 1)
        answer = await self._script.run(
            self._link,
            (f"{COPY}{job.id}", META, AUDIT, COPIES, *started),
            await self._adopt(),
            job.id,
            job.version,
            _codec().dump_json(stored),
            json.dumps(audit_pairs(entry)) if entry else "",
            "1" if job.is_live else "0",
            int(LIFE.total_seconds()),
            after,
        )
        if answer[0] == "STORE":
            raise StoreUnavailable(f"{REPLACED} Nothing was recorded for {job.id}.", code="E_STORE_REPLACED")
        if answer[0] == "STARTED":
            raise VersionConflict(f"Another job was started right before {job.id}. Decide again.")
        if answer[0] != "OK":
            raise VersionConflict(f"Somebody else changed {job.id} a moment ago. Look at its message and decide again.")
        return stored

    async def live(self) -> tuple[str, ...]:
        """Return the ids of all jobs that wait for a word, run, or ended without that having been shown."""
        known = sorted(await self._link.call("SMEMBERS", COPIES))
        if not known:
            return ()
        there = await self._link.batch(*(("EXISTS", f"{COPY}{job_id}") for job_id in known))
        gone = [job_id for job_id, is_there in zip(known, there, strict=True) if not is_there]
        if gone:  # nobody was there to end it before its life was over
            await self._link.call("SREM", COPIES, *gone)
        return tuple(job_id for job_id in known if job_id not in gone)


def _started(source: str, target: str) -> str:
    return f"{STARTED}{source}:{target}"


@cache
def _codec() -> TypeAdapter[CopyJob]:
    """Build the codec when first needed: it takes a noticeable part of the time to start."""
    return TypeAdapter(CopyJob)
