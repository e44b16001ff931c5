"""What the bot understands, and who the asker is to it."""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.domain.access import Act, Person, Role
from bot.messages.blocks import compose, context, section, sections
from bot.messages.text import code, escape, short
from bot.ports import Message


@dataclass(frozen=True, slots=True)
class CommandHelp:
    """One subcommand as its handler declares it."""

    verb: str
    usage: str
    summary: str
    role: Role = Role.VIEWER
    act: Act | None = None


def help_text(commands: Sequence[CommandHelp], asker: str) -> Message:
    """Return the usage of these commands, ending with who the asker is."""
    headline = (
        "Moves image pulls to another site when a registry fails; a second person must agree."
        if len(commands) != 1
        else f"/registry {commands[0].verb}: {commands[0].summary}"
    )
    is_list = len(commands) != 1
    lines = [_line(command) if is_list else _command(command) for command in commands]
    more = [f"All words of a command: {code('/registry help <verb>')}"] if is_list else []
    said = escape(short(asker, 300))
    blocks = [section(f"*{escape(headline)}*"), *sections(lines), context(*more, said)]
    return compose(f"{escape(headline)} {said}", blocks)


def asker(user_id: str, person: Person | None) -> str:
    """Say who somebody is to the bot."""
    if person is None:
        return f"You are {user_id}: not in the people list, so you may look but not ask or approve."
    roles = " and ".join(sorted(person.roles)) or "no role"
    return f"You are {user_id}: {person.name}, {roles}."


def _line(command: CommandHelp) -> str:
    """Return what is needed to type a command; its other words would fill a phone."""
    needed, optional, _ = command.usage.partition(" [")
    return f"{code(f'/registry {needed}')}{' …' if optional else ''}\n{_summary(command)}"


def _command(command: CommandHelp) -> str:
    """Return all words of a command that the headline sums up already."""
    return f"{code(f'/registry {command.usage}')}{_needs(command)}"


def _summary(command: CommandHelp) -> str:
    return f"{escape(short(command.summary, 300))}{_needs(command)}"


def _needs(command: CommandHelp) -> str:
    return _BY_VERB.get(command.verb) or _BY_ACT.get(command.act) or _BY_ROLE[command.role]


_BY_ROLE = {Role.VIEWER: "", Role.REQUESTER: " _Requesters._", Role.APPROVER: " _Approvers._"}
_BY_VERB = {"cancel": " _Who asked, and approvers._"}
_BY_ACT: dict[Act | None, str] = dict.fromkeys((Act.FREEZE, Act.WATCH), " _Requesters and approvers._")
