""" "This was not me": each person hears of what is done in their name, and one press freezes everything."""

from datetime import timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs

from bot.domain.access import People
from bot.domain.freeze import ALL
from bot.domain.operation import Verb
from bot.errors import NotPermitted, StoreUnavailable
from bot.services.disowning import disown, not_me_value, own_words
from bot.services.freezing import write_down
from bot.services.requests import cast_vote
from tests.builders import APPROVER, ON_CALL, a_person, an_access
from tests.fakes import FakeOperations
from tests.office import Office, office
from tests.services.world import a_world

NOT_ME = "operation.not_me"


def direct(place: Office, user: str) -> list[dict[str, Any]]:
    return place.posts(f"D{user[1:]}")


async def press(place: Office, user: str) -> str:
    """Press the newest button that this person was given, and return what they are told."""
    [message] = direct(place, user)[-1:]
    return await place.click(user, message["ts"], NOT_ME, f"D{user[1:]}")


async def test_each_person_is_told_once_of_each_word_that_counts_as_theirs() -> None:
    async with office() as place:
        card = await place.asked()
        await place.post_cards()
        await place.click(APPROVER, card["ts"], "operation.approve")
        for _ in range(3):
            await place.post_cards()

        [asked] = direct(place, ON_CALL)
        [approved] = direct(place, APPROVER)

        assert asked["text"].startswith("You requested failover fo-")
        assert approved["text"].startswith("You approved failover fo-")
        assert f", as <@{ON_CALL}> at" in str(asked["blocks"])
        assert NOT_ME in str(asked["blocks"])


async def test_a_press_freezes_everything_and_the_thread_says_who_did() -> None:
    async with office() as place:
        card = await place.asked()
        await place.post_cards()

        told = await press(place, ON_CALL)

        [freeze] = await place.ports.operations.freezes()
        assert (freeze.scope, freeze.user_id) == (ALL, ON_CALL)
        assert "says that this was not them: requested fo-" in freeze.reason
        assert "All sites are frozen on your word." in told
        [below] = [m for m in place.posts() if m["thread_ts"] == card["ts"]]
        assert below["text"].startswith(f"FROZEN: <@{ON_CALL}> says that")


async def test_a_second_press_says_the_same_and_freezes_and_tells_nothing_anew() -> None:
    async with office() as place:
        card = await place.asked()
        await place.post_cards()
        await press(place, ON_CALL)
        before = await place.ports.operations.freezes()
        place.ports.clock.move(timedelta(seconds=1))  # type: ignore[attr-defined]

        told = await press(place, ON_CALL)

        assert "All sites are frozen on your word." in told
        assert await place.ports.operations.freezes() == before
        assert len([m for m in place.posts() if m["thread_ts"] == card["ts"]]) == 1
        assert "frozen" in (await place.click(APPROVER, card["ts"], "operation.approve")).lower()


async def test_a_second_press_finds_all_frozen_and_says_the_same() -> None:
    async with office() as place:
        await place.asked()
        await place.post_cards()
        first = await press(place, ON_CALL)

        assert await press(place, ON_CALL) == first
        assert len(await place.ports.operations.freezes()) == 1


async def test_a_press_by_somebody_else_or_a_changed_value_freezes_nothing() -> None:
    world = a_world()
    operation = await world.ask()
    [own] = own_words(world.ports, operation)
    value = not_me_value(world.ports, operation, own)
    forged = (value.replace("requested", "approved"), f"{value[:-1]}x", "not_me|x", "", "not_me|a|b|c|é")

    for pressed, user in [(value, APPROVER), *((text, ON_CALL) for text in forged)]:
        with pytest.raises(NotPermitted) as refused:
            await disown(world.ports, pressed, user)
        assert refused.value.code == "E_UNTRUSTED_BUTTON"

    assert await world.operations.freezes() == ()


async def test_a_button_outlives_its_key_only_with_words_that_say_what_to_type() -> None:
    world = a_world()
    operation = await world.ask()
    value = not_me_value(world.ports, operation, own_words(world.ports, operation)[0])
    *parts, mac = value.split("|")
    unknown = "|".join((*parts, f"gone:{mac.partition(':')[2]}"))

    with pytest.raises(NotPermitted, match="/registry freeze all") as refused:
        await disown(world.ports, unknown, ON_CALL)

    assert refused.value.code in ("E_UNKNOWN_KEY", "E_UNTRUSTED_BUTTON")


async def test_a_person_taken_off_the_list_is_sent_to_those_who_are_on_it() -> None:
    world = a_world()
    operation = await world.ask()
    value = not_me_value(world.ports, operation, own_words(world.ports, operation)[0])
    world.obey(access=an_access(people=People((a_person("approver", APPROVER),))))

    with pytest.raises(NotPermitted, match="no longer in the people list"):
        await disown(world.ports, value, ON_CALL)


async def test_every_account_of_a_person_hears_of_a_word_that_one_of_them_said() -> None:
    world = a_world()
    operation = await world.approve()

    told = [(own.word, own.told) for own in own_words(world.ports, operation)]

    approver = world.ports.rules.access.people.person(APPROVER)
    assert approver is not None
    assert told == [("requested", ON_CALL), *(("approved", account) for account in approver.slack)]


async def test_without_redis_the_press_holds_in_this_bot_and_says_so() -> None:
    async with office() as place:
        store = place.ports.operations
        assert isinstance(store, FakeOperations)
        await place.asked()
        await place.post_cards()
        store.fail_freezing(StoreUnavailable("Redis does not answer."))

        told = await press(place, ON_CALL)

        assert "frozen on your word in this bot" in told
        assert [freeze.scope for freeze in place.ports.local_freezes.freezes()] == [ALL]


async def test_a_press_that_a_failover_may_lose_says_so_each_time_until_it_is_safe() -> None:
    async with office() as place:
        store = place.ports.operations
        assert isinstance(store, FakeOperations)
        await place.asked()
        await place.post_cards()
        store.is_replica_behind = True
        doubted = [await press(place, ON_CALL) for _ in range(2)]
        store.is_replica_behind = False
        await write_down(place.ports)

        safe = await press(place, ON_CALL)

        assert ["others forget it if Redis fails over now" in told for told in (*doubted, safe)] == [True, True, False]
        assert len(await place.ports.operations.freezes()) == 1


async def test_a_thread_that_slack_does_not_take_leaves_the_freeze_in_force() -> None:
    async with office() as place:
        await place.asked()
        await place.post_cards()
        place.slack.refuse("chat.postMessage", "restricted_action")

        with capture_logs() as logs:
            await press(place, ON_CALL)

        assert [freeze.scope for freeze in await place.ports.operations.freezes()] == [ALL]
        assert {"thread.untold", "alarm.word_disowned"} <= {entry["event"] for entry in logs}


async def test_a_flood_of_clicks_in_a_persons_name_cannot_keep_them_from_freezing() -> None:
    async with office() as place:
        card = await place.asked()
        await place.post_cards()
        for _ in range(20):
            await place.click(ON_CALL, card["ts"], "operation.approve")

        await press(place, ON_CALL)

        assert [freeze.scope for freeze in await place.ports.operations.freezes()] == [ALL]


async def test_a_rejection_is_a_word_too() -> None:
    world = a_world()
    operation = await world.ask()

    rejected = await cast_vote(world.ports, operation.id, Verb.REJECT, APPROVER)

    assert {own.word for own in own_words(world.ports, rejected)} == {"requested", "rejected"}
