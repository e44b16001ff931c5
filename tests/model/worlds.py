"""One moment of the modelled world as nested tuples, and the form in which equal moments are equal."""

from typing import NamedTuple

from bot.domain.operation import Event, State, advance
from bot.errors import InvalidTransition
from tests.builders import NOW, an_operation

# the plain words: a str knows its hash, a member of an Enum computes it each time
PENDING, APPROVED, APPLYING = State.PENDING.value, State.APPROVED.value, State.APPLYING.value
VERIFYING, DONE, PARTIAL = State.VERIFYING.value, State.DONE.value, State.PARTIAL.value
TERMINAL = frozenset(state.value for state in State if state.is_terminal)
NOT_APPLIED = frozenset(s.value for s in (State.REJECTED, State.CANCELLED, State.EXPIRED, State.STALE, State.FAILED))
"""States whose cards say that nothing was changed."""

ABSENT, WAITING, CLAIMED, APPLIED, FAILED, UNKNOWN = range(6)
"""Sub-states of a change; ABSENT is a record that is not in the plan."""

IDLE, DECIDED, CLAIMING, READY, SENT, ANSWERED, UNSURE = range(7)
"""Where a bot is: nothing in hand, about to claim, has claimed, has looked, has sent, was answered, heard nothing."""

NOBODY, FIRST, SECOND, GONE = range(4)
"""Whose token: none, one of the two bots', or one that its bot has forgotten."""

EDITED = 2
"""The value that a third party writes; 0 is what the records hold at first, 1 what the first operation wants."""
WANTED = {1: 1, 2: 0}
REQUESTER, OTHER = 1, 2
OFF, ON, LIFTED = range(3)
TOLD_FROZEN = 4
"""Beside 1 and 2, the operations of whose end somebody was told."""
DOOMED = -1
"""The version of a copy that no store can come to hold again, so that no commit of it can succeed."""

SAW_NO_EDIT, SAW_NO_POLICY, SAW_NO_FREEZE = 1, 2, 4
"""Excuses: this came after the look that would have shown it."""


class Doc(NamedTuple):
    """An operation as it is stored; spans are ticks that are left."""

    state: str
    version: int
    owner: int
    lease: int
    window: int
    approver: int
    policy: int
    progress: tuple[tuple[int, int, int], ...]


class Redis(NamedTuple):
    """The store: the latest operation, and of the one before it what can still matter."""

    number: int
    doc: Doc
    hold: int
    freeze: int
    ended: int


class Bot(NamedTuple):
    """A process; `doc` is its own copy, which it writes back whole; `token` counts where tokens are not random."""

    at: int
    number: int
    doc: Doc
    change: int
    left: int
    resends: int
    excuses: int
    is_first: int
    token: int


class Write(NamedTuple):
    """A request on its way to the cloud; `sender` is the bot that still waits for the answer."""

    number: int
    change: int
    age: int
    sender: int
    is_excused: int


class World(NamedTuple):
    """Everything at one moment; `behind` is what the replica holds where that is less than the primary.

    `told` is what somebody was told without a doubt: the numbers of the operations that were cancelled or rejected, as
    bits, and TOLD_FROZEN.
    """

    records: tuple[int, ...]
    redis: Redis
    behind: Redis | None
    bots: tuple[Bot, Bot]
    wire: tuple[Write, ...]
    policy: int
    edits: int
    crashes: int
    losses: int
    effects: tuple[int, ...]
    told: int


NO_DOC = Doc(PENDING, DOOMED, NOBODY, 0, 0, 0, 0, ())
NO_BOT = Bot(IDLE, 0, NO_DOC, 0, 0, 0, 0, 0, 0)
Table = dict[tuple[str, Event], str]


def product_table() -> Table:
    """Return every move that the product's own `advance` makes."""
    table: Table = {}
    for state in State:
        for event in Event:
            try:
                table[state.value, event] = advance(an_operation(state), event, NOW).state.value
            except InvalidTransition:
                continue
    return table


def normal(world: World) -> World:
    """Return the one form of all worlds that differ only in how tokens, versions and bots are called."""
    world = _rebased(world)
    return _renamed(world) if world.bots[0] < world.bots[1] else world


