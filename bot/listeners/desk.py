"""One delivery, answered in time: admit, route, carry out, and find words for whatever went wrong.

Slack waits three seconds, so everything before the acknowledgement shares one budget of 1.2. A handler that declares
itself slow is announced much sooner, left to finish, and answers later; any other is stopped at the end of the budget
and the person told so, which for a vote means that it is refused rather than acknowledged and perhaps lost with the
process.
"""

import asyncio
import traceback
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from pathlib import PurePath

import structlog

from bot import messages
from bot.domain import grammar
from bot.domain.access import Act
from bot.errors import (
    BotError,
    Frozen,
    NotPermitted,
    ProviderError,
    StoreUnavailable,
    Unconfirmed,
    Unreachable,
    UsageError,
    UserError,
)
from bot.listeners.banner import Banner
from bot.listeners.deliveries import Delivery, call_of
from bot.listeners.pace import DECISIONS, REQUESTS, TOO_FAST, Pace
from bot.listeners.refusals import Refusals
from bot.ports import Message, Ports
from bot.routing import Call, Handler, Router
from bot.services.admission import ACT_AGE, READ_AGE, admit, is_known_member
from bot.tasks import Tasks

BUDGET = timedelta(seconds=1.2)
QUIET = timedelta(seconds=0.4)
"""How long a slow handler may keep a person without a word: a calm cloud has answered by then, and one message reads
better than two; a busy one would only use up a budget in which nothing is decided."""
PATIENCE = timedelta(seconds=60)
"""How long a slow answer may take; Slack takes answers for 30 minutes, people give up much sooner."""
LONGEST_COMMAND = 2000
_HUNG = (
    "No answer came in time, so this was stopped. If it was a vote, its card shows whether it counts; send it again."
)
_UNSURE = "Slack did not say in time who you are, so nothing was done. Try again in a moment."
_ENDLESS = "This took longer than a minute and was stopped. `/registry actions` shows whether anything is open."

FOREIGN_URL = "foreign_response_url"
"""The code of an answer that was not sent because its address is not Slack's."""

Answer = Callable[[str, Message], Awaitable[None]]
"""Shows a message by response_url. Raises a ProviderError when Slack does not take it."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What goes out with the acknowledgement, and what follows later where that is not all.

    `told` is what of all that is frozen the message tells by itself.
    """

    message: Message | None
    outcome: str
    later: "asyncio.Task[Reply] | None" = None
    told: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Job:
    """An admitted call and the handler that takes it."""

    handler: Handler
    call: Call
    slow: str = ""


