"""The rows of an export: one an operation, put together from its entries, and one for each thing that stands alone."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from bot.domain.chain import AuditEntry
from bot.domain.operation import State, Verb

LASTS = timedelta(hours=48)
"""How long after its last entry an operation is kept in hand: a TTL of a day, and the watch behind it."""
ALONE = {
    "EXTERNAL": "EXTERNAL",
    "late write": "LATE WRITE",
    "frozen": "FREEZE",
    "rewound": "DAMAGE",
    "trimmed": "TRIM",
    "copies offered": "COPIES OFFERED",
    "copies started": "COPIES STARTED",
    "copies dismissed": "COPIES DISMISSED",
    "copies expired": "COPIES EXPIRED",
    "copies ended": "COPIES ENDED",
}
"""Events that are a row of their own, by the kind that the row then has."""
_KINDS = {"fo": "FAILOVER", "uf": "UNFREEZE"}
_ELSEWHERE = (
    *("seq", "at", "event", "version", "person", "by", "user", "operation", "told", "reason", "why", "mac"),
    *("before", "after", "digest", "policy", "requests"),
)
"""Fields that stand in columns of their own, or say nothing by themselves."""


@dataclass(slots=True)
class Row:
    """One line of an export; times are ISO 8601 in UTC, several values of one column are separated by `; `."""

    id: str
    kind: str
    requested_at: str = ""
    requested_by: str = ""
    requested_by_id: str = ""
    reason: str = ""
    what: str = ""
    route: str = ""
    verdict: str = ""
    findings: str = ""
    approved_by: str = ""
    approved_by_id: str = ""
    approved_at: str = ""
    rejected_or_cancelled_by: str = ""
    identity_checked_at: str = ""
    started_at: str = ""
    bot_version: str = ""
    state: str = ""
    ended_at: str = ""
    outcome: str = ""
    request_ids: str = ""
    observations: str = ""
    digest: str = ""
    policy: str = ""
    first_entry: int = 0
    last_entry: int = 0


class Rows:
    """Puts rows together while entries come in order; holds only what may still get an entry."""

    def __init__(self, since: datetime, until: datetime) -> None:
        self._since = since
        self._until = until
        self._open: dict[str, tuple[Row, datetime]] = {}
        self.refused: Counter[str] = Counter()
        self.count = 0

    def take(self, entry: AuditEntry) -> Iterator[dict[str, object]]:
        """Add an entry; returns the rows that are complete."""
        yield from self._settled(entry.at - LASTS)
        is_inside = self._since <= entry.at < self._until
        if is_inside and entry.event == "refused":
            code, count = entry.fields.get("code", "unknown"), entry.fields.get("count", "1")
            self.refused[code] += int(count) if count.isdigit() else 1
        elif entry.event in ALONE and is_inside:
            yield self._given(_alone(entry))
        operation = entry.fields.get("operation", "")
        if entry.event == "requested" and is_inside:
            self._open[operation] = (_requested(entry), entry.at)
        elif operation in self._open:
            row, _ = self._open[operation]
            _add(row, entry)
            self._open[operation] = (row, entry.at)

    def rest(self) -> Iterator[dict[str, object]]:
        """Return the rows of what is still in hand."""
        for row, _ in self._open.values():
            yield self._given(row)
        self._open.clear()

    def _settled(self, before: datetime) -> Iterator[dict[str, object]]:
        done = [key for key, (row, at) in self._open.items() if at < before and _is_over(row)]
        for key in done:
            yield self._given(self._open.pop(key)[0])

    def _given(self, row: Row) -> dict[str, object]:
        self.count += 1
        return asdict(row)


def _is_over(row: Row) -> bool:
    return row.state in tuple(State) and State(row.state).is_terminal


def _requested(entry: AuditEntry) -> Row:
    said = entry.fields
    return Row(
        id=said.get("operation", ""),
        kind=_KINDS.get(said.get("kind", ""), said.get("kind", "")),
        requested_at=_time(entry),
        requested_by=said.get("person", ""),
        requested_by_id=said.get("user", ""),
        reason=said.get("reason", ""),
        what=said.get("changes", "") or said.get("lifts", ""),
        route=said.get("route", ""),
        verdict=said.get("verdict", ""),
        findings=said.get("findings", ""),
        state=said.get("after", ""),
        digest=said.get("digest", ""),
        policy=said.get("policy", ""),
        first_entry=entry.seq,
        last_entry=entry.seq,
    )


def _add(row: Row, entry: AuditEntry) -> None:
    said = entry.fields
    row.last_entry = entry.seq
    row.state = said.get("after", row.state)
    row.request_ids = said.get("requests", row.request_ids)
    row.observations = said.get("observations", row.observations)
    if entry.event == Verb.APPROVE:
        row.approved_by = _joined(row.approved_by, said.get("person", ""))
        row.approved_by_id = _joined(row.approved_by_id, said.get("user", ""))
        row.approved_at = _joined(row.approved_at, _time(entry))
        row.identity_checked_at = _joined(row.identity_checked_at, said.get("identity_checked_at", ""))
    if entry.event in (Verb.REJECT, Verb.CANCEL):
        row.rejected_or_cancelled_by = said.get("person", "")
    if entry.event == "claimed":
        row.started_at = row.started_at or _time(entry)
        row.bot_version = said.get("bot_version", row.bot_version)
    if _is_over(row) and not row.ended_at:
        row.ended_at, row.outcome = _time(entry), said.get("outcome", "")


def _alone(entry: AuditEntry) -> Row:
    said = entry.fields
    what = "; ".join(f"{name}: {value}" for name, value in said.items() if name not in _ELSEWHERE)
    operation = said.get("operation", "")
    return Row(
        id=f"{operation}#{entry.seq}" if operation else f"#{entry.seq}",
        kind=ALONE[entry.event],
        requested_at=_time(entry),
        requested_by=said.get("person", "") or said.get("by", ""),
        requested_by_id=said.get("user", ""),
        reason=said.get("told", "") or said.get("reason", "") or said.get("why", ""),
        what=what,
        first_entry=entry.seq,
        last_entry=entry.seq,
    )


def _joined(before: str, value: str) -> str:
    return f"{before}; {value}" if before else value


def _time(entry: AuditEntry) -> str:
    return entry.at.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
