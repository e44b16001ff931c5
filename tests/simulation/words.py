"""What people were told is kept: an acknowledged word outlives every failover, or it was said that it may not."""

from dataclasses import dataclass, field

from bot.domain.freeze import Freeze
from bot.domain.grammar import split
from bot.domain.operation import Verb
from bot.listeners.deliveries import Delivery
from bot.listeners.desk import Reply
from bot.ports import Commit
from tests.simulation.judge import Judge
from tests.simulation.redis import FIRST_STORE, WitnessedStore

DOUBTS = ("not safe yet", "only this bot knows")


def is_claim(commit: Commit) -> bool:
    """Tell whether a commit lets its bot write to the cloud."""
    return commit.audit.get("event") == "claimed"


@dataclass
class Words:
    """Every vote and freeze that somebody was told of without a doubt."""

    judge: Judge
    votes: list[tuple[str, Verb, str]] = field(default_factory=list)
    freezes: list[Freeze] = field(default_factory=list)

    def told(self, delivery: Delivery, reply: Reply) -> None:
        """Remember what an answer promises, and look whether it is so by now."""
        redis, user = self.judge.redis, delivery.visitor.user_id
        if reply.outcome != "answered" or not redis.has_replica or redis.serving.identity != FIRST_STORE:
            return
        person = self.judge.accesses[-1].people.person(user)
        if person is not None and (vote := _vote(delivery)) is not None:
            self.votes.append((*vote, person.name))
            self._require_votes(redis.serving.store, self.votes[-1:])
        if reply.message and _is_of_freeze(delivery) and not any(doubt in reply.message.text for doubt in DOUBTS):
            frozen = redis.serving.store._freezes.values()
            self.freezes += [freeze for freeze in frozen if freeze.user_id == user]

    def failed_over(self, before: WitnessedStore, after: WitnessedStore) -> None:
        """Look whether the new primary has all of it; freezes may have ended on the old one."""
        if self.judge.redis.serving.identity != FIRST_STORE:
            return  # everything was lost when Redis came back empty, and people know
        self._require_votes(after, self.votes)
        lost = [f.scope for f in self.freezes if f in before._freezes.values() and f not in after._freezes.values()]
        self.judge.require(not lost, "I16", f"people were told that this is frozen, and it was lost: {lost}")

    def _require_votes(self, store: WitnessedStore, votes: list[tuple[str, Verb, str]]) -> None:
        for operation_id, verb, person in votes:
            stored = store._stored.get(operation_id)
            kept = {(vote.verb, vote.person) for vote in stored.operation().votes} if stored else set()
            sentence = f"{person} was told that {verb} {operation_id} counts, and it was lost"
            self.judge.require((verb, person) in kept, "I16", sentence)


def _vote(delivery: Delivery) -> tuple[str, Verb] | None:
    """Return the operation and what is said of it, where a delivery is a vote."""
    words = delivery.value.split("|")[:2] if delivery.action_id else split(delivery.text)[0]
    return (words[1], Verb(words[0])) if len(words) > 1 and words[0] in set(Verb) else None


def _is_of_freeze(delivery: Delivery) -> bool:
    return delivery.text.startswith("freeze")
