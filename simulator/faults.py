"""The faults that a person or a test may switch on, each for one site or for everything."""

from collections.abc import Callable

NAMES = (
    "region_down",
    "pvtz_down",
    "throttled",
    "slow",
    "applied_but_timed_out",
    "late_write",
    "stale_reads",
    "third_party_edit",
    "slack_429",
    "slack_down",
    "replication_stalled",
    "false_success",
    "incomplete_copies",
    "manifest_missing",
    "blob_missing",
    "rate_limited",
    "shifting_pages",
    "wrong_counts",
    "null_texts",
    "prefixed_digests",
    "modified_time_stuck",
    "certificate_expired",
    "acl_closed",
)

Listener = Callable[[str, str | None, bool], None]


class Faults:
    """Remember which faults are on, and tell whoever subscribed when that changes.

    A target is the name of a site; a fault without one covers every target. `active(name)` without a target asks for
    the fault that covers everything, which is what the parts that belong to no site (PrivateZone, Slack) go by.
    """

    def __init__(self, sites: Callable[[], tuple[str, ...]] | None = None) -> None:
        self._sites = sites
        self._on: dict[tuple[str, str | None], bool] = {}
        self._listeners: list[Listener] = []

    def set(self, name: str, target: str | None, on: bool) -> None:
        """Switch one fault; refuse a name or a site that does not exist."""
        self._refuse_unknown(name, target)
        if self._on.get((name, target), False) == on:
            return
        self._on[name, target] = on
        for listener in self._listeners:
            listener(name, target, on)

    def active(self, name: str, target: str | None = None) -> bool:
        """Tell whether a fault is on for this target, or for everything."""
        return self._on.get((name, None), False) or (target is not None and self._on.get((name, target), False))

    def anywhere(self, name: str) -> bool:
        """Tell whether a fault is on for any target at all."""
        return any(on for (known, _), on in self._on.items() if known == name)

    def listing(self) -> list[dict[str, object]]:
        """List every fault with its state: one row without a target each, and one for each target ever switched."""
        rows: dict[tuple[str, str | None], bool] = {(name, None): False for name in NAMES}
        rows.update(self._on)
        ordered = sorted(rows.items(), key=lambda row: (NAMES.index(row[0][0]), row[0][1] or ""))
        return [{"name": name, "target": target, "on": on} for (name, target), on in ordered]

    def subscribe(self, callback: Listener) -> None:
        """Call back after each change with the name, the target and the new state."""
        self._listeners.append(callback)

    def clear(self) -> None:
        """Switch everything off, telling the subscribers."""
        for (name, target), on in list(self._on.items()):
            if on:
                self.set(name, target, False)
        self._on.clear()

    def _refuse_unknown(self, name: str, target: str | None) -> None:
        if name not in NAMES:
            raise ValueError(f"No fault is called {name!r}. Known faults: {', '.join(NAMES)}.")
        sites = self._sites() if self._sites else None
        if target is not None and sites is not None and target not in sites:
            raise ValueError(f"No site is called {target!r}. Known sites: {', '.join(sites)}; null means everywhere.")
