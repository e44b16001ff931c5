"""Several people who press several offers in the same instant: no image is copied by two jobs."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from bot.adapters.clock import SystemClock
from bot.adapters.redis_copies import RedisCopies
from bot.adapters.redis_store import RedisOperations
from bot.domain.copy_job import CopyJob, Phase
from bot.errors import Conflict
from tests.builders import WORKSPACE
from tests.handlers.calls import answer
from tests.services.copying import ASK, SOURCE, TARGET, Copying, copying

AT_ONCE = 5


@pytest.fixture
async def company(redis_url: str) -> AsyncIterator[Copying]:
    """A company whose jobs are in a real Redis, so that presses overtake each other at every call."""
    store = RedisOperations(redis_url, clock=SystemClock(), workspace=WORKSPACE, connect_timeout=5, operation_timeout=5)
    company = await copying(AT_ONCE)
    company.ports = replace(company.ports, copies=RedisCopies(store.link, store.adopt))
    yield company
    await store.close()


async def offered(company: Copying, *asked: str) -> list[CopyJob]:
    for words in asked:
        await answer(company.ports, words)
    return await jobs(company)


async def jobs(company: Copying) -> list[CopyJob]:
    found = [await company.ports.copies.get(job_id) for job_id in await company.ports.copies.live()]
    return [job for job in found if job is not None]


async def pressed(company: Copying, offers: list[CopyJob]) -> list[str | BaseException]:
    return await asyncio.gather(*map(company.press, offers), return_exceptions=True)


async def test_of_several_offers_of_the_same_images_pressed_at_once_one_starts_and_the_others_are_told_which(
    company: Copying,
) -> None:
    offers = await offered(company, *[ASK] * AT_ONCE)

    told = await pressed(company, offers)

    (running,) = [job for job in await jobs(company) if job.phase is Phase.RUNNING]
    refused = [each for each in told if isinstance(each, BaseException)]
    assert len(refused) == AT_ONCE - 1
    assert all(isinstance(each, Conflict) for each in refused)
    assert {str(each).partition(" just now.")[0] for each in refused} == {
        f"Nothing was started: {running.id} copies these {AT_ONCE} images"
    }


async def test_several_offers_of_different_images_pressed_at_once_all_start(company: Copying) -> None:
    offers = await offered(company, *(f"sync core/api:{n} from {SOURCE} to {TARGET}" for n in range(AT_ONCE)))

    told = await pressed(company, offers)

    assert sorted(str(each) for each in told) == [
        f"{job.id} is started: 1 image from {SOURCE} to {TARGET}. Its message shows how it goes." for job in offers
    ]
