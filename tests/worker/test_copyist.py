"""Who carries copy jobs on, and how often people are told of them."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from structlog.testing import capture_logs

from bot.domain.copy_job import VALID_FOR, Phase
from bot.errors import BotError, ProviderError, Refused, StoreUnavailable, Unanswered, Unreachable
from bot.worker import copyist
from bot.worker.copyist import LEASE, Copyist
from tests.services.copying import Copying, copying


def told_in_threads(company: Copying) -> list[str]:
    return [post.message.text for post in company.workspace.posts if post.thread_ts]


async def landed(missing: int) -> Copying:
    """Return a company whose job has nothing left to do but to end."""
    company = await copying(missing)
    await company.started()
    await company.work()
    company.land(*(f"core/api:{number}" for number in range(missing)))
    return company


@pytest.mark.parametrize("error", [Unreachable("Slack's host for files cannot be reached."), Refused("No.")])
async def test_an_end_is_told_once_where_its_list_cannot_be_uploaded(error: ProviderError) -> None:
    company = await landed(12)

    async def refusing(*_: object) -> None:
        raise error

    company.workspace.share = refusing  # type: ignore[method-assign, assignment]
    await company.work(5)

    assert len(told_in_threads(company)) == 1
    assert company.job().is_told


async def test_a_long_list_stands_below_the_end_and_a_short_one_does_not() -> None:
    long, short = await landed(12), await landed(1)

    await long.work()
    await short.work()

    assert [file.title[:16] for _, _, file in long.workspace.files] == ["12 images to cop", "Outcome for 12 i"]
    assert short.workspace.files == []


@pytest.mark.parametrize(
    ("error", "told"),
    [(Unanswered("No answer came."), 0), (Refused("Gone."), 0), (Unreachable("Slack cannot be reached."), 1)],
)
async def test_an_end_is_told_again_only_where_slack_surely_has_not_shown_it(error: BotError, told: int) -> None:
    company = await landed(1)
    post = company.workspace.post

    async def failing(*_: object, **__: object) -> str:
        company.workspace.post = post  # type: ignore[method-assign]
        raise error

    company.workspace.post = failing  # type: ignore[method-assign]
    await company.work(4)

    assert len(told_in_threads(company)) == told
    assert company.job().is_told


async def test_an_offer_that_nobody_took_up_is_told_of_in_no_thread() -> None:
    company = await copying()
    job = await company.offer()

    await company.press(job, button=1)
    await company.work(2)

    assert told_in_threads(company) == []
    assert company.job().is_told


async def test_a_job_that_another_bot_is_at_is_left_alone() -> None:
    company = await copying()
    job = await company.started()
    until = company.clock.now() + timedelta(minutes=1)
    await company.operations.claim_news(f"copies/{job.id}", "bot-2", until)

    await company.work(2, "bot-1")

    assert company.copier.sent == []


async def test_a_job_is_left_to_its_bot_through_a_long_round_and_free_after_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(copyist, "RENEW_EVERY", timedelta(milliseconds=5))
    company = await copying()
    job = await company.started()
    begin, is_over = company.copier.begin, asyncio.Event()

    async def slow(*arguments: Any, **named: Any) -> str:
        await is_over.wait()
        return await begin(*arguments, **named)

    monkeypatch.setattr(company.copier, "begin", slow)
    claim = partial(company.operations.claim_news, f"copies/{job.id}", "bot-2")
    round_at_hand = asyncio.create_task(Copyist(company.ports, "bot-1").tick())
    for _ in range(5):
        company.clock.move(LEASE / 2)
        await asyncio.sleep(0.05)
    while_it_runs = await claim(company.clock.now() + LEASE)
    round_at_hand.cancel()
    await asyncio.wait([round_at_hand])

    assert not while_it_runs
    assert await claim(company.clock.now() + LEASE)


async def test_a_message_that_shows_how_it_goes_is_not_edited_again() -> None:
    company = await copying()
    await company.started()
    worker = Copyist(company.ports, "bot-1")

    is_busy = [await worker.tick() for _ in range(4)]

    assert company.workspace.updates == 1
    assert is_busy == [True] * 4


async def test_there_is_nothing_to_hurry_for_before_the_confirmation_and_after_the_end() -> None:
    company = await copying(1)
    worker = Copyist(company.ports, "bot-1")
    job = await company.offer()
    before = await worker.tick()
    await company.press(job)
    await worker.tick()
    company.land("core/api:0")

    after = await worker.tick()

    assert (before, after) == (False, False)
    assert company.job().phase is Phase.ENDED
    assert company.workspace.updates == 2


async def test_what_holds_a_job_up_is_logged_once_until_it_is_something_else() -> None:
    company = await copying()
    await company.started()
    worker = Copyist(company.ports, "bot-1")
    first, second = StoreUnavailable("Redis is full."), StoreUnavailable("Redis is silent.")

    with capture_logs() as logs:
        for error in (first, first, second):
            company.copies.fail_next(error)
            await worker.tick()

    assert [entry["why"] for entry in logs if entry["event"] == "copies.held_up"] == [str(first), str(second)]


async def test_an_end_is_told_after_its_message_shows_it() -> None:
    company = await landed(1)
    company.workspace.fail_next(Unreachable("Slack cannot be reached."))

    await company.work()
    before = (told_in_threads(company), company.job().is_told)
    await company.work()

    assert before == ([], False)
    assert len(told_in_threads(company)) == 1
    assert company.workspace.posts[0].message.text.startswith("COPIED")


async def test_a_message_that_never_came_to_be_is_not_edited() -> None:
    company = await copying()
    job = await company.offer()
    company.copies.held[job.id] = replace(job, ts="")
    company.clock.move(VALID_FOR)

    with capture_logs() as logs:
        await company.work()

    assert company.job().is_told
    assert [entry["event"] for entry in logs if entry["event"] == "copies.no_message"] == []
