"""`registry-bot audit trim`: move old entries to a file, and only when that file is known to be good out of Redis."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from bot.adapters.clock import SystemClock
from bot.adapters.redis_audit import RedisTrail
from bot.adapters.redis_store import RedisOperations
from bot.console.archive import Archive, read_archive, write_archive
from bot.console.audit import Records, records
from bot.domain.chain import FIRST, AuditEntry, Seal, Standing
from bot.errors import UsageError, UserError
from bot.services.chain_check import Report, check, pages
from bot.services.sealing import BASE, signed

KEEP, KEEP_AT_LEAST = 400, 180
"""Days: a year of audit and a month to look at it; the least is half a year, which the Cybersecurity Law of the PRC
(Article 21) asks of network logs."""
DONE = 0


async def trim(path: Path, days: int = KEEP) -> int:
    """Archive and drop the entries that are older than so many days; nothing is dropped when anything is in doubt.

    Raises UsageError, UserError, InvalidConfiguration or StoreUnavailable.
    """
    if days < KEEP_AT_LEAST:
        raise UsageError(f"The audit is kept for at least {KEEP_AT_LEAST} days; --days {days} is less.")
    async with records() as kept:
        report = await check(kept.trail, kept.signer)
        _require_sound(report)
        last = await _last_old(kept.trail, report, SystemClock().now() - timedelta(days=days))
        if last is None:
            print(f"No entry is older than {days} days. Nothing was trimmed, and no file was written.")
            return DONE
        archive = await _archived(kept.trail, report, path, last)
        await _drop(kept, report.standing, archive, last)
    print(f"{path}: {archive.count:,} entries, {archive.first} to {archive.last}, sha256 {archive.content}.")
    print(f"They are no longer in Redis. End of the archive: {archive.last}:{archive.hash}")
    return DONE


def _require_sound(report: Report) -> None:
    if report.news or not report.standing.store:
        why = report.news[0].sentence if report.news else "This Redis holds no audit."
        raise UserError(f"{why} Nothing was trimmed; see `registry-bot audit verify`.")


async def _last_old(trail: RedisTrail, report: Report, before: datetime) -> AuditEntry | None:
    """Return the newest entry to archive; the last sealed one always stays, as what the next one follows."""
    newest = report.standing.last
    found = None
    async for page in pages(trail, until=str(int(before.timestamp() * 1000))):
        old = [entry for entry in page if newest is not None and 0 < entry.seq < newest.seq]
        found = old[-1] if old else found
    base = report.standing.base
    return None if found is None or (base is not None and found.seq <= base.seq) else found


async def _archived(trail: RedisTrail, report: Report, path: Path, last: AuditEntry) -> Archive:
    """Write the file, then believe only what is read back from it."""
    base = report.standing.base
    before = Seal(base.seq, base.hash, "") if base else FIRST
    written = await write_archive(path, report.standing, before, _sealed(trail, before, last))
    read = read_archive(path)
    is_same = (read.count, read.last, read.hash, read.content) == (
        written.count, written.last, written.hash, written.content
    )  # fmt: skip
    if not is_same or read.odd != written.odd:
        raise UserError(f"{path} does not read back as it was written. Nothing was trimmed; look after that disk.")
    return read


async def _sealed(trail: RedisTrail, before: Seal, last: AuditEntry) -> AsyncIterator[tuple[AuditEntry, Seal]]:
    async for page in pages(trail, until=last.id):
        numbers = [entry.seq for entry in page if entry.seq]
        seals = await trail.seals(min(numbers, default=0), max(numbers, default=0))
        for entry in page:
            seal = seals.get(entry.seq)
            if entry.seq > before.seq:
                yield entry, seal or Seal(entry.seq, "", entry.id)


async def _drop(kept: Records, standing: Standing, archive: Archive, last: AuditEntry) -> None:
    """Write down what goes where, then let it go."""
    seal = (await kept.trail.seals(last.seq, last.seq))[last.seq]
    following = await kept.trail.entries(last.id, 1)
    store = RedisOperations(
        kept.settings.redis_url.get_secret_value(), clock=SystemClock(), workspace=standing.workspace
    )
    try:
        await store.record(
            {
                "event": "trimmed",
                "person": "console",
                "first": str(archive.first),
                "last": str(archive.last),
                "entries": str(archive.count),
                "archive": archive.content,
            }
        )
    finally:
        await store.close()
    base = signed(kept.signer, standing, replace(seal, seq=last.seq), BASE)
    await kept.trail.trim(base, following[0].id)
