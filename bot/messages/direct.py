"""What one person alone is told: of words that count as theirs, and of a card that no channel takes."""

from datetime import datetime

from bot.domain.freeze import ALL, Freeze
from bot.domain.operation import Operation, State
from bot.messages import plan as words
from bot.messages.blocks import Block, actions, button, compose, confirm, say, section
from bot.messages.headline import first_line, first_paragraph, show_manual, wants_hands
from bot.messages.text import channel, clock, code, escape, mention, moment, sentence, short
from bot.ports import Message

NOT_ME = "operation.not_me"
"""The action id of the button that freezes everything."""


def own_word(operation: Operation, word: str, speaker: str, at: datetime, value: str) -> Message:
    """Tell a person of a word that counts as theirs, with the button for the case that it is not."""
    simulated, about = words.simulated(operation.plan), words.NOUNS[operation.plan.kind]
    what = f"You {word} {about} {code(operation.id, 20)} {words.direction(operation.plan)}, as {mention(speaker)}"
    text = f"{simulated}{what}, {clock(at)}. Nothing to do if this was you.".replace("`", "")
    where = f"Its card is in {channel(operation.channel)}. If this was you, there is nothing to do."
    return compose(text, [section(f"{simulated}{what} at {moment(at)}.\n{where}"), actions(_not_me(value))])


def disowned(operation_id: str, person: str, *, is_simulation: bool = False) -> Message:
    """Tell the thread and the channel who says that a word was not theirs, and that all is frozen."""
    who, what = mention(person), escape(short(operation_id, 20))
    return Message(
        f"{'SIMULATION · ' if is_simulation else ''}FROZEN: {who} says that what was done in their name on {what} was "
        "not them. Nothing is requested, approved or begun until two people lift it. Find out who used that account.",
        in_channel=True,
    )


def you_froze(freeze: Freeze, *, is_simulation: bool = False) -> Message:
    """Tell a person of a freeze that counts as theirs."""
    what = "all sites" if freeze.scope == ALL else escape(short(freeze.scope, 60))
    simulated = "SIMULATION · " if is_simulation else ""
    return Message(
        f"{simulated}You froze {what}, as {mention(freeze.user_id)}, {clock(freeze.at)}. If this was "
        "not you, tell whoever looks after security here; two people lift it with "
        f"{code(f'/registry unfreeze {short(freeze.scope, 60)} because …')}."
    )


def all_frozen(trouble: str, doubt: str = "") -> Message:
    """Tell who pressed the button that all is frozen, or what is missing from that."""
    if doubt:
        return say(
            f"All sites are frozen on your word, but others forget it if Redis fails over now. {sentence(doubt)} This "
            "bot keeps it and sets it again. Tell whoever looks after security here, and look at `/registry status` in "
            "a minute."
        )
    if not trouble:
        return say(
            "All sites are frozen on your word. Tell whoever looks after security here, and change your password."
        )
    return say(
        f"All sites are frozen on your word in this bot, which writes it down as soon as it can: {sentence(trouble)} "
        "Other bots may not know yet. Tell whoever looks after security here."
    )


def homeless(operation: Operation, now: datetime) -> Message:
    """Show how an operation stands to those concerned, when no channel takes its card."""
    lost = (
        "No channel takes the card of this operation: it is archived, gone, or without the bot. The home channel, too. "
        "Type `/invite @registry` there; the card follows within a minute."
    )
    what = section(first_paragraph(operation, now))
    return compose(first_line(operation, now), [what, section(f"{lost}{_by_typing(operation)}")])


def retired(operation: Operation, where: str, link: str | None) -> Message:
    """Say below a card that can no longer be edited that it is out of use."""
    live = f"<{link}|the live card>" if link and "|" not in link and ">" not in link else channel(where)
    name = escape(short(operation.id, 20))
    return Message(f"OUT OF USE: this card of {name} no longer changes, and its buttons do nothing. See {live}.")


def perhaps_twice() -> Message:
    """Say below a new card that an earlier one may have arrived without Slack saying so."""
    return Message(
        "Slack did not confirm an earlier post of this card, so a copy of it may stand in this channel. "
        "Only this one counts; a press on the copy says so and puts it out of use."
    )


def _by_typing(operation: Operation) -> str:
    name = escape(short(operation.id, 20))
    if operation.state is State.PENDING:
        votes = f"{code(f'/registry approve {name}')} or {code(f'/registry reject {name}')}"
        return f"\nUntil then another person can type {votes}."
    return f"\nManual steps: {code(show_manual(operation))}" if wants_hands(operation) else ""


def _not_me(value: str) -> Block:
    question = (
        "Everything is frozen at once: nothing can be requested, approved or begun until two people lift it. "
        "What is being written now is finished."
    )
    pressed = button("This was not me", NOT_ME, value, "This was not me: freeze everything", "danger")
    asked = confirm("Freeze all sites?", question, "Freeze everything", "It was me")
    return pressed | {"confirm": {**asked, "style": "danger"}}
