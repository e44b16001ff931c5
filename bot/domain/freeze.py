"""The kill switch: what is frozen, by whom and until when, and what that stops.

Freezing takes one person, lifting two. Whatever cannot be read counts as frozen for all.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

ALL = "all"
"""The scope that stops every site; no site may be called that."""

STILL_FROZEN = "Still frozen: "
"""How the outcome of a lifted freeze begins where others stay."""


@dataclass(frozen=True, slots=True)
class Freeze:
    """One scope, `all` or a site, from which and to which nothing moves; without `until` it lasts until it is lifted.

    Times are whole milliseconds, as the store keeps them.
    """

    scope: str
    person: str
    user_id: str
    at: datetime
    until: datetime | None = None
    reason: str = ""

    @property
    def is_by_hand(self) -> bool:
        """Tell whether it was set past the bot, so that nobody can say more about it."""
        return not self.person

    def is_over(self, now: datetime) -> bool:
        """Tell whether its time has passed."""
        return self.until is not None and now >= self.until

    def outlasts(self, other: "Freeze") -> bool:
        """Tell whether it lasts longer: one person may freeze for longer than another, never for shorter."""
        return other.until is not None and (self.until is None or self.until > other.until)

    def named_until(self, now: datetime) -> str:
        """Return what is frozen and until when, in a few words."""
        what = "all sites" if self.scope == ALL else self.scope
        return f"{what} until {clock(self.until, now) if self.until else 'two people lift it'}"

    def told(self, now: datetime) -> str:
        """Return who froze what, since when and until when, as one sentence in UTC."""
        if self.is_by_hand:
            return _BY_HAND
        until = f"until {clock(self.until, now)}" if self.until else "until two people lift it"
        why = f": {self.reason.rstrip('.')}" if self.reason else ""
        who = f"<@{self.user_id}>" if self.user_id else "this bot itself"
        return f"{named(self.scope)} frozen by {who} since {clock(self.at, now)}, {until}{why}."


_BY_HAND = "All sites are frozen by hand in Redis, past this bot; whoever looks after Redis must remove it there."
SET_BY_HAND = Freeze(ALL, "", "", datetime.fromtimestamp(0, UTC), None, "set by hand in Redis")
"""What stands for a freeze that cannot be read."""


@dataclass(frozen=True, slots=True)
class Switches:
    """Everything that may stop a write, as one process sees it at one moment.

    `switch` is why this process must not write (environment, file), `local` what only this process knows to be frozen,
    `unknown` why the store does not say: then it counts as frozen.
    """

    freezes: tuple[Freeze, ...] = ()
    local: tuple[Freeze, ...] = ()
    switch: str = ""
    unknown: str = ""

    @property
    def is_on(self) -> bool:
        """Tell whether anything at all is stopped."""
        return bool(self.switch or self.unknown or self.freezes or self.local)

    def besides(self, told: Collection[str]) -> "Switches":
        """Return what is left to tell where these scopes, or this switch, have been told."""
        freezes = tuple(freeze for freeze in self.freezes if freeze.scope not in told)
        local = tuple(freeze for freeze in self.local if freeze.scope not in told)
        return Switches(freezes, local, "" if self.switch in told else self.switch, self.unknown)


def named(scope: str) -> str:
    """Return a scope as the subject of a sentence, with its verb."""
    return "All sites are" if scope == ALL else f"{scope} is"


def lifting(freezes: Iterable[Freeze]) -> str:
    """Return how people may lift these, for whoever is stopped by them; nothing where no command can."""
    commands = [f"`/registry unfreeze {freeze.scope} because …`" for freeze in freezes if not freeze.is_by_hand]
    return f"To lift it: {', '.join(commands)}, and a second person's approval. " if commands else ""


def scopes_of(*sites: str) -> tuple[str, ...]:
    """Return the scopes of which none may be frozen for something to move between these sites."""
    return (ALL, *sites)


def stopping(freezes: Iterable[Freeze], scopes: Collection[str]) -> tuple[Freeze, ...]:
    """Return the freezes of these scopes."""
    return tuple(freeze for freeze in freezes if freeze.scope in scopes)


def clock(at: datetime, now: datetime) -> str:
    """Write a time in UTC, with its day where that is not today."""
    at = at.astimezone(UTC)
    is_today = at.date() == now.astimezone(UTC).date()
    return at.strftime("%H:%M UTC" if is_today else "%Y-%m-%d %H:%M UTC")
