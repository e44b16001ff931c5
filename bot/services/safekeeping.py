"""What people are told of a word that counts, but that a failover of Redis may still lose.

Whoever acts on an approval need not know whether it was confirmed: a claim is a later write of the same stream, so the
replicas that confirm the claim have the approval too, and without them nothing is sent.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from bot.domain.operation import Verb
from bot.errors import Unconfirmed
from bot.ports import Ports

_VOTES = {Verb.APPROVE: "approval", Verb.REJECT: "rejection", Verb.CANCEL: "cancellation"}


def keeping_vote(ports: Ports, operation_id: str, verb: Verb) -> AbstractContextManager[None]:
    """Give an Unconfirmed of this vote words for whoever cast it."""
    return _keeping(
        ports,
        f"Your {_VOTES[verb]} of {operation_id}",
        f"Look at the card in a minute. To be sure, say it again by `/registry {verb} {operation_id}`: the answer says "
        "whether it is safe by then.",
    )


def keeping_request(ports: Ports, operation_id: str) -> AbstractContextManager[None]:
    """Give an Unconfirmed of this request words for whoever made it."""
    return _keeping(
        ports,
        f"Your request {operation_id}",
        f"Its card follows. If `/registry show {operation_id}` does not find it in a minute, ask again.",
    )


@contextmanager
def _keeping(ports: Ports, what: str, advice: str) -> Iterator[None]:
    try:
        yield
    except Unconfirmed as error:
        ports.wake()  # it counts for now, and the card is where people see what came of it
        sentence = f"{what} is recorded, but it is lost if Redis fails over now. {error} {advice}"
        raise Unconfirmed(sentence, code=error.code) from error
