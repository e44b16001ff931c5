"""Last good answers, kept in the store with their age for the hour in which the source is what has failed."""

import hashlib
from dataclasses import replace
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError

from bot.domain.access import canonical_json
from bot.domain.snapshot import Endpoints, Inventory
from bot.errors import StoreUnavailable
from bot.ports import Ports

T = TypeVar("T", Endpoints, Inventory)
_ENDPOINTS = TypeAdapter(Endpoints)
_INVENTORY = TypeAdapter(Inventory)


async def keep_endpoints(ports: Ports, instance: str, endpoints: Endpoints) -> None:
    """Remember where an instance can be reached."""
    await _keep(ports, f"endpoints:{instance}", _ENDPOINTS, endpoints)


async def last_endpoints(ports: Ports, instance: str) -> Endpoints | None:
    """Return the last endpoints known, marked as not live."""
    return await _last(ports, f"endpoints:{instance}", _ENDPOINTS)


async def keep_inventory(ports: Ports, inventory: Inventory, globs: tuple[str, ...]) -> None:
    """Remember the digests of an instance's images that match these globs."""
    plain = replace(inventory, digests=dict(inventory.digests))
    await _keep(ports, _inventory_key(inventory.instance_id, globs), _INVENTORY, plain)


async def last_inventory(ports: Ports, instance: str, globs: tuple[str, ...]) -> Inventory | None:
    """Return the last inventory known for exactly these globs, marked as not live."""
    return await _last(ports, _inventory_key(instance, globs), _INVENTORY)


def _inventory_key(instance: str, globs: tuple[str, ...]) -> str:
    """Name an inventory by what was asked for: a list of fewer images would hide that others are missing."""
    return f"inv:{instance}:{hashlib.sha256(canonical_json(sorted(globs))).hexdigest()[:12]}"


async def _keep(ports: Ports, key: str, adapter: TypeAdapter[T], value: T) -> None:
    try:
        await ports.operations.remember(key, adapter.dump_json(value).decode())
    except StoreUnavailable:
        return  # remembering is a courtesy to a later outage; the answer at hand stays good without it


async def _last(ports: Ports, key: str, adapter: TypeAdapter[T]) -> T | None:
    try:
        text = await ports.operations.recall(key)
        return None if text is None else replace(adapter.validate_json(text), is_live=False)
    except (StoreUnavailable, ValidationError):
        return None  # the caller then says that this part is unknown
