"""What every store keeps at hand: what is due, whose card is behind, the newest first, and last good answers."""

import asyncio
from datetime import timedelta

import pytest

from bot.errors import UnknownOperation
from bot.ports import Card, IndexMove, Operations
from tests.builders import NOW, an_operation
from tests.contracts.conftest import Subject, a_commit, taken

MOMENT = timedelta(seconds=60)


async def test_what_is_due_is_told_from_its_moment_on_and_earliest_first(store: Operations) -> None:
    await store.commit(a_commit(an_operation(id="fo-0001"), due_at=NOW + MOMENT, index=IndexMove.RELEASE))
    await store.commit(a_commit(an_operation(id="fo-0002"), due_at=NOW, index=IndexMove.RELEASE))

    assert await store.due(NOW - MOMENT) == ()
    assert await store.due(NOW) == ("fo-0002",)
    assert await store.due(NOW + MOMENT) == ("fo-0002", "fo-0001")
    assert await store.due(NOW + MOMENT, limit=1) == ("fo-0002",)


async def test_a_commit_without_a_due_time_ends_what_was_due(store: Operations) -> None:
    first = await store.commit(a_commit(an_operation(), due_at=NOW))
    await store.commit(a_commit(first, "second"))

    assert await store.due(NOW + MOMENT) == ()


async def test_a_postponed_step_is_due_at_its_new_moment_and_nothing_else_changes(store: Operations) -> None:
    stored = await store.commit(a_commit(an_operation(), due_at=NOW))

    await store.postpone_step("fo-7k2m", NOW + MOMENT)

    assert await store.due(NOW) == ()
    assert await store.due(NOW + MOMENT) == ("fo-7k2m",)
    assert await store.get("fo-7k2m") == stored


async def test_postponing_a_step_of_what_is_not_due_makes_none(store: Operations) -> None:
    await store.commit(a_commit(an_operation()))

    await store.postpone_step("fo-7k2m", NOW)

    assert await store.due(NOW + MOMENT) == ()


async def test_news_lasts_until_the_card_shows_it(store: Operations) -> None:
    first = await taken(store)
    assert await store.news() == ("fo-7k2m",)

    await store.save_card("fo-7k2m", Card("C01OPS", "1.0", rendered=0))
    assert await store.news() == ("fo-7k2m",)

    await store.save_card("fo-7k2m", Card("C01OPS", "1.0", rendered=first.version, steps=2))
    assert await store.news() == ()
    assert await store.card("fo-7k2m") == Card("C01OPS", "1.0", rendered=1, steps=2)


async def test_news_that_came_while_the_card_was_drawn_is_not_lost(store: Operations) -> None:
    first = await taken(store)
    await store.commit(a_commit(first, "second"))

    await store.save_card("fo-7k2m", Card("C01OPS", "1.0", rendered=first.version))

    assert await store.news() == ("fo-7k2m",)


async def test_a_quiet_commit_is_no_news(store: Operations) -> None:
    first = await taken(store)
    await store.save_card("fo-7k2m", Card("C01OPS", "1.0", rendered=first.version))

    await store.commit(a_commit(first, "quiet", is_news=False))

    assert await store.news() == ()


async def test_postponed_news_comes_back_in_time(subject: Subject) -> None:
    await taken(subject.store)

    await subject.store.postpone_news("fo-7k2m", subject.now() + MOMENT)
    assert await subject.store.news() == ()

    await subject.store.postpone_news("fo-7k2m", subject.now() - MOMENT)
    assert await subject.store.news() == ("fo-7k2m",)


async def test_postponing_what_is_no_news_makes_none(subject: Subject) -> None:
    first = await taken(subject.store)
    await subject.store.save_card("fo-7k2m", Card("C01OPS", "1.0", rendered=first.version))

    await subject.store.postpone_news("fo-7k2m", subject.now() - MOMENT)

    assert await subject.store.news() == ()


async def test_nothing_is_kept_beside_an_operation_that_is_not_there(store: Operations) -> None:
    with pytest.raises(UnknownOperation):
        await store.save_card("fo-7k2m", Card("C01OPS", "1.0", rendered=0))
    with pytest.raises(UnknownOperation):
        await store.save_words_told("fo-7k2m", 1)
    await store.owe_words("fo-7k2m", 1)

    assert await store.card("fo-7k2m") is None
    assert await store.words_told("fo-7k2m") == 0
    assert await store.news() == ()


async def test_without_a_card_there_is_none(store: Operations) -> None:
    await taken(store)

    assert await store.card("fo-7k2m") is None


async def test_the_newest_operations_come_first(store: Operations) -> None:
    assert await store.recent() == ()

    for number in range(3):
        await store.commit(a_commit(an_operation(id=f"fo-000{number}"), index=IndexMove.RELEASE))
        await asyncio.sleep(0.002)

    assert [operation.id for operation in await store.recent(2)] == ["fo-0002", "fo-0001"]


async def test_a_last_good_answer_is_kept(store: Operations) -> None:
    assert await store.recall("endpoints:cri-aaaaa") is None

    await store.remember("endpoints:cri-aaaaa", '{"a": "ä"}')

    assert await store.recall("endpoints:cri-aaaaa") == '{"a": "ä"}'
