"""Last good answers, kept in the store with their age for the hour in which the source is what has failed."""

from dataclasses import replace

from pydantic import TypeAdapter, ValidationError

from bot.domain.snapshot import Endpoints
from bot.errors import StoreUnavailable
from bot.ports import Ports

_ENDPOINTS = TypeAdapter(Endpoints)


async def keep_endpoints(ports: Ports, instance: str, endpoints: Endpoints) -> None:
    """Remember where an instance can be reached."""
    try:
        await ports.operations.remember(_key(instance), _ENDPOINTS.dump_json(endpoints).decode())
    except StoreUnavailable:
        return  # remembering is a courtesy to a later outage; the answer at hand stays good without it


async def last_endpoints(ports: Ports, instance: str) -> Endpoints | None:
    """Return the last endpoints known, marked as not live."""
    try:
        text = await ports.operations.recall(_key(instance))
        return None if text is None else replace(_ENDPOINTS.validate_json(text), is_live=False)
    except (StoreUnavailable, ValidationError):
        return None  # the caller then says that this part is unknown


def _key(instance: str) -> str:
    return f"endpoints:{instance}"
