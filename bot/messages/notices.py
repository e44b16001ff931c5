"""Short answers: refusals, receipts, and the word that goes to everybody who was asked."""

from dataclasses import replace

from bot.domain.grammar import REDACTED
from bot.domain.operation import Operation, State, Verb
from bot.domain.sighting import Sight, Sighting
from bot.errors import BotError, stable_code
from bot.messages import plan as words
from bot.messages.blocks import compose, context, say, section
from bot.messages.headline import headline, show_manual, wants_hands
from bot.messages.text import channel, clock, code, escape, mention, naming, sentence, short, soon
from bot.ports import Message

_PAST = {Verb.APPROVE: "approved", Verb.REJECT: "rejected", Verb.CANCEL: "cancelled"}
_MOST_MENTIONED = 20
_TYPED_A_KEY = " Your reason held what looks like a key or a token: it is not shown, but Slack has it. Renew it."
_NOT_SAFE = (
    "Redis' replicas did not say that they have this (E_STORE_NOT_DURABLE). If Redis fails over before they do, the "
    "freeze is back. The card no longer says so once they have it."
)
_SEEN = {Sight.FOREIGN: "CHANGED SINCE", Sight.LATE: "WRITTEN LATE", Sight.RESTORED: "BACK AS IT WAS LEFT"}


def outcome_notice(operation: Operation) -> Message:
    """Return how an operation ended, for everybody who asked or voted and for the whole channel.

    A new message pings, an edit does not; a reply stays unseen by those who do not follow the thread.
    """
    ended = operation.ended_at or operation.created_at
    names = " ".join(mention(user_id) for user_id in words.people(operation)[:_MOST_MENTIONED])
    said = headline(operation, ended, clock)
    hands = f"\nManual steps: {code(show_manual(operation))}" if wants_hands(operation) else ""
    message = compose(f"{said.line()} {names}", [section(f"{said.markup()}{hands}\n{names}")])
    return replace(message, in_channel=True)


def sighting_notice(operation: Operation, seen: Sighting) -> Message:
    """Tell everybody who asked or voted what a record holds since the operation ended; like the outcome, to all."""
    names = " ".join(mention(user_id) for user_id in words.people(operation)[:_MOST_MENTIONED])
    told = naming(sentence(seen.sentence, 1500), words.people(operation))
    word = f"{words.simulated(operation.plan)}{_SEEN[seen.sight]}"
    hands = f"\nManual steps: {code(show_manual(operation))}" if seen.holds else ""
    line = f"{word}: {told} Seen at {clock(seen.at)} after {escape(short(operation.id, 20))}. {names}"
    return replace(compose(line, [section(f"*{word}*: {told}{hands}\n{names}")]), in_channel=True)


def proposed(operation: Operation, link: str | None = None) -> Message:
    """Tell the requester where the card waits."""
    card = f"<{link}|the card>" if link and "|" not in link and ">" not in link else "the card"
    said = f"{code(operation.id)} needs a second person before {soon(operation.expires_at)}"
    warned = _TYPED_A_KEY if REDACTED in operation.reason else ""
    return compose(
        f"{escape(short(operation.id, 20))} needs a second person before {clock(operation.expires_at)}.{warned}",
        [section(f"{said}: see {card} in {channel(operation.channel)}.{warned}")],
    )


def voted(operation: Operation, verb: Verb) -> Message:
    """Tell a voter what was recorded."""
    if verb is Verb.APPROVE and operation.state is State.PENDING:
        return say(f"Your approval of {code(operation.id)} is recorded; it needs one more person.")
    follows = "Its card shows what follows" if verb is Verb.APPROVE else "Nothing was changed"
    return say(f"{code(operation.id)} {words.errand(operation.plan)} is {_PAST[verb]}. {follows}.")


def refusal(error: BotError) -> Message:
    """Return the error's own words in one line, with its stable code at the end and nowhere else."""
    named = stable_code(error)
    said = naming(sentence(str(error).replace(f" ({named})", ""), 1500)) or "This was refused."
    return say(f"{said} {code(named, 60)}")


def noted(message: Message, note: str, headline: str = "") -> Message:
    """Return an answer with what it lacks below it and, where that matters at a glance, in its first line."""
    if not note:
        return message
    text = f"{message.text} · {headline}" if headline else message.text
    told = compose(text, [*map(dict, message.blocks or (section(message.text),)), context(sentence(note))])
    return replace(told, in_channel=message.in_channel)


def not_safe_yet(message: Message) -> Message:
    """Say of a lift that is done, on its card and where its end is told, that a failover of Redis may undo it."""
    return noted(message, _NOT_SAFE, "not safe yet: a failover of Redis may bring the freeze back")


def unexpected(reference: str) -> Message:
    """Tell that the bot itself failed; the reference finds the log entry."""
    return say(
        f"Something went wrong inside the bot (reference {escape(short(reference, 40))}). "
        "Nothing was changed by this command. Try again; if it repeats, give the reference to whoever runs the bot."
    )
