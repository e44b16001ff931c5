"""The kill switch as people meet it: one turns it on, two turn it off, and meanwhile nothing is written."""

import asyncio
from collections.abc import Callable

import pytest

from tests.adapters.stores import opened
from tests.proxy import proxy_to
from tests.scenarios.company import (
    APPROVER,
    GENERAL,
    INCIDENT,
    MEMBER,
    ON_CALL,
    OPS,
    PATIENCE,
    Company,
    Json,
    company_with_bot,
)


def _now(company: Company, card: Json) -> Json:
    return next(message for message in company.cards() if message["ts"] == card["ts"])


def _says(company: Company, card: Json, words: str) -> Callable[[], bool]:
    return lambda: words in str(_now(company, card)["text"])


async def _ask_to_lift(company: Company, scope: str = "all") -> Json:
    before = len(company.cards())
    told = await company.command(ON_CALL, f"unfreeze {scope} because the migration is over")
    return await company.shows_a_card(before, told=told)


@pytest.mark.covers("A46")
async def test_one_freezes_two_lift_and_in_between_an_open_failover_waits(company: Company) -> None:
    card = await company.failover()

    told = await company.command(APPROVER, "freeze all because storage migration")
    await company.until(_says(company, card, "FROZEN: all sites"))
    assert told.startswith("SIMULATION · FROZEN: all sites, until two people lift it")
    assert f"All sites are frozen by <@{APPROVER}>" in await company.click(APPROVER, "approve", card)
    assert "FROZEN" in await company.command(ON_CALL, "failover hangzhou")
    assert company.writes() == []

    lift = await _ask_to_lift(company)
    assert lift["text"].startswith("SIMULATION · ASKED: lift the freeze of all sites · needs a second person before")
    assert "E_SECOND_PERSON_NEEDED" in await company.click(ON_CALL, "approve", lift)
    await company.click(APPROVER, "approve", lift)
    await company.until(_says(company, lift, "UNFROZEN: all sites"))
    await company.until(lambda: "FROZEN" not in str(_now(company, card)["text"]))

    await company.click(APPROVER, "approve", card)
    await company.until(lambda: len(company.writes()) == 1)


async def test_a_freeze_typed_elsewhere_is_told_in_the_home_channel_too_and_once(company: Company) -> None:
    await company.command(APPROVER, "freeze all because storage migration", INCIDENT)

    def at_home() -> list[str]:
        return [str(m["text"]) for m in company.slack.messages(OPS) if "FROZEN: all sites, until" in str(m["text"])]

    await company.until(lambda: at_home() != [])
    await company.command(MEMBER, "status")
    assert at_home() == ["SIMULATION · FROZEN: all sites, until two people lift it"]


async def test_every_answer_says_that_a_site_is_frozen(company: Company) -> None:
    await company.command(ON_CALL, "freeze zjk because storage migration")

    for text in ("help", "status hangzhou", "replication", "plan failover hangzhou", "actions", "cancel fo-0000"):
        assert "FROZEN: zhangjiakou" in await company.command(ON_CALL, text), text


async def test_a_freeze_ends_by_itself_when_its_time_is_over_and_the_card_shows_it(company: Company) -> None:
    card = await company.failover()
    await company.command(ON_CALL, "freeze hangzhou until 2s because a short look")
    await company.until(_says(company, card, "FROZEN: hangzhou"))

    await company.until(lambda: "FROZEN" not in str(_now(company, card)["text"]))

    assert "is approved" in await company.click(APPROVER, "approve", card)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("freeze", "What is to be frozen?"),
        ("freeze all", "Say why"),
        ("freeze shanghai because x", "No site is called 'shanghai'"),
        ("freeze all until 25:00 because x", "'25:00' is not a time"),
        ("freeze all until 2020-01-01T00:00 because x", "2020-01-01 00:00 UTC is over"),
        ("unfreeze all because x", "Not all sites are frozen"),
        ("unfreeze because x", "Name one site, or all"),
    ],
)
async def test_words_that_cannot_be_meant_freeze_and_lift_nothing(company: Company, text: str, told: str) -> None:
    assert told in await company.command(ON_CALL, text)
    assert "FROZEN" not in await company.command(MEMBER, "status")
    company.refused("")


async def test_a_member_without_a_role_freezes_nothing(company: Company) -> None:
    assert "E_NO_ROLE" in await company.command(MEMBER, "freeze all because x", GENERAL)
    assert "FROZEN" not in await company.command(MEMBER, "status")


@pytest.mark.parametrize("is_hung", [False, True], ids=["refused", "hung"])
async def test_without_redis_a_freeze_holds_here_and_is_written_down_when_redis_answers(
    monkeypatch: pytest.MonkeyPatch, redis_url: str, is_hung: bool
) -> None:
    async with proxy_to(redis_url) as proxy, company_with_bot(monkeypatch, proxy.url) as company:
        proxy.is_black_hole = is_hung
        await (asyncio.sleep(0) if is_hung else proxy.refuse())

        await company.slack.command(ON_CALL, OPS, "freeze all because storage migration")
        await company.until(lambda: "until two people lift it · only this bot knows" in company.said())
        assert "FROZEN: all sites" in await company.command(MEMBER, "help")

        proxy.is_black_hole = False
        await (asyncio.sleep(0) if is_hung else proxy.start())
        assert await _stored(redis_url) == ["storage migration"]


async def _stored(redis_url: str) -> list[str]:
    """Return the reasons of what the store has frozen, as soon as it has anything."""
    async with opened(redis_url) as store, asyncio.timeout(PATIENCE):
        while not (found := await store.freezes()):
            await asyncio.sleep(0.05)
        return [freeze.reason for freeze in found]


async def _leave_new(_redis_url: str) -> None:
    """Let the bot find a Redis that nobody has used."""


@pytest.mark.covers("F16")
async def test_a_bot_that_finds_a_new_redis_moves_nothing_before_two_people_have_lifted_that(
    monkeypatch: pytest.MonkeyPatch, redis_url: str
) -> None:
    async with company_with_bot(monkeypatch, redis_url, prepare=_leave_new) as company:
        told = await company.command(ON_CALL, "failover zhangjiakou")
        assert "No bot has used this Redis before" in told
        assert "E_FROZEN" in told

        lift = await _ask_to_lift(company)
        await company.click(APPROVER, "approve", lift)
        await company.until(_says(company, lift, "UNFROZEN: all sites"))

        await company.failover()
        await company.click(APPROVER, "approve")
        await company.shows("DONE")
