"""What happens around the bots: the cloud, the clock, people, third parties, and a Redis that forgets."""

from collections.abc import Iterator

from bot.domain.operation import Event
from tests.model import worlds as w
from tests.model.protocol import Protocol
from tests.model.store import place
from tests.model.worlds import Bot, Doc, Redis, World, Write


def first_world(protocol: Protocol) -> World:
    """Return the world in which somebody has just asked for the first operation."""
    bounds = protocol.bounds
    progress = ((w.WAITING, 0, 0),) * bounds.records
    doc = w.Doc(w.PENDING, 0, w.NOBODY, 0, bounds.window, 0, 0, progress)
    return World(
        records=(0,) * bounds.records,
        redis=Redis(1, doc, 0, w.OFF, 0),
        behind=None,
        bots=(w.NO_BOT, w.NO_BOT),
        wire=(),
        policy=0,
        edits=bounds.edits,
        crashes=bounds.crashes,
        losses=bounds.losses,
        effects=(0,) * (2 * bounds.records),
        told=0,
    )


def surroundings(protocol: Protocol, world: World) -> Iterator[World]:
    """Yield everything that may happen next without a bot."""
    for write in set(world.wire):
        yield from _takes_effect(protocol, world, write)
    yield _a_tick_later(protocol, world)
    yield from _decisions(protocol, world)
    yield from _interference(protocol, world)
    if world.behind is not None:
        yield world._replace(behind=None)  # the replica catches up
        yield _lost(protocol, world, world.behind)


def _lost(protocol: Protocol, world: World, behind: Redis) -> World:
    """Let the replica take over without what it never got; it numbers on from there, but no stamp comes twice."""
    bots = world.bots
    if protocol.guards.stamp:
        bots = (_outdated(behind, bots[0]), _outdated(behind, bots[1]))
    return world._replace(redis=behind, behind=None, losses=world.losses - 1, bots=bots)


def _outdated(redis: Redis, bot: Bot) -> Bot:
    return bot if w.version_of(redis, bot.number) == bot.doc.version else bot._replace(doc=w.NO_DOC)


def _takes_effect(protocol: Protocol, world: World, write: Write) -> Iterator[World]:
    """Let the cloud apply a request, in any order; its answer arrives or is lost."""
    wire = list(world.wire)
    wire.remove(write)
    changed = _changed(protocol, world._replace(wire=tuple(wire)), write)
    yield changed
    if write.sender:
        bot = changed.bots[write.sender - 1]._replace(at=w.ANSWERED)
        yield changed._replace(bots=(bot, changed.bots[1]) if write.sender == w.FIRST else (changed.bots[0], bot))


def _changed(protocol: Protocol, world: World, write: Write) -> World:
    value, want, mine = world.records[write.change], w.WANTED[write.number], place(world, write.number, write.change)
    if value == want:
        return world
    if value == w.EDITED and not write.is_excused:
        protocol.broken.add("a third party's value was overwritten knowingly")
    if value != w.EDITED and world.effects[mine]:
        protocol.broken.add("a second effect")
    if write.number == 1 and world.effects[place(world, 2, write.change)]:
        protocol.broken.add("a late write undid a later operation")
    if world.redis.number == write.number and world.redis.doc.state in w.NOT_APPLIED:
        protocol.broken.add("said to be unchanged, although a write took effect or still may")
    return world._replace(records=_with(world.records, write.change, want), effects=_with(world.effects, mine, 1))


def _with(values: tuple[int, ...], index: int, value: int) -> tuple[int, ...]:
    return (*values[:index], value, *values[index + 1 :])


def _a_tick_later(protocol: Protocol, world: World) -> World:
    life = protocol.bounds.life
    return world._replace(
        redis=_later(world.redis),
        behind=None if world.behind is None else _later(world.behind),
        bots=(_later_bot(world.bots[0]), _later_bot(world.bots[1])),
        wire=tuple(sorted(write._replace(age=write.age + 1) for write in world.wire if write.age < life)),
    )


def _later(redis: Redis) -> Redis:
    doc, hold = _later_doc(redis.doc), max(0, redis.hold - 1)
    return redis if doc is redis.doc and hold == redis.hold else redis._replace(doc=doc, hold=hold)


def _later_doc(doc: Doc) -> Doc:
    if not doc.lease and not doc.window:
        return doc
    return doc._replace(lease=max(0, doc.lease - 1), window=max(0, doc.window - 1))


