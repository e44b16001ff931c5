"""`registry-bot audit verify`: compute the chain of the audit again; only Redis and the signing keys are needed."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from bot.adapters.redis_audit import RedisTrail
from bot.adapters.redis_link import RedisLink
from bot.adapters.signer import HmacSigner
from bot.console.archive import read_archive
from bot.console.cloud import quiet
from bot.domain.chain import AuditEntry
from bot.errors import UsageError
from bot.services.chain_check import Report, check
from bot.settings import AuditSettings, read_environment

PATIENCE = 10.0
"""Seconds for one page: nobody's click waits for a console."""
WHOLE, DAMAGED = 0, 1


@dataclass(frozen=True, slots=True)
class Records:
    """The audit of one Redis, and the keys that vouch for it."""

    trail: RedisTrail
    signer: HmacSigner
    settings: AuditSettings


@asynccontextmanager
async def records() -> AsyncIterator[Records]:
    """Open the audit. Raises InvalidConfiguration."""
    quiet()
    settings = read_environment(AuditSettings)
    link = RedisLink(settings.redis_url.get_secret_value(), connect_timeout=PATIENCE, operation_timeout=PATIENCE)
    previous = settings.signing_key_previous
    signer = HmacSigner(settings.signing_key.get_secret_value(), previous.get_secret_value() if previous else None)
    try:
        yield Records(RedisTrail(link), signer, settings)
    finally:
        await link.close()


async def verify(head: str | None = None) -> int:
    """Check the whole audit and, where one is given, a head that was kept elsewhere; 0 when all is whole.

    Raises UsageError, InvalidConfiguration or StoreUnavailable.
    """
    anchor = None if head is None else _anchor(head)
    async with records() as kept:
        report = await check(kept.trail, kept.signer)
        wrong = [] if anchor is None else await _compared(kept.trail, report, *anchor)
    wrong = [*_told(report), *wrong, *([] if report.standing.store else ["This Redis holds no audit."])]
    print("\n".join([*_summary(report), *wrong, *_reports(report)]))
    print(_verdict(report, len(wrong)))
    return DAMAGED if wrong else WHOLE


def verify_archive(path: Path) -> int:
    """Check one file that `audit trim` wrote; 0 when it is whole. Raises UserError for no such file."""
    archive = read_archive(path)
    for sentence in archive.wrong:
        print(sentence)
    print(f"{path}: {archive.count:,} entries, {archive.first} to {archive.last}, end {archive.last}:{archive.hash}.")
    print("The archive is whole." if not archive.wrong else "The archive is not as it was written.")
    return DAMAGED if archive.wrong else WHOLE


def _anchor(head: str) -> tuple[int, str]:
    seq, _, digest = head.partition(":")
    is_hash = len(digest) == 64 and set(digest) <= set("0123456789abcdef")
    if not (seq.isascii() and seq.isdigit() and is_hash):
        raise UsageError("--head takes NUMBER:HASH, as `seq` and `head` of an `audit.sealed` line on the bot's stdout.")
    return int(seq), digest


async def _compared(trail: RedisTrail, report: Report, seq: int, digest: str) -> list[str]:
    """Compare the chain with what somebody else kept of it."""
    last = report.standing.last.seq if report.standing.last else 0
    if seq > last:
        return [f"Entry {seq} was sealed once, but the audit ends at entry {last}: its end is missing."]
    found = (await trail.seals(seq, seq)).get(seq)
    if found is None:
        return [f"Entry {seq} cannot be compared, its seal is not here. If it was trimmed, verify its archive."]
    if found.hash != digest:
        return [f"Entry {seq} has another hash than the head that you gave: the chain was rewritten."]
    return []


def _summary(report: Report) -> Iterator[str]:
    if report.oldest is not None and report.newest is not None:
        yield (
            f"{report.entries:,} entries: {report.oldest.seq} ({_time(report.oldest)}) to {report.newest.seq} "
            f"({_time(report.newest)})."
        )
    if report.standing.base is not None:
        yield f"Entries up to {report.standing.base.seq} were archived and trimmed."
    if report.unsealed:
        yield f"{report.unsealed:,} of them are not sealed yet."


def _told(report: Report) -> list[str]:
    return [
        f"{d.sentence} (reported by the bot as entry {report.reported[d.name].seq})" if d.name in report.reported
        else d.sentence
        for d in report.damages
    ]  # fmt: skip


def _reports(report: Report) -> Iterator[str]:
    for entry in report.reported.values():
        yield f"Entry {entry.seq} ({_time(entry)}) is this bot's report of damage: {entry.fields.get('why', '')}"


def _verdict(report: Report, wrong: int) -> str:
    if wrong:
        count = "One thing is" if wrong == 1 else f"{wrong} things are"
        return f"{count} not as written. Nothing was changed; compare with the bot's stdout and with archives."
    head = report.standing.head
    where = f" Head: {head.seq}:{head.hash}" if head else ""
    return f"The audit is whole.{where}"


def _time(entry: AuditEntry) -> str:
    return entry.at.strftime("%Y-%m-%d %H:%M:%S UTC")
