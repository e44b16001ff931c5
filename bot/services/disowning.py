"""Words that count as somebody's: whom to tell of them, and what follows when that person says that it was not them.

A stolen Slack session can ask and approve in its owner's name, and nothing in Slack tells it from the owner. So the
owner is told of each such word, on every account of theirs, and may freeze all with one press.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import structlog

from bot.domain.freeze import ALL
from bot.domain.operation import Operation, Verb
from bot.errors import AlreadyFrozen, BotError, NotPermitted
from bot.ports import Message, Ports
from bot.services import freezing
from bot.services.own_buttons import carried, outlived, untrusted

log = structlog.get_logger()
PREFIX = "not_me"
REQUESTED = "requested"
_PAST = {Verb.APPROVE: "approved", Verb.REJECT: "rejected", Verb.CANCEL: "cancelled"}


@dataclass(frozen=True, slots=True)
class OwnWord:
    """One word, the account that said it, and one account of that person that is told of it."""

    word: str
    speaker: str
    told: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Disowned:
    """A word that its owner takes back, all being frozen; `trouble` is why the store does not have that yet.

    `doubt` is why a failover of the store may still lose it. A second press `is_news` to nobody.
    """

    operation_id: str
    trouble: str = ""
    doubt: str = ""
    is_news: bool = True


def own_words(ports: Ports, operation: Operation) -> tuple[OwnWord, ...]:
    """Return what people are told of an operation, in an order to which later words only add."""
    return tuple(_own_words(ports, operation))


def not_me_value(ports: Ports, operation: Operation, own: OwnWord) -> str:
    """Return the value of the button: operation, word and account, and our code over them."""
    parts = (operation.id, own.word, own.told)
    return "|".join((PREFIX, *parts, ports.signer.sign(PREFIX, ports.rules.access.workspace, *parts)))


async def disown(ports: Ports, value: str, user_id: str) -> Disowned:
    """Freeze all for a person who says that a word was not theirs.

    Raises NotPermitted for a button that is not ours or not this person's.
    """
    operation_id, word = _believed(ports, value, user_id)
    person = ports.rules.access.people.person(user_id)
    if person is None:
        raise NotPermitted(
            "E_NOT_APPROVER",
            f"You are no longer in the people list, so this froze nothing. Tell somebody who is, at once: {_BY_HAND}.",
        )
    reason = f"{person.name} says that this was not them: {word} {operation_id}"
    if await freezing.is_all_frozen(ports, person.name, reason):
        is_doubtful = freezing.is_all_frozen_here(ports, person.name, reason)
        return Disowned(operation_id, doubt=_NOT_YET if is_doubtful else "", is_news=False)
    trouble = doubt = ""
    try:
        taken = await freezing.freeze(ports, ALL, person.name, user_id, reason=reason)
        trouble, doubt = taken.trouble, taken.doubt
    except AlreadyFrozen:
        log.info("freeze.longer_already", site=ALL)  # which is what was asked for
    ports.alarm("word_disowned")
    log.error("alarm.word_disowned", operation=operation_id, what=word, person=person.name)
    return Disowned(operation_id, trouble, doubt)


async def tell_thread(ports: Ports, operation_id: str, message: Message) -> None:
    """Say something in the thread of an operation's card; what was done stands whether or not that succeeds."""
    try:
        card = await ports.operations.card(operation_id)
        if card is not None and card.is_posted:
            await ports.workspace.post(card.channel, message, thread_ts=card.ts)
    except BotError as error:
        log.warning("thread.untold", operation=operation_id, why=str(error))


def _own_words(ports: Ports, operation: Operation) -> Iterator[OwnWord]:
    asker = operation.requester
    spoken = [(REQUESTED, asker.person, asker.user_id, operation.created_at)]
    spoken += [(_PAST[vote.verb], vote.person, vote.user_id, vote.at) for vote in operation.votes]
    accounts = {person.name: person.slack for person in ports.rules.access.people.persons}
    for word, person, speaker, at in spoken:
        for told in dict.fromkeys((speaker, *accounts.get(person, ()))):
            yield OwnWord(word, speaker, told, at)


def _believed(ports: Ports, value: str, user_id: str) -> tuple[str, str]:
    """Return operation and word of a button that we gave to this account."""

    def signed(prefix: str, operation_id: str, word: str, told: str) -> tuple[str, ...]:
        return (prefix, ports.rules.access.workspace, operation_id, word, told)

    try:
        words = carried(ports, value, PREFIX, 4, signed)
    except NotPermitted as unknown_key:
        raise outlived(unknown_key, "frozen", _BY_HAND) from None
    if words is None or words[3] != user_id:
        instead = f"If something is done in your name, {_BY_HAND}, and tell whoever looks after security here."
        raise untrusted("frozen", instead)
    return words[1], words[2]


_NOT_YET = "The Redis replicas do not have it yet (E_STORE_NOT_DURABLE)."
_BY_HAND = "type `/registry freeze all because …`"
