"""A press counts only if the button is ours, for this plan, on the card that we remember."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from bot.adapters.signer import HmacSigner
from bot.domain.operation import Operation, State, Verb
from bot.errors import NotPermitted, StoreUnavailable, UnknownOperation, Unreachable
from bot.ports import Card, Message
from bot.services.buttons import Press, button_value, press
from bot.services.own_buttons import UNTRUSTED
from tests.builders import APPROVER, CHANNEL
from tests.fakes import FakeOperations, FakeWorkspace
from tests.services.world import World, a_world

CARD = Card(CHANNEL, "1793674800.000001", 1)
APPROVE = Press(Verb.APPROVE, "", APPROVER, CARD.channel, CARD.ts)


async def _asked() -> tuple[World, Operation, Press]:
    world = a_world()
    operation = await world.ask()
    await world.operations.save_card(operation.id, CARD)
    return world, operation, replace(APPROVE, value=button_value(world.ports, operation, Verb.APPROVE))


async def _refused(world: World, pressed: Press) -> NotPermitted:
    with pytest.raises(NotPermitted) as refused:
        await press(world.ports, pressed)
    assert (await world.operations.get("fo-0001")).votes == ()
    return refused.value


async def test_a_press_on_the_stored_card_counts() -> None:
    world, _, pressed = await _asked()

    assert (await press(world.ports, pressed)).state is State.APPROVED


@pytest.mark.parametrize(
    ("was", "now"),
    [
        ("approve|", "cancel|"),
        ("fo-0001", "fo-9999"),
        ("|fo-0001|", "|fo-0001|0"),
        ("|fo-0001|", "|fo-0001|\ud800"),
        ("|fo-0001|", "|fo-0001|more|"),
        ("|fo-0001|", "|"),
        (":", ":0"),
    ],
)
async def test_a_value_that_was_changed_is_not_believed_and_raises_the_alarm(was: str, now: str) -> None:
    world, _, pressed = await _asked()
    alarms = world.hear_alarms()

    refusal = await _refused(world, replace(pressed, value=pressed.value.replace(was, now)))

    assert (refusal.code, alarms) == (UNTRUSTED, ["untrusted_button"])


async def test_a_value_of_our_own_for_another_verb_is_not_believed() -> None:
    world, operation, pressed = await _asked()

    cancel = replace(pressed, value=button_value(world.ports, operation, Verb.CANCEL))

    assert (await _refused(world, cancel)).code == UNTRUSTED


@pytest.mark.parametrize(
    ("operation_id", "by_hand"),
    [("fo-0001", "type `/registry approve fo-0001`"), ("<!here>", "type `/registry actions`")],
)
async def test_a_button_under_a_key_of_the_past_is_no_alarm_and_only_its_id_is_looked_at(
    operation_id: str, by_hand: str
) -> None:
    world, operation, pressed = await _asked()
    alarms = world.hear_alarms()
    past = replace(world.ports, signer=HmacSigner("the signing key of the past"))
    value = button_value(past, replace(operation, id=operation_id), Verb.APPROVE)

    refusal = await _refused(world, replace(pressed, value=value))

    assert (refusal.code, alarms) == ("E_UNKNOWN_KEY", [])
    assert by_hand in str(refusal)


@pytest.mark.parametrize("place", [{"ts": "1793674800.000002"}, {"channel": "C02INC"}])
async def test_a_press_on_another_message_than_the_card_does_not_count_and_retires_that(place: dict[str, Any]) -> None:
    world, _, pressed = await _asked()
    await world.workspace.post(place.get("channel", CHANNEL), Message("the card"))
    await world.workspace.post(CHANNEL, Message("the card"))

    refusal = await _refused(world, replace(pressed, **place))

    link = await world.workspace.permalink(CARD.channel, CARD.ts)
    retired = [post.message.text for post in world.workspace.posts if "out of use" in post.message.text]
    assert refusal.code == "E_OLD_CARD"
    assert retired == [f"This copy of fo-0001's card is out of use. See <{link}|the live card>."]


async def test_the_refusal_of_a_lost_copy_stands_whether_or_not_slack_takes_the_edit_or_knows_a_link() -> None:
    world, _, pressed = await _asked()
    world.ports = replace(world.ports, workspace=(slack := _WithoutLinks()))
    slack.fail_next(Unreachable("Slack does not answer."))
    assert (await _refused(world, replace(pressed, ts="1793674800.000009"))).code == "E_OLD_CARD"

    copy = await slack.post(CHANNEL, Message("the card"))
    await slack.post(CHANNEL, Message("the card"))
    await world.operations.save_card("fo-0001", replace(CARD, ts="1793674800.000002"))
    await _refused(world, replace(pressed, ts=copy))

    assert f"See the live card in <#{CHANNEL}>." in slack.posts[0].message.text


async def test_a_card_that_is_not_on_record_yet_and_an_unknown_operation_are_told_apart() -> None:
    world = a_world()
    operation = await world.ask()
    value = button_value(world.ports, operation, Verb.APPROVE)
    unknown = button_value(world.ports, replace(operation, id="fo-9999"), Verb.APPROVE)

    assert (await _refused(world, replace(APPROVE, value=value))).code == "E_UNKNOWN_CARD"
    with pytest.raises(UnknownOperation):
        await press(world.ports, replace(APPROVE, value=unknown))


async def test_a_card_whose_operation_the_store_does_not_have_loses_its_buttons_and_says_what_to_do() -> None:
    world, operation, pressed = await _asked()
    stands = await world.workspace.post(CHANNEL, Message("the card", blocks=({"type": "actions"},)))
    value = button_value(world.ports, replace(operation, id="fo-9999"), Verb.APPROVE)

    with pytest.raises(UnknownOperation):
        await press(world.ports, replace(pressed, value=value, ts=stands))

    left = next(post.message for post in world.workspace.posts if post.ts == stands)
    assert left.blocks == ()
    assert left.text.startswith("UNKNOWN: the bot no longer knows this request (fo-9999)")
    assert left.text.endswith("Look at the record with `/registry status` and ask again.")


async def test_in_a_simulation_that_is_said_there_too() -> None:
    world, operation, pressed = await _asked()
    world.obey(is_simulation=True)
    stands = await world.workspace.post(CHANNEL, Message("the card"))
    world.operations.forget(operation.id)

    with pytest.raises(UnknownOperation):
        await press(world.ports, replace(pressed, ts=stands))

    assert world.workspace.posts[-1].message.text.startswith("SIMULATION · UNKNOWN: ")


async def test_a_pointer_that_was_left_without_its_operation_is_no_card_either() -> None:
    world, operation, pressed = await _asked()
    stands = await world.workspace.post(CHANNEL, Message("the card"))
    await world.operations.save_card(operation.id, replace(CARD, ts=stands))
    world.operations.forget(operation.id)

    with pytest.raises(UnknownOperation):
        await press(world.ports, replace(pressed, ts=stands))

    assert world.workspace.posts[-1].message.text.startswith("UNKNOWN")


@pytest.mark.parametrize("trouble", ["silent", "distrusted"])
async def test_a_card_stays_as_it_is_while_the_store_is_silent_or_may_not_be_believed(trouble: str) -> None:
    world, operation, pressed = await _asked()
    stands = await world.workspace.post(CHANNEL, Message("the card"))
    world.operations.forget(operation.id)
    if trouble == "silent":
        world.ports = replace(world.ports, operations=_Silent(world.clock))
    else:
        world.ports = replace(world.ports, store_trouble=lambda: "Redis came back empty.")

    with pytest.raises(StoreUnavailable, match=r"Redis (does not answer|came back empty)\."):
        await press(world.ports, replace(pressed, ts=stands))

    assert world.workspace.posts[-1].message.text == "the card"


async def test_a_slack_that_hangs_over_taking_a_card_out_of_use_keeps_nobody_waiting() -> None:
    world, operation, pressed = await _asked()
    world.ports = replace(world.ports, workspace=_Hanging())
    world.operations.forget(operation.id)

    with pytest.raises(UnknownOperation):
        await asyncio.wait_for(press(world.ports, pressed), timeout=1.1)


class _Silent(FakeOperations):
    """A store that does not answer."""

    async def card(self, operation_id: str) -> Card | None:
        raise StoreUnavailable("Redis does not answer.")


class _Hanging(FakeWorkspace):
    """Slack that takes an edit and never answers."""

    async def update(self, channel: str, ts: str, message: Message) -> None:
        await asyncio.Event().wait()


class _WithoutLinks(FakeWorkspace):
    """Slack that has no link to any message."""

    async def permalink(self, channel: str, ts: str) -> str | None:
        return None
