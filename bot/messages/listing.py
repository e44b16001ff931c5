"""Operations in a list, a line each."""

from datetime import datetime

from bot.domain.drift import astray
from bot.domain.operation import Operation, State
from bot.messages import plan as words
from bot.messages.blocks import compose, section, sections
from bot.messages.headline import changed_word
from bot.messages.text import ago, code, mention, plural, soon
from bot.ports import Message

MOST_LISTED = 20


def actions_list(operations: tuple[Operation, ...], now: datetime) -> Message:
    """Return the operations given, newest first, each with its age."""
    if not operations:
        text = "No operations"
        return compose(text, [section(text)])
    waiting = sum(not operation.is_terminal for operation in operations)
    ended = [plural(len(operations) - waiting, "ended operation")] if waiting < len(operations) else []
    headline = ", ".join([f"{waiting:,} open", *ended])
    shown = [f"• {operation_line(o)}, {ago(o.created_at, now)}" for o in operations[:MOST_LISTED]]
    left = len(operations) - len(shown)
    more = [f"and {left:,} older"] if left > 0 else []
    hint = f"Look closer: {code('/registry show <id>')}"
    return compose(headline, [section(f"*{headline}*"), *sections([*shown, *more]), section(hint)])


def operation_line(operation: Operation) -> str:
    """Return one operation as a line: id, state, direction, who asked, and until when it waits."""
    until = f", waits until {soon(operation.expires_at)}" if operation.state is State.PENDING else ""
    failed = ", a check FAILED" if operation.has_failed_observation else ""
    changed = f", BUT {changed_word(operation)}" if astray(operation) else ""
    asked = f"asked by {mention(operation.requester.user_id)}"
    return (
        f"{code(operation.id, 20)} *{operation.state}{changed}* {words.errand(operation.plan)}{failed}{until}, {asked}"
    )
