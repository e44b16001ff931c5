"""From the words of a command, or the id of a button, to the handler that owns them."""

import asyncio
import difflib
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from bot.domain.access import Act, Identity, Person, Role
from bot.domain.freeze import Switches
from bot.errors import UsageError
from bot.messages import CommandHelp
from bot.ports import Message, Ports
from bot.tasks import Tasks

SHORTEST_PREFIX = 3


Linger = Callable[[Coroutine[Any, Any, Any], str], "asyncio.Task[Any]"]


async def unseen() -> Switches:
    """Return what is frozen where nobody has looked: everything."""
    return Switches(unknown="Nobody has looked what is frozen.")


@dataclass(frozen=True, slots=True)
class Call:
    """One command or click, after it was admitted: who, where and with which words.

    `value` and `message_ts` are those of the pressed button; `known` is everything that may be asked. `frozen` returns
    what is frozen, which every answer tells anyway, so that nobody asks the store for it twice. `linger` runs what
    goes on after the answer.
    """

    verb: str
    words: tuple[str, ...]
    reason: str
    user_id: str
    team_id: str
    channel_id: str
    channel_name: str
    identity: Identity
    person: Person | None
    response_url: str = ""
    value: str = ""
    message_ts: str = ""
    known: tuple[CommandHelp, ...] = ()
    frozen: Callable[[], Awaitable[Switches]] = unseen
    linger: Callable[[Coroutine[Any, Any, Any], str], "asyncio.Task[Any]"] = field(
        default_factory=lambda: Tasks().start
    )


Handler = Callable[[Call, Ports], Awaitable[Message | None]]
H = TypeVar("H", bound=Callable[[Call, Ports], Awaitable[Message | None]])


@dataclass(frozen=True, slots=True)
class Command:
    """One subcommand as its declaration says; `slow` is said at once when the answer takes longer than Slack waits."""

    help: CommandHelp
    handler: Handler
    slow: str = ""
    anywhere: bool = False
    asks: Act | None = None

    @property
    def verb(self) -> str:
        """Return the word that people type."""
        return self.help.verb

    @property
    def act(self) -> Act:
        """Return what everybody who calls this must be allowed; votes are authorised where they are counted."""
        if self.asks is not None:
            return self.asks
        return Act.REQUEST if self.help.role is Role.REQUESTER else Act.READ

    @property
    def only_reads(self) -> bool:
        """Tell whether this changes nothing, so that a shortened name is harmless."""
        return self.help.role is Role.VIEWER


class Router:
    """Who owns which verb and which button."""

    def __init__(self) -> None:
        self._commands: dict[str, Command] = {}
        self._buttons: dict[str, Handler] = {}
        self._urgent: dict[str, str] = {}

    @property
    def commands(self) -> tuple[Command, ...]:
        """Return every subcommand, in the order of declaration."""
        return tuple(self._commands.values())

    @property
    def buttons(self) -> tuple[str, ...]:
        """Return the action id of every button that somebody owns."""
        return tuple(self._buttons)

    def subcommand(
        self, verb: str, *, usage: str, role: Role, slow: str = "", anywhere: bool = False, act: Act | None = None
    ) -> Callable[[H], H]:
        """Declare a handler for a verb; its docstring is its help.

        `anywhere` lifts the rules about channels; `act` is what it takes where the role does not say it.
        """

        def declare(handler: H) -> H:
            summary = (handler.__doc__ or "").strip().splitlines()[0]
            self._add(Command(CommandHelp(verb, usage, summary, role, act), handler, slow, anywhere, act))
            return handler

        return declare

    def button(self, action_id: str, *, urgent: str = "") -> Callable[[H], H]:
        """Declare a handler for a button.

        An urgent one is never held back for its presser's pace nor stopped at the end of the budget; `urgent` is said
        when it takes longer than that.
        """

        def declare(handler: H) -> H:
            self._add_button(action_id, handler, urgent)
            return handler

        return declare

    def include(self, routers: Iterable["Router"]) -> "Router":
        """Take over everything that other routers declare, and return this router."""
        for router in routers:
            for command in router.commands:
                self._add(command)
            for action_id in router.buttons:
                self._add_button(action_id, router.handler_of_button(action_id), router.urgency(action_id))
        return self

    def command(self, word: str) -> Command:
        """Return the command of this verb; reading verbs also answer to a clear beginning of three letters or more.

        Raises UsageError with candidates, never the nearest guess.
        """
        if word in self._commands:
            return self._commands[word]
        readers = [c for c in self.commands if c.only_reads and c.verb.startswith(word)]
        if len(word) >= SHORTEST_PREFIX and len(readers) == 1:
            return readers[0]
        raise UsageError(self._not_understood(word))

    def handler_of_button(self, action_id: str) -> Handler:
        """Return the handler of a button. Raises UsageError when nobody owns it."""
        if action_id in self._buttons:
            return self._buttons[action_id]
        raise UsageError(
            "This button belongs to another version of this bot and does nothing now. "
            "`/registry actions` lists what is open."
        )

    def urgency(self, action_id: str) -> str:
        """Return what is said while an urgent button is followed; nothing for any other."""
        return self._urgent.get(action_id, "")

    def _not_understood(self, word: str) -> str:
        shown = "".join(c for c in word if c.isprintable())[:40]
        near = [verb for verb in self._commands if len(word) >= SHORTEST_PREFIX and verb.startswith(word)]
        near += difflib.get_close_matches(word[:40], self._commands, n=2, cutoff=0.6)
        hint = f" Did you mean {' or '.join(dict.fromkeys(near))}?" if near else ""
        return f"'{shown}' is not a command of this bot.{hint} Commands: {', '.join(self._commands)}."

    def _add(self, command: Command) -> None:
        if command.verb in self._commands:
            raise ValueError(f"Two handlers want the verb '{command.verb}'.")
        self._commands[command.verb] = command

    def _add_button(self, action_id: str, handler: Handler, urgent: str) -> None:
        if action_id in self._buttons:
            raise ValueError(f"Two handlers want the button '{action_id}'.")
        self._buttons[action_id] = handler
        self._urgent[action_id] = urgent
