"""The timeline of an operation as plain lines, ready to be pasted into a post-mortem."""

import re
from collections.abc import Iterator, Sequence

from bot.domain.chain import AuditEntry
from bot.domain.operation import Operation
from bot.messages import plan as words
from bot.messages.blocks import compose, section
from bot.messages.text import code, escape, plural, short
from bot.ports import Message

LONGEST_LINE = 300
LONGEST_BLOCK = 2800
BLOCKS = 3
"""Three blocks of text stay below what Slack takes in one message."""
_MENTION = re.compile(r"<@(\w+)>")
_EVENTS = {
    "approve": "approved",
    "reject": "rejected",
    "cancel": "cancelled",
    "expire": "expired",
    "differ": "found a difference",
    "second read-back": "read back again",
}
_TOLD = {
    "requested": ("verdict", "reason", "changes", "lifts", "findings"),
    "approve": ("approvals", "identity_checked_at", "reason"),
    "reject": ("reason",),
    "cancel": ("reason",),
    "claimed": ("changes",),
    "read back": ("requests",),
    "observed": ("observations",),
    "refused": ("verb", "code", "count"),
    "card moved": ("code", "stands"),
}
_OTHERS = ("told", "by", "why", "scope", "reason", "requests")
_SILENT = {"EXTERNAL": "somebody else"}
"""Who is meant by an entry that names nobody; else the bot saw it by itself."""
_PLAIN = {"count": "1"}
"""Values that go without saying."""
_LABELS = {
    "by": "by ",
    "count": "times: ",
    "identity_checked_at": "identity checked ",
    "reason": "because ",
    "approvals": "approvals: ",
    "findings": "findings: ",
    "requests": "request ",
}


def timeline(operation: Operation, entries: Sequence[AuditEntry], *, is_read_to_end: bool) -> Message:
    """Return a line an entry, in UTC; says how many lines did not fit and what else is missing."""
    lines = [_line(entry, entries[0]) for entry in entries]
    pages, shown = _pages(lines)
    headline = f"Timeline of {code(operation.id, 20)} {words.errand(operation.plan)}: {plural(len(lines), 'line')}"
    day = f" Times are UTC, from {entries[0].at:%Y-%m-%d}." if entries else ""
    blocks = [section(f"*{headline}.*{day}"), *(section(f"```{page}```") for page in pages)]
    missing = [*_missing(len(lines) - shown, entries, is_read_to_end)]
    return compose(f"{headline}.", [*blocks, *([section(" ".join(missing))] if missing else [])])


def _pages(lines: Sequence[str]) -> tuple[list[str], int]:
    pages: list[str] = []
    for shown, line in enumerate(lines):
        if pages and len(pages[-1]) + len(line) < LONGEST_BLOCK:
            pages[-1] += f"\n{line}"
        elif len(pages) < BLOCKS:
            pages.append(line)
        else:
            return pages, shown
    return pages, len(lines)


def _missing(cut: int, entries: Sequence[AuditEntry], is_read_to_end: bool) -> Iterator[str]:
    export = code("registry-bot audit export")
    if not entries:
        yield "The audit here tells nothing of it: its entries were archived."
    elif entries[0].event != "requested":
        yield "What came before was archived."
    if cut:
        yield f"{plural(cut, 'more line')} did not fit here; {export} has everything."
    if not is_read_to_end:
        yield f"The audit is long and was not read to its end; {export} does that."


def _line(entry: AuditEntry, first: AuditEntry) -> str:
    said = entry.fields
    time = f"{entry.at:%H:%M:%S}" if entry.at.date() == first.at.date() else f"{entry.at:%m-%d %H:%M:%S}"
    who = said.get("person") or said.get("user") or _SILENT.get(entry.event, "bot")
    line = f"{time} {who}: {_EVENTS.get(entry.event, entry.event)}{_moved(entry)}"
    told = _told(entry)
    return escape(short(f"{line}. {told}" if told else line, LONGEST_LINE))


def _moved(entry: AuditEntry) -> str:
    before, after = entry.fields.get("before", ""), entry.fields.get("after", "")
    if not after or before == after or not (before or entry.event == "requested"):
        return ""
    return f", {before} → {after}" if before else f", now {after}"


def _told(entry: AuditEntry) -> str:
    said = entry.fields
    names = [*_TOLD.get(entry.event, _OTHERS), "outcome"]
    parts = [
        f"{_LABELS.get(name, '')}{said[name]}" for name in names if said.get(name, "") not in ("", _PLAIN.get(name))
    ]
    return _MENTION.sub(r"\1", "; ".join(parts))
