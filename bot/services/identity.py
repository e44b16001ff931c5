"""Who somebody is, on Slack's word of the last minute."""

from datetime import timedelta

from bot.domain.access import Identity
from bot.errors import NotPermitted, ProviderError
from bot.ports import Ports

IDENTITY_MAX_AGE = timedelta(seconds=60)


async def verified(ports: Ports, user_id: str) -> Identity:
    """Return what Slack said about this person within the last minute. Raises NotPermitted on any doubt."""
    try:
        return await ports.identities.identity(user_id, IDENTITY_MAX_AGE)
    except ProviderError as error:
        raise NotPermitted(
            "E_IDENTITY_UNVERIFIED", f"Slack does not confirm who you are just now ({error}), so nothing was counted."
        ) from None