class Desk:
    """Answers commands and clicks; never raises and never takes longer than the budget."""

    def __init__(
        self, ports: Ports, router: Router, tasks: Tasks, answer: Answer, *, budget: timedelta = BUDGET
    ) -> None:
        self._ports = ports
        self._router = router
        self._known = tuple(command.help for command in router.commands)
        self._tasks = tasks
        self._answer = answer
        self._budget = budget.total_seconds()
        self._log = structlog.get_logger()
        self._banner = Banner(ports, tasks)
        self._refusals = Refusals(ports, tasks)
        self._decisions = Pace(ports, tasks, self._refusals, most=DECISIONS)
        # each by itself, so that nobody is kept from freezing or approving by how often they did something else
        own = {Act.REQUEST: REQUESTS, Act.FREEZE: DECISIONS, Act.WATCH: DECISIONS, Act.SYNC: DECISIONS}
        self._paces = {act: Pace(ports, tasks, self._refusals, most=most) for act, most in own.items()}

    async def command(self, delivery: Delivery) -> Reply:
        """Answer a slash command."""
        verb, act = self._asked(delivery)
        if act and self._paces.get(act, self._decisions).excess(delivery, verb):
            return await self._too_fast(delivery)
        return await self._in_time(delivery, self._open_command(delivery))

    async def click(self, delivery: Delivery) -> Reply:
        """Carry out what a button stands for; the reply's words are for the clicker alone."""
        is_urgent = bool(self._router.urgency(delivery.action_id))
        if not is_urgent and (excess := self._decisions.excess(delivery, delivery.action_id)):
            # words for a click are a call to Slack of their own, so a flood of clicks gets them once
            return await self._too_fast(delivery) if excess == 1 else Reply(None, "too fast")
        return await self._in_time(delivery, self._open_click(delivery))

    def follow_up(self, delivery: Delivery, later: "asyncio.Task[Reply]") -> None:
        """Deliver a slow answer when it is there."""
        self._tasks.start(self._deliver_later(delivery, later), "answer.later")

    def tell(self, delivery: Delivery, message: Message) -> None:
        """Show a message to whoever sent the delivery."""
        self._tasks.start(self._deliver(delivery, message), "answer")

    def unexpected(self, error: Exception, what: str) -> Message:
        """Log a bug by type and place, without values, and return words with the reference to that entry."""
        reference = self._ports.ids.token()[:8]
        self._log.error(
            "delivery.failed", reference=reference, verb=what, error=type(error).__name__, where=_places(error)
        )
        return messages.unexpected(reference)

    async def _in_time(self, delivery: Delivery, opening: Awaitable[_Job]) -> Reply:
        job: _Job | None = None
        work: asyncio.Task[Reply] | None = None
        try:
            async with asyncio.timeout(self._budget):
                job = await opening
                work = self._tasks.start(self._carry_out(delivery, job), f"handler.{job.call.verb}")
                return await (self._announced(job, work) if job.slow else asyncio.shield(work))
        except TimeoutError:
            return self._late(delivery, job, work)
        except BotError as error:
            return self._refused(delivery, error)
        except Exception as error:  # noqa: BLE001 - a person waits for words, whatever broke
            return Reply(self.unexpected(error, "opening"), "failed")

    async def _announced(self, job: _Job, work: "asyncio.Task[Reply]") -> Reply:
        done, _ = await asyncio.wait([work], timeout=QUIET.total_seconds())
        return work.result() if done else _slow(job, work)

    async def _carry_out(self, delivery: Delivery, job: _Job) -> Reply:
        """Have the handler answer, and look at the same time what is frozen: every answer tells that."""
        look = self._banner.look()
        call = replace(job.call, frozen=partial(self._banner.found, look), linger=self._tasks.start)
        reply = await self._handled(delivery, replace(job, call=call))
        if reply.message is None:
            return reply
        return replace(reply, message=await self._banner.beside(reply.message, look, reply.told))

    async def _handled(self, delivery: Delivery, job: _Job) -> Reply:
        try:
            return Reply(await job.handler(job.call, self._ports), "answered")
        except BotError as error:
            return self._refused(delivery, error)
        except Exception as error:  # noqa: BLE001 - a person waits for words, whatever broke
            return Reply(self.unexpected(error, job.call.verb), "failed")

    def _late(self, delivery: Delivery, job: _Job | None, work: "asyncio.Task[Reply] | None") -> Reply:
        if job is None or work is None:
            return self._refused(delivery, Unreachable(_UNSURE), "late")
        if job.slow:
            return _slow(job, work)
        work.cancel()
        late = self._refused(delivery, StoreUnavailable(_HUNG), "late")
        return replace(late, message=late.message and self._banner.at_once(late.message))

    async def _too_fast(self, delivery: Delivery) -> Reply:
        message = messages.refusal(TOO_FAST)
        if is_known_member(self._ports, delivery.visitor):
            message = await self._banner.beside_refusal(message)
        return Reply(message, "too fast")

    def _refused(self, delivery: Delivery, error: BotError, outcome: str = "refused") -> Reply:
        verb, act = self._asked(delivery)
        if isinstance(error, Unconfirmed):  # it was counted: the audit must not say that it was refused
            self._log.warning("delivery.unconfirmed", verb=verb, why=str(error))
            return Reply(messages.refusal(error), "unconfirmed")
        self._refusals.note(delivery, verb, error, is_act=act is not None)
        return Reply(messages.refusal(error), outcome, told=error.told if isinstance(error, Frozen) else ())

    def _asked(self, delivery: Delivery) -> tuple[str, Act | None]:
        """Return what a delivery asks for and, where it does more than read, as which act it is counted."""
        if delivery.action_id:
            return delivery.action_id, Act.APPROVE
        words, _reason = grammar.split(delivery.text[:LONGEST_COMMAND])
        try:
            command = self._router.command(words[0] if words else "help")
        except UsageError:
            return "unknown", None
        if command.only_reads:
            return command.verb, None
        return command.verb, command.act if command.act in self._paces else Act.APPROVE

    async def _open_command(self, delivery: Delivery) -> _Job:
        words, reason = grammar.split(delivery.text[:LONGEST_COMMAND])
        try:
            _require_readable_length(delivery.text)
            command = self._router.command(words[0] if words else "help")
        except UsageError as error:
            # strangers are told who they are not before they are told what there is
            return _Job(_explaining(error), await self._admitted(delivery, "unknown", READ_AGE))
        age = READ_AGE if command.only_reads else ACT_AGE
        call = await self._admitted(delivery, command.verb, age, anywhere=command.anywhere)
        try:
            self._ports.rules.access.authorize(call.identity, command.act)
        except NotPermitted as error:  # a member, to whom it is explained like anything else
            return _Job(_explaining(error), call)
        return _Job(command.handler, replace(call, words=words[1:], reason=reason, known=self._known), command.slow)

    async def _open_click(self, delivery: Delivery) -> _Job:
        call = await self._admitted(delivery, delivery.action_id, ACT_AGE)
        action_id = delivery.action_id
        try:
            handler = self._router.handler_of_button(action_id)
        except UsageError as error:
            return _Job(_explaining(error), call)
        return _Job(handler, call, self._router.urgency(action_id))

    async def _admitted(self, delivery: Delivery, verb: str, age: timedelta, *, anywhere: bool = False) -> Call:
        identity, person = await admit(self._ports, delivery.visitor, age, anywhere=anywhere)
        return call_of(delivery, verb, identity, person)

    async def _deliver_later(self, delivery: Delivery, later: "asyncio.Task[Reply]") -> None:
        try:
            async with asyncio.timeout(PATIENCE.total_seconds()):
                message = (await later).message
        except TimeoutError:
            message = await self._banner.beside_refusal(messages.refusal(Unreachable(_ENDLESS)))
        if message is not None:
            await self._deliver(delivery, message)

    async def _deliver(self, delivery: Delivery, message: Message) -> None:
        """Show a message to whoever sent the delivery, by the first of three ways that Slack takes."""
        visitor, workspace = delivery.visitor, self._ports.workspace

        async def by_url() -> None:
            await self._answer(delivery.response_url, message)

        async def here() -> None:
            await workspace.whisper(visitor.channel_id, visitor.user_id, message)

        async def directly() -> None:
            await workspace.post(await workspace.direct(visitor.user_id), message)

        for way in (by_url, here, directly):
            try:
                await way()
            except ProviderError as error:
                self._not_taken(error)
            else:
                return
        self._log.error("answer.lost")

    def _not_taken(self, error: ProviderError) -> None:
        self._log.warning("answer.not_taken", error=type(error).__name__, code=error.code)
        if error.code == FOREIGN_URL:
            self._log.error("alarm.foreign_response_url")
            self._ports.alarm(FOREIGN_URL)


def _slow(job: _Job, work: "asyncio.Task[Reply]") -> Reply:
    return Reply(Message(job.slow), "slow", later=work)


def _require_readable_length(text: str) -> None:
    if len(text) > LONGEST_COMMAND:
        raise UsageError(
            f"This command is {len(text):,} characters long and the bot reads at most {LONGEST_COMMAND:,}. "
            "Shorten it and send it again."
        )


def _explaining(error: UserError) -> Handler:
    """Return the handler of what nobody owns, or this person may not: an answer like any other, with what is frozen."""

    async def explain(_call: Call, _ports: Ports) -> Message:
        raise error

    return explain


def _places(error: Exception) -> list[str]:
    """Return the last places of a traceback as file:line, which hold no values."""
    frames = traceback.extract_tb(error.__traceback__)[-4:]
    return [f"{PurePath(frame.filename).name}:{frame.lineno}" for frame in frames]