def forgotten(world: World, me: int) -> World:
    """Return the world after a bot put down what it had in hand, and with it its token."""
    other = _disown_bot(world.bots[SECOND - me], me)
    return World(
        world.records,
        _disown(world.redis, me),
        None if world.behind is None else _disown(world.behind, me),
        (NO_BOT, other) if me == FIRST else (other, NO_BOT),
        unanswered(world.wire, me),
        *_budgets(world),
    )


def with_bots(world: World, bots: tuple[Bot, Bot]) -> World:
    """Return the world with these bots in it; the move that is made most often."""
    return World(world.records, world.redis, world.behind, bots, world.wire, *_budgets(world))


def _budgets(world: World) -> tuple[int, int, int, int, tuple[int, ...], int]:
    return world.policy, world.edits, world.crashes, world.losses, world.effects, world.told


def _disown(redis: Redis, me: int) -> Redis:
    return redis if redis.doc.owner != me else redis._replace(doc=redis.doc._replace(owner=GONE))


def _disown_bot(bot: Bot, me: int) -> Bot:
    return bot if bot.doc.owner != me else bot._replace(doc=bot.doc._replace(owner=GONE))


def unanswered(wire: tuple[Write, ...], me: int) -> tuple[Write, ...]:
    """Let nobody wait any longer for the answer to this bot's write."""
    if not any(write.sender == me for write in wire):
        return wire
    return tuple(sorted(write._replace(sender=NOBODY) if write.sender == me else write for write in wire))


def version_of(redis: Redis, number: int) -> int | None:
    """Return the version at which the store has an operation, or None when it has not heard of it."""
    if redis.number == number:
        return redis.doc.version
    return redis.ended if redis.number > number else None


def _rebased(world: World) -> World:
    """Count versions from the oldest that the store may return to; what only is older can never be written."""
    redis, behind, bots = world.redis, world.behind, world.bots
    if behind is None and redis.number == 1 and not redis.doc.version and not bots[0].at and not bots[1].at:
        return world
    bases = {number: _oldest(redis, behind, number) for number in range(1, redis.number + 1)}
    shifted = None if behind is None else _shifted(behind, bases)
    both = (_shifted_bot(bots[0], bases), _shifted_bot(bots[1], bases))
    return World(world.records, _shifted(redis, bases), shifted, both, world.wire, *_budgets(world))


def _oldest(redis: Redis, behind: Redis | None, number: int) -> int:
    now = version_of(redis, number) or 0
    before = None if behind is None else version_of(behind, number)
    return now if before is None else min(now, before)


def _shifted(redis: Redis, bases: dict[int, int]) -> Redis:
    number, doc, hold, freeze, ended = redis
    base = bases[number]
    if number == 2:
        ended -= bases[1]
    elif not base:
        return redis
    return Redis(number, _at_version(doc, doc.version - base), hold, freeze, ended)


def _shifted_bot(bot: Bot, bases: dict[int, int]) -> Bot:
    doc = bot.doc
    if doc is NO_DOC or doc.version == DOOMED:
        return bot
    # an operation that the store has lost can be committed no more: its id is no longer there
    version = doc.version - bases[bot.number] if bot.number in bases else DOOMED
    if version == doc.version:
        return bot
    return bot._replace(doc=NO_DOC if version < 0 else _at_version(doc, version))


def _at_version(doc: Doc, version: int) -> Doc:
    return doc if doc.version == version else doc._replace(version=version)


_SWAPPED = (NOBODY, SECOND, FIRST, GONE)


def _renamed(world: World) -> World:
    """Return the same world with the two bots in the other order: they are alike."""
    first, second = world.bots
    return world._replace(
        redis=_swapped(world.redis),
        behind=None if world.behind is None else _swapped(world.behind),
        bots=(_swapped_bot(second), _swapped_bot(first)),
        wire=tuple(sorted(write._replace(sender=_SWAPPED[write.sender]) for write in world.wire)),
    )


def _swapped(redis: Redis) -> Redis:
    owner = redis.doc.owner
    return redis if owner in (NOBODY, GONE) else redis._replace(doc=redis.doc._replace(owner=_SWAPPED[owner]))


def _swapped_bot(bot: Bot) -> Bot:
    owner = bot.doc.owner
    return bot if owner in (NOBODY, GONE) else bot._replace(doc=bot.doc._replace(owner=_SWAPPED[owner]))
