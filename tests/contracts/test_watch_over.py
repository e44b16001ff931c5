"""Which operation watches over a record: the last that says so, until it leaves it itself."""

from dataclasses import replace

from bot.domain.operation import State
from bot.domain.sighting import Sight, Sighting
from bot.ports import Claims, IndexMove
from tests.builders import NOW, a_change, a_plan, an_operation
from tests.contracts.conftest import Observed, a_commit, taken

SEEN = (Sighting(0, Sight.FOREIGN, "A 10.99.0.99", "Somebody changed it.", NOW, "wang"),)
BOTH = a_plan(changes=(a_change("zhangjiakou"), a_change("hangzhou")))


async def test_nobody_watches_over_a_record_that_no_operation_ended_with(store: Observed) -> None:
    first = await taken(store)

    assert await store.claims("record-b") == Claims(open_by=first.id)


async def test_an_end_lets_the_record_go_and_watches_over_it(store: Observed) -> None:
    first = await taken(store)

    await store.commit(a_commit(first, "end", index=IndexMove.RELEASE, watch=("record-b",)))

    assert await store.claims("record-b") == Claims(watched_by=first.id)


async def test_only_the_named_records_of_a_plan_are_watched(store: Observed) -> None:
    first = await taken(store, plan=BOTH)

    await store.commit(a_commit(first, "end", index=IndexMove.RELEASE, watch=("record-a",)))

    assert (await store.claims("record-a")).watched_by == first.id
    assert (await store.claims("record-b")).watched_by is None


async def test_a_newer_operation_takes_the_watch_over_and_the_older_cannot_end_it(store: Observed) -> None:
    first = await taken(store)
    first = await store.commit(a_commit(first, "end", index=IndexMove.RELEASE, watch=("record-b",)))
    second = await store.commit(a_commit(an_operation(id="fo-0002"), "second", index=IndexMove.TAKE))
    await store.commit(a_commit(second, "second end", index=IndexMove.RELEASE, watch=("record-b",)))

    await store.commit(a_commit(first, "leave", leave=("record-b",)))

    assert await store.claims("record-b") == Claims(watched_by=second.id)


async def test_a_watch_that_ends_leaves_nobody(store: Observed) -> None:
    first = await taken(store)
    first = await store.commit(a_commit(first, "end", index=IndexMove.RELEASE, watch=("record-b",)))

    await store.commit(a_commit(first, "leave", leave=("record-b",)))

    assert await store.claims("record-b") == Claims()


async def test_what_was_seen_of_a_record_survives_being_stored(store: Observed) -> None:
    ended = replace(an_operation(State.DONE), sightings=SEEN)
    await store.commit(a_commit(ended, "taken", index=IndexMove.TAKE))

    assert (await store.get(ended.id)).sightings == SEEN
