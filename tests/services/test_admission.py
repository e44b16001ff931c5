"""The gate: who comes in, from where, and where their card goes; every doubt refuses."""

from dataclasses import replace
from typing import Any

import pytest

from bot.domain.access import Identity
from bot.errors import NotPermitted, Unreachable, UserError
from bot.ports import Channel
from bot.services.admission import ACT_AGE, DIRECT, Visitor, admit, card_channel, is_known_member
from tests.builders import APPROVER, CHANNEL, WORKSPACE, an_identity
from tests.fakes import FakeIdentities, FakeWorkspace
from tests.services.world import World, a_world

VISITOR = Visitor(APPROVER, WORKSPACE, CHANNEL, "ops")
INCIDENT = Channel("C02INC", "inc-1", has_bot=True, is_shared_externally=False)


def _with_channels(*channels: Channel) -> World:
    world = a_world()
    world.ports = replace(world.ports, workspace=FakeWorkspace(Channel(CHANNEL, "ops", True, False), *channels))
    return world


async def _refused(world: World, *, anywhere: bool = False, **fields: Any) -> str:
    with pytest.raises(NotPermitted) as refused:
        await admit(world.ports, replace(VISITOR, **fields), ACT_AGE, anywhere=anywhere)
    return refused.value.code


async def test_a_member_comes_in_with_what_slack_says_of_them() -> None:
    identity, person = await admit(a_world().ports, VISITOR, ACT_AGE)

    assert (identity.user_id, getattr(person, "name", "")) == (APPROVER, "approver")


async def test_a_delivery_of_another_team_is_refused_unless_the_account_is_of_our_organisation() -> None:
    world = a_world()

    assert await _refused(world, team_id="T0ELSEWHERE") == "E_EXTERNAL_USER"
    world.identities.known[APPROVER] = an_identity(is_of_organisation=True)
    assert await admit(world.ports, replace(VISITOR, team_id="T0ELSEWHERE"), ACT_AGE)


async def test_a_member_is_known_without_asking_slack_and_nobody_else_is() -> None:
    world = a_world()
    world.identities.known["U01GUEST"] = an_identity("U01GUEST", is_guest=True)
    world.identities.down = True

    assert is_known_member(world.ports, VISITOR)
    assert not is_known_member(world.ports, replace(VISITOR, team_id="T0ELSEWHERE"))
    assert not is_known_member(world.ports, replace(VISITOR, user_id="U01GUEST"))
    assert not is_known_member(replace(world.ports, identities=_NeverAsked(world.clock)), VISITOR)


async def test_whom_slack_does_not_confirm_does_not_come_in() -> None:
    world = a_world()
    world.identities.down = True

    assert await _refused(world) == "E_IDENTITY_UNVERIFIED"


async def test_a_channel_that_is_shared_or_unseen_is_refused_where_the_place_matters() -> None:
    world = _with_channels(replace(INCIDENT, is_shared_externally=True))

    for channel in ("C02INC", "C99UNSEEN"):
        assert await _refused(world, channel_id=channel) == "E_WRONG_CHANNEL"
        assert await admit(world.ports, replace(VISITOR, channel_id=channel), ACT_AGE, anywhere=True)


async def test_a_direct_message_needs_no_look_at_its_channel() -> None:
    direct = replace(VISITOR, channel_id="D01DIRECT", channel_name=DIRECT)

    assert await admit(a_world().ports, direct, ACT_AGE)


@pytest.mark.parametrize(("channel", "name"), [("C99UNSEEN", DIRECT), ("D01DIRECT", "ops")])
async def test_a_direct_message_has_both_the_name_and_the_id_of_one(channel: str, name: str) -> None:
    assert await _refused(a_world(), channel_id=channel, channel_name=name) == "E_WRONG_CHANNEL"


async def test_while_slack_does_not_say_who_reads_a_channel_nobody_comes_in() -> None:
    world = a_world()
    world.ports = replace(world.ports, workspace=_Silent())

    with pytest.raises(Unreachable, match="Slack does not say just now who reads this channel"):
        await admit(world.ports, VISITOR, ACT_AGE)


@pytest.mark.parametrize(
    ("here", "goes_to"),
    [
        (INCIDENT, "C02INC"),
        (replace(INCIDENT, has_bot=False), CHANNEL),
        (replace(INCIDENT, is_shared_externally=True), CHANNEL),
        (replace(INCIDENT, name="random"), CHANNEL),
        (replace(INCIDENT, id="C03OTHER"), CHANNEL),
    ],
)
async def test_a_card_goes_where_it_was_asked_for_if_that_is_a_listed_channel_of_our_own_with_the_bot(
    here: Channel, goes_to: str
) -> None:
    assert (await card_channel(_with_channels(here).ports, "C02INC")).id == goes_to


@pytest.mark.parametrize("has_bot", [True, False])
async def test_a_home_channel_that_cannot_take_the_card_is_told_with_what_to_do(has_bot: bool) -> None:
    world = a_world()
    home = [Channel(CHANNEL, "ops", has_bot=True, is_shared_externally=True)] if has_bot else [INCIDENT]
    world.ports = replace(world.ports, workspace=FakeWorkspace(*home))

    with pytest.raises(UserError) as refused:
        await card_channel(world.ports, "C99UNSEEN")

    assert refused.value.code == ("E_WRONG_CHANNEL" if has_bot else UserError.code)
    assert ("another organisation" if has_bot else "Type `/invite @registry` there") in str(refused.value)


async def test_a_bot_that_was_removed_from_its_home_channel_says_so() -> None:
    world = a_world()
    world.ports = replace(world.ports, workspace=FakeWorkspace(Channel(CHANNEL, "ops", False, False)))

    with pytest.raises(UserError, match="is not a member of its home channel"):
        await card_channel(world.ports, CHANNEL)


class _Silent(FakeWorkspace):
    """Slack that does not answer about channels."""

    async def channel(self, channel_id: str) -> Channel:
        raise Unreachable("Slack does not answer.")


class _NeverAsked(FakeIdentities):
    """What a process knows of people before it has asked about anybody."""

    def cached(self, user_id: str) -> Identity | None:
        return None
