"""Who may come in, and where: the gate in front of every command and click."""

from dataclasses import dataclass
from datetime import timedelta

from bot.domain.access import Act, Identity, Person
from bot.errors import NotPermitted, ProviderError, Refused, Unreachable, UserError
from bot.ports import Channel, Ports

READ_AGE = timedelta(minutes=10)
"""Oldest answer about a person that lets them read."""
ACT_AGE = timedelta(seconds=60)
"""Oldest answer about a person that lets them ask or decide."""
DIRECT = "directmessage"
"""What Slack calls a direct message in place of a channel's name."""


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who comes by a delivery, and where from, all as Slack says; never by name or by what a message shows."""

    user_id: str
    team_id: str
    channel_id: str
    channel_name: str


async def admit(
    ports: Ports, visitor: Visitor, max_age: timedelta, *, anywhere: bool = False
) -> tuple[Identity, Person | None]:
    """Return who the visitor is, if they may read here; what they came for may take more.

    Raises NotPermitted, also on any doubt.
    """
    identity = await _identity(ports, visitor.user_id, max_age)
    person = _insider(ports, visitor, identity)
    if not anywhere:
        await _require_own_channel(ports, visitor)
    return identity, person


def is_known_member(ports: Ports, visitor: Visitor) -> bool:
    """Tell whether the visitor was a member when Slack was last asked; asks nobody."""
    identity = ports.identities.cached(visitor.user_id)
    if identity is None:
        return False
    try:
        _insider(ports, visitor, identity)
    except NotPermitted:
        return False
    return True


def _insider(ports: Ports, visitor: Visitor, identity: Identity) -> Person | None:
    """Return the person whom a member is to us. Raises NotPermitted for anybody but a member.

    In an Enterprise organisation a click names the person's home workspace, although they belong to this one too; for
    everybody else the team of the delivery must be ours.
    """
    if visitor.team_id != ports.rules.access.workspace and not identity.is_of_organisation:
        raise NotPermitted(
            "E_EXTERNAL_USER",
            "Only full members of this workspace may use the registry bot. Ask a member of the on-call team.",
        )
    return ports.rules.access.authorize(identity, Act.READ)


async def card_channel(ports: Ports, channel_id: str) -> Channel:
    """Return where a card asked for in this channel goes: here if the policy lists it and the bot is in, else home.

    Raises UserError or NotPermitted when the home channel cannot take it either.
    """
    policy = ports.rules.access.policy
    here = await _seen(ports, channel_id)
    if here and here.has_bot and not here.is_shared_externally and policy.admits_channel(here.id, here.name):
        return here
    home = await _seen(ports, policy.home_channel)
    if home is None or not home.has_bot:
        raise UserError(
            f"The bot is not a member of its home channel ({policy.home_channel}), where the card belongs. "
            "Type `/invite @registry` there, then ask again. Nothing was changed."
        )
    if home.is_shared_externally:
        raise NotPermitted("E_WRONG_CHANNEL", f"The home channel is shared with another organisation. {_ELSEWHERE}")
    return home


async def _identity(ports: Ports, user_id: str, max_age: timedelta) -> Identity:
    try:
        return await ports.identities.identity(user_id, max_age)
    except ProviderError as error:
        raise NotPermitted(
            "E_IDENTITY_UNVERIFIED",
            f"Slack does not confirm who you are just now ({error}) Nothing was done; try again in a moment.",
        ) from None


async def _require_own_channel(ports: Ports, visitor: Visitor) -> None:
    # a channel may be *named* directmessage; only conversations whose id begins with D are direct
    if visitor.channel_name == DIRECT and visitor.channel_id.startswith("D"):
        return
    channel = await _seen(ports, visitor.channel_id)
    if channel is None:
        raise NotPermitted(
            "E_WRONG_CHANNEL",
            "The bot cannot see this channel, so it cannot tell whether another organisation reads along. "
            "Type `/invite @registry` here first, or ask in a direct message.",
        )
    if channel.is_shared_externally:
        raise NotPermitted("E_WRONG_CHANNEL", f"This channel is shared with another organisation. {_ELSEWHERE}")


async def _seen(ports: Ports, channel_id: str) -> Channel | None:
    try:
        return await ports.workspace.channel(channel_id)
    except Refused:
        return None
    except ProviderError as error:
        raise Unreachable(
            f"Slack does not say just now who reads this channel ({error}) Nothing was done; try again in a moment.",
            code=error.code,
            request_id=error.request_id,
        ) from None


_ELSEWHERE = "Registries are not discussed there: use a channel of this workspace alone."