def _later_bot(bot: Bot) -> Bot:
    doc, left = _later_doc(bot.doc), max(0, bot.left - 1)
    return bot if doc is bot.doc and left == bot.left else bot._replace(doc=doc, left=left)


def _decisions(protocol: Protocol, world: World) -> Iterator[World]:
    """Let people approve, reject and cancel whenever the table knows such a move."""
    redis, doc = world.redis, world.redis.doc
    state = protocol.table.get((doc.state, Event.APPROVE))
    if state is not None and doc.window and _may_be_approved(protocol, world):
        people = (w.OTHER,) if protocol.guards.second_person else (w.OTHER, w.REQUESTER)
        for person in people:
            approved = doc._replace(state=state, window=protocol.bounds.window, approver=person)
            yield protocol.written(world, redis.number, approved)[0]
    if protocol.bounds.people:
        for event in (Event.REJECT, Event.CANCEL):
            if (doc.state, event) in protocol.table:
                for ended in protocol.ended(world, redis.number, doc, event):
                    yield from _acknowledged(protocol, ended, redis.number)


def _may_be_approved(protocol: Protocol, world: World) -> bool:
    redis = world.redis
    is_held = redis.hold > 0 and protocol.guards.hold
    return not is_held and redis.freeze != w.ON and redis.doc.policy == world.policy


def _interference(protocol: Protocol, world: World) -> Iterator[World]:
    """Let the record, the policy and the kill switch change under the bots, and a way back be asked for."""
    if world.edits:
        for index, value in enumerate(world.records):
            if value != w.EDITED:
                yield _edited(world, index)
    if protocol.bounds.policies and not world.policy:
        yield world._replace(policy=1, bots=_all_excused(world, w.SAW_NO_POLICY))
    if protocol.bounds.freezes and world.redis.freeze != w.LIFTED:
        yield from _frozen_or_lifted(protocol, world)
    if world.redis.number == 1 and world.redis.doc.state in w.TERMINAL and 1 in world.records:
        yield _way_back(protocol, world)


def _edited(world: World, index: int) -> World:
    bots = _all_excused(world, w.SAW_NO_EDIT, index)
    wire = tuple(sorted(write._replace(is_excused=True) if write.change == index else write for write in world.wire))
    records = _with(world.records, index, w.EDITED)
    return world._replace(records=records, bots=bots, wire=wire, edits=world.edits - 1)


def _all_excused(world: World, excuse: int, index: int | None = None) -> tuple[Bot, Bot]:
    """Excuse the bots that have something in hand, or only those at one change: what came now they could not see."""
    first, second = world.bots
    return _excused(first, excuse, index), _excused(second, excuse, index)


def _excused(bot: Bot, excuse: int, index: int | None) -> Bot:
    is_concerned = bot.at and index in (None, bot.change)
    return bot._replace(excuses=bot.excuses | excuse) if is_concerned else bot


def _acknowledged(protocol: Protocol, world: World, what: int) -> Iterator[World]:
    """Let somebody hear that their word counts: once the replica has it; else they hear that it may be lost."""
    told = world._replace(told=world.told | what)
    if not world.losses:
        yield world  # nothing is lost any more, told or not
    elif protocol.guards.wait_for_words:
        yield world
        yield told._replace(behind=None)
    else:
        yield told


def _frozen_or_lifted(protocol: Protocol, world: World) -> Iterator[World]:
    redis = world.redis
    behind = (world.behind or redis) if world.losses else None
    if redis.freeze == w.ON:
        lifted = world._replace(redis=redis._replace(freeze=w.LIFTED), behind=behind)
        yield lifted._replace(told=world.told & ~w.TOLD_FROZEN)
        return
    bots = _all_excused(world, w.SAW_NO_FREEZE)
    frozen = world._replace(redis=redis._replace(freeze=w.ON), behind=behind, bots=bots)
    yield from _acknowledged(protocol, frozen, w.TOLD_FROZEN)


def _way_back(protocol: Protocol, world: World) -> World:
    """Ask for the opposite of what the records hold now, wherever the first operation's value is."""
    redis = world.redis
    progress = tuple((w.WAITING if value == 1 else w.ABSENT, 0, 0) for value in world.records)
    doc = w.Doc(w.PENDING, 0, w.NOBODY, 0, protocol.bounds.window, 0, world.policy, progress)
    behind = (world.behind or redis) if world.losses else None
    return world._replace(redis=Redis(2, doc, redis.hold, redis.freeze, redis.doc.version), behind=behind)
