"""What a copy job offers, who may confirm it and how often, and what is refused."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain.copy_job import MOST_ASKED, VALID_FOR, Phase
from bot.errors import (
    Frozen,
    InvalidTransition,
    NotPermitted,
    Refused,
    StoreUnavailable,
    UsageError,
    UserError,
)
from bot.ports import Channel
from bot.services import freezing
from tests.builders import APPROVER, CHANNEL, NOW, ON_CALL, a_site, a_topology, an_instance
from tests.fakes import FakeWorkspace
from tests.handlers.calls import answer
from tests.handlers.kept import keep
from tests.services.copying import ASK, SOURCE, TARGET, copying


async def test_fifty_clicks_begin_one_job() -> None:
    company = await copying()
    job = await company.offer()

    clicks = await asyncio.gather(*(company.press(job) for _ in range(50)), return_exceptions=True)
    await company.work(2)

    late = [each for each in clicks if not isinstance(each, str)]
    assert [type(each) for each in late] == [InvalidTransition] * 49
    assert f"It was confirmed by <@{ON_CALL}> at 03:00:00 UTC." in str(late[0])
    assert len(company.copier.sent) == 3
    assert company.events().count("copies started") == 1


async def test_an_offer_can_be_dismissed_and_then_does_nothing() -> None:
    company = await copying()
    job = await company.offer()

    await company.press(job, button=1)
    await company.work()

    assert company.shown(job) == "DISMISSED: 3 images not copied, from zhangjiakou to hangzhou"
    assert await company.copies.live() == ()
    assert company.buttons(job) == []
    assert company.copier.sent == []


async def test_an_offer_that_nobody_confirms_expires() -> None:
    company = await copying()
    job = await company.offer()
    buttons = company.buttons(job)

    company.clock.move(VALID_FOR)
    with pytest.raises(NotPermitted, match="expired at 03:15 UTC"):
        await company.press(job)
    await company.work()

    assert company.shown(job).startswith("EXPIRED: nobody confirmed copying 3 images")
    assert buttons
    assert company.events()[-1] == "copies expired"


async def test_a_press_of_somebody_without_the_role_counts_for_nothing() -> None:
    company = await copying()
    job = await company.offer()

    with pytest.raises(NotPermitted, match="not on the requester list"):
        await company.press(job, user_id=APPROVER)

    assert company.job().phase is Phase.OFFERED


async def test_a_button_that_we_did_not_make_raises_the_alarm() -> None:
    company = await copying()
    job = await company.offer()

    with pytest.raises(NotPermitted, match="not made by this bot"):
        await company.press(job, value=company.buttons(job)[0]["value"].replace(job.id, "sy-0099"))

    assert company.alarms == ["untrusted_button"]
    assert company.job().phase is Phase.OFFERED


@pytest.mark.parametrize("scope", ["all", SOURCE, TARGET])
async def test_while_frozen_nothing_is_asked_for_and_nothing_is_confirmed(scope: str) -> None:
    company = await copying()
    job = await company.offer()
    await freezing.freeze(company.ports, scope, "on-call", ON_CALL)

    with pytest.raises(Frozen):
        await answer(company.ports, ASK)
    with pytest.raises(Frozen):
        await company.press(job)

    assert company.job().phase is Phase.OFFERED


async def test_the_kill_switch_and_an_untrusted_store_refuse_in_the_words_of_everywhere() -> None:
    company = await copying()
    trusted = company.ports

    company.ports = replace(trusted, kill_switch=lambda: "The kill switch is on (REGISTRY_BOT_FREEZE).")
    with pytest.raises(Frozen, match="Nothing can be requested"):
        await answer(company.ports, ASK)
    company.ports = replace(trusted, store_trouble=lambda: "Redis keeps nothing.")
    with pytest.raises(StoreUnavailable, match="nothing can be requested"):
        await answer(company.ports, ASK)


async def test_one_job_takes_a_limited_number_the_oldest_first_and_says_how_to_go_on() -> None:
    company = await copying(MOST_ASKED + 30)

    job = await company.offer()

    assert len(job.copies) == MOST_ASKED
    assert job.rest == 30
    assert job.copies[0].image == "core/api:0"
    assert "*30 more* than one job takes (500): ask again" in str(company.workspace.cards()[0].message.blocks)
    assert company.workspace.files[0][2].content.count(b"\n") == MOST_ASKED + 1


async def test_a_tag_is_replaced_only_where_the_source_is_proven_newer_or_exactly_it_was_named() -> None:
    company = await copying(0)
    company.registries.put(SOURCE, "core/api:older", "a" * 64, NOW - timedelta(hours=3))
    company.registries.put(TARGET, "core/api:older", "b" * 64, NOW - timedelta(hours=1))
    company.registries.put(SOURCE, "core/api:newer", "c" * 64, NOW - timedelta(hours=1))
    company.registries.put(TARGET, "core/api:newer", "d" * 64, NOW - timedelta(hours=3))
    await company.know()

    several = await company.offer()
    one = await answer(company.ports, f"sync core/api:older from {SOURCE} to {TARGET}")

    assert [copy.image for copy in several.copies] == ["core/api:newer"]
    assert several.copies[0].replaces == "d" * 64
    assert "replacing 1 there?" in company.shown(several)
    assert one.text == "1 image waits: confirm in this channel before 03:15 UTC"
    assert "replacing 1 there (1 perhaps newer)?" in company.workspace.cards()[1].message.text
    await company.press(several)
    await company.work()
    assert [sent.overrides for sent in company.copier.sent] == [True]


async def test_an_immutable_tag_is_never_offered() -> None:
    company = await copying(0)
    company.registries.put(SOURCE, "core/api:1", "a" * 64)
    company.registries.put(TARGET, "core/api:1", "b" * 64, NOW - timedelta(hours=9))
    company.registries.immutable.add("core/api")

    told = await answer(company.ports, f"sync core/api:1 from {SOURCE} to {TARGET}")

    assert told.text.startswith("NOTHING TO COPY: core/api:1, the target's tag is immutable and names another image,")
    assert "immutable" in str(told.blocks)
    assert company.copies.held == {}


async def test_nothing_missing_is_said_without_an_offer() -> None:
    company = await copying(0)

    told = await answer(company.ports, ASK)

    assert told.text == (
        "NOTHING TO COPY: critical images, 1 there already, as read at 03:00 UTC, from zhangjiakou to hangzhou"
    )
    assert "Compared by digest: as read at 03:00 UTC'" in str(told.blocks)


async def test_a_first_line_that_nothing_is_missing_says_what_it_does_not_know() -> None:
    company = await copying(0)
    await keep(company.ports, TARGET, silent_since=NOW, trouble="The role cannot be assumed.")

    told = await answer(company.ports, ASK)

    assert "1 there already, as read at 03:00 UTC, hangzhou cannot be read now, from zhangjiakou" in told.text


async def test_a_side_that_was_never_read_and_cannot_be_is_told_with_the_reason_and_not_to_wait() -> None:
    company = await copying(0)
    await keep(company.ports, TARGET, as_of=None, silent_since=NOW, trouble="The role cannot be assumed.")

    with pytest.raises(UserError, match="never read and cannot be now, so nothing can be listed: The role cannot be"):
        await answer(company.ports, ASK)


async def test_what_could_not_be_read_is_not_said_to_be_there() -> None:
    company = await copying(0)
    await company.ports.inventories.drop("cri-aaaaa", ["core/api"])
    await keep(company.ports, TARGET, unread=("core/api",))

    told = await answer(company.ports, ASK)

    assert told.text.startswith("NOTHING TO COPY: critical images, none known to be missing")
    assert "1 critical repositories not read" in str(told.blocks)


async def test_what_another_job_copies_is_left_out() -> None:
    company = await copying(2)
    first = await company.started()
    company.registries.put(SOURCE, "core/api:later", "e" * 64)
    await company.know()

    second = await company.offer()

    assert [copy.image for copy in second.copies] == ["core/api:later"]
    assert second.left_counts == {f"{first.id} copies it": 2}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("sync", "Say what to copy"),
        ("sync missing to hangzhou from zhangjiakou", "Say what to copy"),
        ("sync core from zhangjiakou to hangzhou", "is no image"),
        ("sync core/* from zhangjiakou to hangzhou", "'core/.' is no image.* say missing for all critical ones"),
        ("sync missing from hangzhou to hz", "nothing to copy to itself"),
        ("sync core/apy from zhangjiakou to hangzhou", "no repository 'core/apy'. Nearly: core/api."),
        ("sync core/api:9 from zhangjiakou to hangzhou", "no tag '9' of core/api"),
    ],
)
async def test_words_that_do_not_fit_are_refused_in_a_sentence(words: str, said: str) -> None:
    company = await copying()

    with pytest.raises(UsageError, match=said):
        await answer(company.ports, words)


async def test_a_source_whose_edition_cannot_copies_nothing() -> None:
    company = await copying()
    company.registries.instances[SOURCE] = an_instance(SOURCE, edition="Enterprise_Basic")

    with pytest.raises(UserError, match="edition Enterprise_Basic of zhangjiakou cannot be a source") as refused:
        await answer(company.ports, ASK)

    assert "`/registry replication from zhangjiakou to hangzhou` names it." in str(refused.value)


async def test_a_source_that_does_not_tell_its_edition_is_not_said_to_be_unable() -> None:
    company = await copying()
    company.registries.down.add(SOURCE)

    with pytest.raises(UserError) as refused:
        await answer(company.ports, ASK)

    assert str(refused.value) == (
        "zhangjiakou does not tell whether it can be copied from, so nothing is: cn-zhangjiakou does not answer. "
        "`/registry replication from zhangjiakou to hangzhou` tells all the same what hangzhou lacks."
    )


async def test_a_tag_with_capitals_can_be_named_though_words_lose_them() -> None:
    company = await copying(0)
    company.registries.put(SOURCE, "core/api:v2-RC1", "a" * 64)

    job = await company.offer(f"sync core/api:v2-RC1 from {SOURCE} to {TARGET}")

    assert [copy.image for copy in job.copies] == ["core/api:v2-RC1"]
    assert job.asked == "core/api:v2-RC1"


async def test_tags_that_differ_in_capitals_alone_are_not_guessed_between() -> None:
    company = await copying(0)
    for tag in ("rc1", "RC1"):
        company.registries.put(SOURCE, f"core/api:{tag}", "a" * 64)

    with pytest.raises(UsageError, match="RC1 and rc1 of core/api, which a command cannot tell apart"):
        await answer(company.ports, f"sync core/api:rc1 from {SOURCE} to {TARGET}")


async def test_an_account_without_a_number_is_refused() -> None:
    company = await copying()
    topology = a_topology(a_site(TARGET, account="partner"), a_site(SOURCE))
    company.ports = replace(company.ports, rules=replace(company.ports.rules, topology=topology))

    with pytest.raises(UserError, match=r"whose id registry\.yaml does not"):
        await answer(company.ports, ASK)


async def test_a_channel_without_the_bot_is_told_to_invite_it() -> None:
    company = await copying()
    company.ports = replace(company.ports, workspace=FakeWorkspace(Channel(CHANNEL, "ops", False, False)))

    with pytest.raises(UserError, match="/invite @registry"):
        await answer(company.ports, ASK)


async def test_an_offer_stands_without_its_list_where_slack_does_not_take_the_file() -> None:
    company = await copying(20)
    shared = company.workspace.share

    async def refusing(*_: object) -> None:
        raise Refused("Slack refused.", code="missing_scope")

    company.workspace.share = refusing  # type: ignore[method-assign, assignment]
    job = await company.offer()
    company.workspace.share = shared  # type: ignore[method-assign]

    assert job.ts
    assert (await company.press(job)).startswith(f"{job.id} is started")
