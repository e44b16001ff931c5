"""The kill switch in words: the banner of every answer, and the receipt of a freeze."""

from collections.abc import Iterable
from dataclasses import replace

from bot.domain.freeze import ALL, Freeze, Switches, stopping
from bot.domain.operation import Operation
from bot.messages.blocks import compose, section, sections
from bot.messages.text import clock, code, escape, mention, sentence, short, soon
from bot.ports import Message

MOST_SHOWN = 5
_SWITCHED = "Only who runs this bot can end that, there; `unfreeze` cannot."
_UNKNOWN = "*FROZEN, for all that is known*: Redis does not say what is frozen, so everything counts as frozen."
_BY_HAND = "*FROZEN*: all sites, set by hand in Redis. Whoever looks after Redis must remove it there."
_LOCAL = ". Only this bot knows: it is not in Redis."


def banner(switches: Switches) -> str:
    """Return what is frozen, a line each; nothing when nothing is."""
    lines = [f"*FROZEN*: {sentence(switches.switch, 300)} {_SWITCHED}"] if switches.switch else []
    lines += [_line(freeze) + _LOCAL for freeze in switches.local]
    lines += [_line(freeze) for freeze in switches.freezes]
    if switches.unknown:
        lines.append(_UNKNOWN)
    left = len(lines) - MOST_SHOWN
    return "\n".join([*lines[:MOST_SHOWN], *([f"and {left:,} more"] if left > 0 else [])])


def relevant(operation: Operation, switches: Switches) -> Switches:
    """Return what of all that is frozen keeps this operation from going on."""
    if operation.is_terminal:
        return Switches()
    scopes = operation.plan.stopped_by
    return Switches(stopping(switches.freezes, scopes), stopping(switches.local, scopes), switches.switch)


def with_banner(message: Message, switches: Switches) -> Message:
    """Return an answer that also tells what is frozen, right after its first paragraph, where it is not about that."""
    if not switches.is_on or message.text.startswith("FROZEN"):
        return message
    first, *rest = message.blocks or (section(message.text),)
    frozen_now = first_words(switches)
    text = message.text if frozen_now in message.text else f"{message.text} · {frozen_now}"
    told = compose(text, [dict(first), *sections(banner(switches).split("\n")), *map(dict, rest)])
    return replace(told, in_channel=message.in_channel)


def fronted(message: Message, switches: Switches, simulated: str) -> Message:
    """Return a card that says before anything else that it cannot go on: a lock screen shows its beginning alone.

    `simulated` is what its first line begins with in a simulation, and still does.
    """
    if not switches.is_on:
        return message
    text = f"{simulated}{first_words(switches)} · {message.text.removeprefix(simulated)}"
    return compose(text, [*sections(banner(switches).split("\n")), *map(dict, message.blocks)])


def first_words(switches: Switches) -> str:
    """Return the same for a lock screen, in a few words."""
    if switches.unknown and not (switches.switch or switches.local):
        return "FROZEN, for all that is known: Redis does not say"
    scopes = dict.fromkeys(freeze.scope for freeze in (*switches.freezes, *switches.local))
    return f"FROZEN: {scope_words([ALL] if switches.switch else scopes)}"


def scope_words(scopes: Iterable[str]) -> str:
    """Name what is frozen: sites, or all of them."""
    known = tuple(scopes)
    return "all sites" if ALL in known else ", ".join(escape(short(scope, 60)) for scope in known[:MOST_SHOWN])


def who(freeze: Freeze) -> str:
    """Name whoever froze."""
    return mention(freeze.user_id) if freeze.user_id else "this bot itself"


def frozen(freeze: Freeze, trouble: str = "", doubt: str = "", *, is_simulation: bool = False) -> Message:
    """Tell everybody in the channel what was frozen, how it was understood, and how it ends."""
    simulated = "SIMULATION · " if is_simulation else ""
    what = scope_words([freeze.scope])
    until = f"until {clock(freeze.until)}" if freeze.until else "until two people lift it"
    lines = [
        f"{simulated}*FROZEN*: {what}, {f'until {soon(freeze.until)}' if freeze.until else until}",
        f"By {who(freeze)}: {code(freeze.reason, 300)}",
        f"Nothing moves {_where(freeze)}: no request, no approval, no write. {_end(freeze)}",
    ]
    if trouble:
        lines.append(
            f"*Only this bot knows*: {sentence(trouble, 300)} It is written there as soon as Redis takes it; until "
            "then tell the others, and do not restart this bot."
        )
    if doubt:
        lines.append(
            f"*Not safe yet*: others forget this if Redis fails over now. {sentence(doubt, 300)} This bot keeps it and "
            "sets it again, so do not restart it, and look at `/registry status` in a minute."
        )
    local = " · only this bot knows, it is not in Redis" if trouble else " · not safe yet" if doubt else ""
    message = compose(f"{simulated}FROZEN: {what}, {until}{local}", sections(lines))
    return replace(message, in_channel=True)


def _line(freeze: Freeze) -> str:
    if freeze.is_by_hand:
        return _BY_HAND
    until = f"until {soon(freeze.until)}" if freeze.until else "until two people lift it"
    why = f": {code(freeze.reason.rstrip('.'), 300)}" if freeze.reason else ""
    return f"*FROZEN*: {scope_words([freeze.scope])}, by {who(freeze)} since {soon(freeze.at)}, {until}{why}"


def _where(freeze: Freeze) -> str:
    return "anywhere" if freeze.scope == ALL else f"from or to {escape(short(freeze.scope, 60))}"


def _end(freeze: Freeze) -> str:
    how = f"{code(f'/registry unfreeze {short(freeze.scope, 60)} because …')}, and a second person's approval."
    return f"To lift it{' before that' if freeze.until else ''}: {how}"
