"""What the bots do, one awaited call at a time: execution, writing, finishing and verification in small."""

from collections.abc import Callable, Iterator

from bot.domain.operation import Event
from tests.model import store
from tests.model import worlds as w
from tests.model.store import Store, place, with_progress
from tests.model.worlds import Bot, Doc, Redis, World, Write

Finish = Callable[[Store, World, Bot, Doc], Iterator[World]]


class Protocol(Store):
    """The steps of a bot; a read whose result leads to nothing but a commit is one step with it."""

    __slots__ = ()

    def bot_steps(self, world: World, me: int) -> Iterator[World]:
        """Yield what one bot may do next."""
        bot = world.bots[me - 1]
        yield from _STEPS[bot.at](self, world, me, bot)
        if bot.at and world.crashes:
            yield w.forgotten(world, me)._replace(crashes=world.crashes - 1)

    def idle(self, world: World, me: int, _bot: Bot) -> Iterator[World]:
        """Take up what is due."""
        doc = world.redis.doc
        if doc.state == w.PENDING:
            yield from self.sweep(world)
        elif doc.state == w.APPROVED:
            yield from self.start(world, me)
        elif doc.state == w.APPLYING:
            yield from self.take_over(world, me)
        elif doc.state == w.VERIFYING:
            yield from self.verify(world)

    def sweep(self, world: World) -> Iterator[World]:
        """End what nobody decided in time, or what was planned under another policy."""
        number, doc = world.redis.number, world.redis.doc
        if doc.window == 0:
            yield from self.ended(world, number, doc, Event.EXPIRE)
        if doc.policy != world.policy and (doc.state, Event.DIFFER) in self.table:
            yield from self.ended(world, number, doc, Event.DIFFER)

    def start(self, world: World, me: int) -> Iterator[World]:
        """Check everything again; then claim."""
        redis, doc = world.redis, world.redis.doc
        before = 1 - w.WANTED[redis.number]
        differs = any(
            sub != w.ABSENT and world.records[index] != before for index, (sub, _, _) in enumerate(doc.progress)
        )
        if doc.window == 0 and self.guards.approval_lapses:
            yield from self.ended(world, redis.number, doc, Event.EXPIRE)
        elif doc.policy != world.policy or differs:
            yield from self.ended(world, redis.number, doc, Event.DIFFER)
        else:
            yield self.decided(world, me)

    def take_over(self, world: World, me: int) -> Iterator[World]:
        """Go on where nobody holds a lease; give up a change that had its chances."""
        number, doc = world.redis.number, world.redis.doc
        if doc.owner and doc.lease and self.guards.lease_before_takeover:
            return
        index = next(i for i, (sub, _, _) in enumerate(doc.progress) if sub not in (w.APPLIED, w.ABSENT))
        _, unclean, claims = doc.progress[index]
        if claims < self.bounds.claims:
            yield self.decided(world, me, index)
        else:
            sub, event = (w.UNKNOWN, Event.LOSE_TRACK) if unclean else (w.FAILED, Event.FAIL)
            yield from self.ended_change(world, number, doc, index, sub, event)

    def decided(self, world: World, me: int, index: int | None = None) -> World:
        """Return the world in which a bot has read the operation and means to claim a change of it."""
        doc = world.redis.doc
        if index is None:
            index = next(i for i, (sub, _, _) in enumerate(doc.progress) if sub != w.ABSENT)
        return _with_bot(world, me, Bot(w.DECIDED, world.redis.number, doc, index, 0, 0, 0, 0, 0))

    def claim(self, world: World, me: int, bot: Bot) -> Iterator[World]:
        """Commit the claim under a fresh token."""
        redis, doc = world.redis, bot.doc
        after = self.table.get((doc.state, Event.CLAIM))
        if after is None or not self.may_commit(world, bot.number, doc):
            yield w.forgotten(world, me)
            return
        is_first = doc.state == w.APPROVED
        if is_first and redis.freeze == w.ON:
            yield from self.ended(w.forgotten(world, me), bot.number, doc, Event.DIFFER)
            return
        if is_first and ((redis.hold and self.guards.hold) or (not doc.window and self.guards.approval_lapses)):
            yield w.forgotten(world, me)
            return
        if is_first and not redis.doc.window:
            self.broken.add("an approval that had lapsed was claimed")
        sub, unclean, claims = doc.progress[bot.change]
        unclean |= int(sub == w.CLAIMED and self.guards.takeover_is_unclean)
        claimed = doc._replace(state=after, owner=me, lease=self.bounds.lease, window=0)
        claimed = with_progress(claimed, bot.change, (w.CLAIMED, unclean, claims + 1))
        world, claimed = self.written(world, bot.number, claimed)
        claiming = bot._replace(
            at=w.CLAIMING,
            doc=claimed,
            left=self.bounds.deadline,
            resends=self.bounds.resends,
            is_first=int(is_first),
            token=0 if self.guards.random_token else claims + 1,
        )
        yield _with_bot(world, me, claiming)

    def look(self, world: World, me: int, bot: Bot) -> Iterator[World]:
        """WAIT, read the claim back, ask whether it may be used, and read the record."""
        is_mine = self.is_mine(world.redis, bot, me)
        if not is_mine and self.guards.reread:
            yield w.forgotten(world, me)
            return
        if self.guards.wait and is_mine:
            world = world._replace(behind=None)
        if bot.doc.version != w.DOOMED and self.must_not_send(world, bot):
            yield from self.look_only(world, me, bot)
            return
        kept = bot.excuses & w.SAW_NO_POLICY if bot.is_first else 0  # people are asked again before a takeover only
        yield from self.read_before(world, me, bot._replace(excuses=kept))
        if self.bounds.refusals:
            yield from self.finish(world, me, bot, store.released if not _is_unclean(bot) else store.later)

    def is_mine(self, redis: Redis, bot: Bot, me: int) -> bool:
        """Tell whether the stored claim carries this bot's token."""
        if redis.number != bot.number or redis.doc.state != w.APPLYING:
            return False
        if self.guards.random_token:
            return redis.doc.owner == me
        # a token counted in the store repeats itself when the store forgets
        return bool(redis.doc.owner) and redis.doc.progress[bot.change][2] == bot.token

    def must_not_send(self, world: World, bot: Bot) -> bool:
        """Tell whether the kill switch, or at a takeover the policy, forbids to use this claim."""
        if world.redis.freeze == w.ON and self.guards.freeze_before_write:
            return True
        is_changed = bot.doc.policy != world.policy and self.guards.policy_at_takeover
        return is_changed and not bot.is_first

    def look_only(self, world: World, me: int, bot: Bot) -> Iterator[World]:
        """Settle a claim that may no longer send by what the record says."""
        value, want = world.records[bot.change], w.WANTED[bot.number]
        if value == want:
            yield from self.finish(world, me, bot, store.applied)
        elif value == 1 - want and not _is_unclean(bot):
            yield from self.finish(world, me, bot, store.differs)
        else:
            yield from self.finish(world, me, bot, store.unknown)

    def read_before(self, world: World, me: int, bot: Bot) -> Iterator[World]:
        """Compare the record with what the plan expects."""
        value, want = world.records[bot.change], w.WANTED[bot.number]
        if value == want:
            yield from self.finish(world, me, bot, store.applied)
        elif value != 1 - want and self.guards.before_image:
            yield from self.finish(world, me, bot, store.unknown if _is_unclean(bot) else store.differs)
        else:
            yield _with_bot(world, me, bot._replace(at=w.READY, excuses=bot.excuses & ~w.SAW_NO_EDIT))

    def send(self, world: World, me: int, bot: Bot) -> Iterator[World]:
        """Send while there is time; nothing is awaited between the look at the clock and the request."""
        if bot.left == 0 and self.guards.deadline:
            yield from self.finish(world, me, bot, store.later if _is_unclean(bot) else store.released)
            return
        if self.bounds.refusals:
            is_in_force = world.records[bot.change] == w.WANTED[bot.number]
            failed = store.later if _is_unclean(bot) else store.failed
            yield from self.finish(world, me, bot, store.applied if is_in_force else failed)
        if len(world.wire) < 3:
            self.judge_send(world, bot)
            write = Write(bot.number, bot.change, 0, me, bool(bot.excuses & w.SAW_NO_EDIT))
            sent = world._replace(wire=tuple(sorted((*world.wire, write))))
            yield _with_bot(sent, me, bot._replace(at=w.SENT))

    def judge_send(self, world: World, bot: Bot) -> None:
        """Hold this send against what nobody may ever do."""
        redis, doc = world.redis, bot.doc
        if redis.number == bot.number and redis.doc.state in w.NOT_APPLIED:
            self.broken.add("a write was sent after its operation had ended without one")
        if doc.version == w.DOOMED:
            return
        if doc.approver != w.OTHER:
            self.broken.add("a write without a second person's approval")
        if redis.freeze == w.ON and not bot.excuses & w.SAW_NO_FREEZE:
            self.broken.add("a write under a kill switch that was on before the last look")
        if world.told & w.TOLD_FROZEN and not bot.excuses & w.SAW_NO_FREEZE:
            self.broken.add("a write under a kill switch that somebody was told is on")
        if world.told & bot.number:
            self.broken.add("a write of an operation that somebody was told is cancelled or rejected")
        if doc.policy != world.policy and not bot.excuses & w.SAW_NO_POLICY:
            self.broken.add("a write under a policy that had changed before the last look")

    def hear(self, world: World, me: int, bot: Bot) -> Iterator[World]:
        """Hear nothing: the outcome is unknown, which is stored before anything else is done."""
        doc = bot.doc
        if not self.guards.silence_is_no_failure:
            yield from self.finish(world, me, bot, store.failed)
        elif not self.guards.read_back:
            yield from self.finish(world, me, bot, store.applied)
        elif not self.may_commit(world, bot.number, doc):
            yield w.forgotten(world, me)
        else:
            sub, unclean, claims = doc.progress[bot.change]
            unclean |= int(self.guards.silence_is_unclean)
            noted = with_progress(doc, bot.change, (sub, unclean, claims))
            world, noted = self.written(world._replace(wire=w.unanswered(world.wire, me)), bot.number, noted)
            yield _with_bot(world, me, bot._replace(at=w.UNSURE, doc=noted))

    def read_back(self, world: World, me: int, bot: Bot) -> Iterator[World]:
        """Read after the vendor accepted the write."""
        value, want = world.records[bot.change], w.WANTED[bot.number]
        if value == want:
            yield from self.finish(world, me, bot, store.applied)
        else:
            yield from self.finish(world, me, bot, store.later if value == 1 - want else store.unknown)

    def try_again(self, world: World, me: int, bot: Bot) -> Iterator[World]:
        """After an unclear outcome: read, and send the same once more while that is allowed."""
        if bot.resends:
            yield from self.read_before(world, me, bot._replace(resends=bot.resends - 1))
        else:
            yield from self.finish(world, me, bot, store.later)

    def finish(self, world: World, me: int, bot: Bot, how: Finish) -> Iterator[World]:
        """Commit how the claim ended, unless the operation has moved on meanwhile."""
        doc, free = bot.doc, w.forgotten(world, me)
        if not self.may_commit(world, bot.number, doc):
            yield free
            return
        if doc.owner == me:
            doc = doc._replace(owner=w.GONE)
        yield from how(self, free, bot, doc)

    def verify(self, world: World) -> Iterator[World]:
        """Read every record a second time."""
        number, doc = world.redis.number, world.redis.doc
        planned = [index for index, (sub, _, _) in enumerate(doc.progress) if sub != w.ABSENT]
        if self.guards.read_back and any(world.records[index] != w.WANTED[number] for index in planned):
            yield from self.ended(world, number, doc, Event.LOSE_TRACK)
            return
        if any(not world.effects[place(world, number, index)] for index in planned):
            self.broken.add("DONE although it was never applied")
        yield from self.ended(world, number, doc, Event.CONFIRM)


def _is_unclean(bot: Bot) -> bool:
    return bool(bot.doc.progress) and bool(bot.doc.progress[bot.change][1])


def _with_bot(world: World, me: int, bot: Bot) -> World:
    bots = (bot, world.bots[1]) if me == w.FIRST else (world.bots[0], bot)
    return w.with_bots(world, bots)


_STEPS: dict[int, Callable[[Protocol, World, int, Bot], Iterator[World]]] = {
    w.IDLE: Protocol.idle,
    w.DECIDED: Protocol.claim,
    w.CLAIMING: Protocol.look,
    w.READY: Protocol.send,
    w.SENT: Protocol.hear,
    w.ANSWERED: Protocol.read_back,
    w.UNSURE: Protocol.try_again,
}
