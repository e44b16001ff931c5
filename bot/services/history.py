"""What was asked for and what became of it, or a sentence that says what cannot be told without the store."""

from bot.domain.freeze import Switches
from bot.domain.operation import Operation
from bot.errors import StoreUnavailable
from bot.ports import Listing, Ports

MOST_NAMED = 5


async def latest(ports: Ports) -> Listing:
    """Return the latest operations. Raises StoreUnavailable, saying what still answers."""
    try:
        return await ports.operations.listing()
    except StoreUnavailable as error:
        raise _still(error, "Operations cannot be listed") from error


async def one(ports: Ports, operation_id: str) -> Operation:
    """Return one operation. Raises StoreUnavailable, saying what still answers, or UnknownOperation."""
    try:
        return await ports.operations.get(operation_id)
    except StoreUnavailable as error:
        raise _still(error, f"{operation_id} cannot be shown") from error


def missing(ports: Ports, seen: Switches) -> str:
    """Say in one line what no answer can hold while the store does not speak; nothing while it does.

    `seen` is what it said for this answer of what is frozen.
    """
    trouble = seen.unknown or ports.store_trouble()
    return unavailable(trouble) if trouble else ""


def unavailable(why: str) -> str:
    """Say in one line what is missing for want of the store."""
    return (
        "Unavailable without Redis: history, open operations, freezes, last known answers. Nothing can be requested "
        f"or decided now. {why}"
    )


def unreadable(listing: Listing) -> str:
    """Name the operations that cannot be read; nothing while all can."""
    if not listing.unreadable:
        return ""
    names = ", ".join(listing.unreadable[:MOST_NAMED])
    left = len(listing.unreadable) - MOST_NAMED
    more = f" and {left:,} more" if left > 0 else ""
    return (
        f"Cannot be read: {names}{more}. Somebody changed it in Redis, or a newer bot wrote it: `/registry show` with "
        "its id says which. Tell whoever looks after Redis."
    )


def _still(error: StoreUnavailable, what: str) -> StoreUnavailable:
    sentence = f"{what}: {error} Without Redis `/registry status`, `plan`, `replication` and `help` still answer."
    return StoreUnavailable(sentence, code=error.code)
