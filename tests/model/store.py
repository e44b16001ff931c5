"""What a commit in the modelled store checks and writes, and what nobody may ever commit."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from bot.domain.operation import Event
from tests.model import worlds as w
from tests.model.rules import Bounds, Guards
from tests.model.worlds import Bot, Doc, Table, World


@dataclass(slots=True)
class Store:
    """The rules of one exploration; `broken` gathers the invariants that some world violated."""

    guards: Guards
    bounds: Bounds
    table: Table
    broken: set[str] = field(default_factory=set)

    def may_commit(self, world: World, number: int, doc: Doc) -> bool:
        """Compare versions, as the script does."""
        return w.version_of(world.redis, number) == doc.version

    def written(self, world: World, number: int, doc: Doc) -> tuple[World, Doc]:
        """Write a document; until the replica has it, a failover brings back what was there before."""
        redis = world.redis
        if (redis.number, redis.doc.state in w.TERMINAL) != (number, False):
            self.broken.add("a terminal state was left")
        if self.guards.version:
            doc = doc._replace(version=(w.version_of(redis, number) or 0) + 1)
        behind = (world.behind or redis) if world.losses else None
        return world._replace(redis=redis._replace(doc=doc, number=number), behind=behind), doc

    def ended(self, world: World, number: int, doc: Doc, event: Event) -> Iterator[World]:
        """End an operation; after any unclear write its records rest."""
        after = self.table.get((doc.state, event))
        if after is None:
            yield world
            return
        self.judge_end(world, number, doc, after)
        unclean = any(progress[1] for progress in doc.progress)
        moved = doc._replace(state=after, owner=w.NOBODY, lease=0, window=0, progress=())
        world, _ = self.written(world, number, moved)
        hold = max(world.redis.hold, self.bounds.hold) if unclean and self.guards.hold else world.redis.hold
        yield world._replace(redis=world.redis._replace(hold=hold))

    def ended_change(self, world: World, number: int, doc: Doc, index: int, sub: int, event: Event) -> Iterator[World]:
        """End the operation at one change; what was applied before makes it PARTIAL, doubt makes it NEEDS_HUMAN."""
        if event is not Event.LOSE_TRACK and any(progress[0] == w.APPLIED for progress in doc.progress):
            event = Event.APPLY_SOME
        moved = with_progress(doc, index, (sub, *doc.progress[index][1:]))
        yield from self.ended(world, number, moved, event)

    def judge_end(self, world: World, number: int, doc: Doc, after: str) -> None:
        """What is said to be unchanged must be so, with nothing on its way to change it."""
        if after not in w.NOT_APPLIED and after != w.PARTIAL:
            return
        for index, (sub, _, _) in enumerate(doc.progress):
            is_under_way = any((write.number, write.change) == (number, index) for write in world.wire)
            if sub in (w.WAITING, w.FAILED) and (is_under_way or world.effects[place(world, number, index)]):
                self.broken.add("said to be unchanged, although a write took effect or still may")


def place(world: World, number: int, index: int) -> int:
    """Return where `effects` counts one change of one operation."""
    return (number - 1) * len(world.records) + index


def with_progress(doc: Doc, index: int, progress: tuple[int, int, int]) -> Doc:
    """Return the document with the progress of one change replaced."""
    return doc._replace(progress=(*doc.progress[:index], progress, *doc.progress[index + 1 :]))


def applied(store: Store, world: World, bot: Bot, doc: Doc) -> Iterator[World]:
    moved = with_progress(doc, bot.change, (w.APPLIED, *doc.progress[bot.change][1:]))
    moved = moved._replace(owner=w.NOBODY, lease=0)
    if all(sub in (w.APPLIED, w.ABSENT) for sub, _, _ in moved.progress):
        moved = moved._replace(state=store.table[moved.state, Event.READ_BACK])
    yield store.written(world, bot.number, moved)[0]


def released(store: Store, world: World, bot: Bot, doc: Doc) -> Iterator[World]:
    _, unclean, claims = doc.progress[bot.change]
    moved = with_progress(doc, bot.change, (w.WAITING, unclean, claims - 1))._replace(owner=w.NOBODY, lease=0)
    yield store.written(world, bot.number, moved)[0]


def later(store: Store, world: World, bot: Bot, doc: Doc) -> Iterator[World]:
    sub, _, claims = doc.progress[bot.change]
    yield store.written(world, bot.number, with_progress(doc, bot.change, (sub, 1, claims)))[0]


def failed(store: Store, world: World, bot: Bot, doc: Doc) -> Iterator[World]:
    return store.ended_change(world, bot.number, doc, bot.change, w.FAILED, Event.FAIL)


def differs(store: Store, world: World, bot: Bot, doc: Doc) -> Iterator[World]:
    return store.ended_change(world, bot.number, doc, bot.change, w.WAITING, Event.DIFFER)


def unknown(store: Store, world: World, bot: Bot, doc: Doc) -> Iterator[World]:
    return store.ended_change(world, bot.number, doc, bot.change, w.UNKNOWN, Event.LOSE_TRACK)
