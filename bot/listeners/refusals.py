"""Who was refused what: a line on stdout at once, and an entry of the audit a moment later."""

import structlog

from bot.domain.grammar import parse_operation_id, split
from bot.errors import BotError, NotPermitted, UsageError, stable_code
from bot.listeners.deliveries import Delivery
from bot.ports import Ports
from bot.services import audit
from bot.tasks import Tasks

log = structlog.get_logger()


class Refusals:
    """Tells stdout and the audit of refusals; no answer waits for it.

    The line comes first, since Redis may be the reason: then the line is all that is left of the refusal.
    """

    def __init__(self, ports: Ports, tasks: Tasks) -> None:
        self._ports = ports
        self._tasks = tasks

    def note(self, delivery: Delivery, verb: str, error: BotError, *, is_act: bool) -> None:
        """Tell of a refusal; what somebody only wanted to read is kept out of the audit, unless they may not."""
        entry = self._entry(delivery, verb, stable_code(error))
        log.info("delivery.refused", error=type(error).__name__, **_told(entry))
        if is_act or isinstance(error, NotPermitted):
            self._tasks.start(self._record(entry), "audit.refused")

    async def note_flood(self, delivery: Delivery, verb: str, code: str, count: int) -> None:
        """Tell of many refusals of one person in one entry."""
        entry = self._entry(delivery, verb, code, count)
        log.warning("delivery.flood", **_told(entry))
        await self._record(entry)

    def _entry(self, delivery: Delivery, verb: str, code: str, count: int = 1) -> dict[str, str]:
        visitor = delivery.visitor
        person = self._ports.rules.access.people.person(visitor.user_id)
        return audit.refused(
            person.name if person else "",
            visitor.user_id,
            verb,
            code,
            channel=visitor.channel_id,
            operation=_operation(delivery),
            count=count,
        )

    async def _record(self, entry: dict[str, str]) -> None:
        try:
            await self._ports.operations.record(entry)
        except BotError as error:
            log.warning("audit.not_recorded", why=str(error), **_told(entry))


def _told(entry: dict[str, str]) -> dict[str, str]:
    """Return what of an entry goes to stdout."""
    told = {name: entry.get(name, "") for name in ("verb", "code", "operation", "count")}
    return told | {"person": entry.get("person") or entry.get("user", "")}


def _operation(delivery: Delivery) -> str:
    """Return the id that a delivery names, if it has the form of one; nothing else of it is believed or kept."""
    words = delivery.value.split("|")[1:2] if delivery.action_id else split(delivery.text[:100])[0][1:2]
    try:
        return parse_operation_id(tuple(words))
    except UsageError:
        return ""
