"""A bot dies at every call of a copy job; another one goes on, and each image is asked for once and arrives."""

from contextlib import suppress
from datetime import timedelta

import pytest

from bot.domain.copy_job import Verdict
from bot.domain.copy_steps import SETTLES
from bot.errors import OutcomeUnknown
from bot.ports import Ports
from bot.worker.copyist import LEASE, Copyist
from tests.mortal import Crash, Fate, mortal
from tests.services.copying import Copying, copying

MOST_ROUNDS = 60


async def _work(company: Copying, ports: Ports, owner: str) -> None:
    """Take rounds, with everything that was asked for arriving at once, until the end is told."""
    copyist = Copyist(ports, owner)
    for _ in range(MOST_ROUNDS):
        if company.job().is_told:
            return
        await copyist.tick()
        company.land(*{sent.image for sent in company.copier.sent})
        company.clock.move(timedelta(seconds=2))
    pytest.fail(f"the job never ended: {company.fates()}")


async def _die_and_take_over(company: Copying, fate: Fate) -> None:
    with suppress(Crash, BaseExceptionGroup):
        await _work(company, mortal(company.ports, fate), "bot-1")
    if fate.calls >= fate.at:
        company.clock.move(LEASE)
        await _work(company, company.ports, "bot-2")


@pytest.mark.parametrize("is_after", [False, True], ids=["before", "after"])
async def test_a_crash_at_any_call_ends_with_every_image_there_and_asked_for_once(is_after: bool) -> None:
    at, fate = 0, Fate()
    while fate.calls >= at:
        at += 1
        company, fate = await copying(), Fate(at, is_after)
        await company.started()

        await _die_and_take_over(company, fate)

        assert company.job().verdict is Verdict.COPIED, at
        assert sorted(sent.image for sent in company.copier.sent) == ["core/api:0", "core/api:1", "core/api:2"], at
        assert company.events() == ["copies offered", "copies started", "copies ended"], at
        assert company.shown(company.job()).startswith("COPIED: 3 of 3"), at
    assert at > 20


@pytest.mark.parametrize("is_there", [False, True])
async def test_an_answer_lost_and_then_the_bot_still_brings_one_task(is_there: bool) -> None:
    company = await copying(1)
    await company.started()
    company.copier.fail_next(OutcomeUnknown("No answer came."), after=is_there)
    fate = Fate()
    await Copyist(mortal(company.ports, fate), "bot-1").tick()

    company.clock.move(max(LEASE, SETTLES))
    await _work(company, company.ports, "bot-2")

    assert company.job().verdict is Verdict.COPIED
    assert len(company.copier.sent) == 1


async def test_a_bot_that_stood_still_after_it_wrote_down_what_it_sends_sends_nothing_any_more() -> None:
    company = await copying(1)
    await company.started()
    save = company.copies.save

    async def slow(*args: object) -> object:
        stored = await save(*args)  # type: ignore[arg-type]
        company.clock.move(timedelta(seconds=11))
        return stored

    company.copies.save = slow  # type: ignore[assignment]
    await company.work()

    assert company.copier.sent == []
    assert company.fates() == {"core/api:0": "asked"}
