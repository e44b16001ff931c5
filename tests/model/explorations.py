"""What is explored: the protocol within several bounds, and each of its guards taken away."""

from dataclasses import dataclass, field

from bot.domain.operation import Event, State
from tests.model.rules import Bounds, Guards
from tests.model.search import Found, explore
from tests.model.worlds import Table, product_table

QUIET = Bounds(crashes=0, losses=0)
LOSS = Bounds(crashes=0)


@dataclass(frozen=True, slots=True)
class Exploration:
    """One run of the search."""

    bounds: Bounds
    guards: Guards = field(default_factory=Guards)
    moves: tuple[tuple[State, Event, State], ...] = ()
    """Added to the product's table."""

    def run(self) -> Found:
        """Explore."""
        return explore(self.guards, self.bounds, self._table())

    def _table(self) -> Table:
        return product_table() | {(before.value, event): after.value for before, event, after in self.moves}


PROTOCOL = {
    "a crash and a lost acknowledged write": Exploration(Bounds()),
    "two changes and a crash": Exploration(Bounds(records=2, losses=0, resends=0)),
    "two changes, a third party and refusals": Exploration(
        Bounds(records=2, crashes=0, losses=0, resends=0, edits=1, refusals=True)
    ),
    "a third party and a crash": Exploration(Bounds(losses=0, edits=1, resends=0)),
    "people who cancel or reject, and another policy": Exploration(Bounds(people=True, policies=1, losses=0)),
    "the kill switch": Exploration(Bounds(crashes=0, losses=0, freezes=1)),
    "people's words and a lost write": Exploration(Bounds(crashes=0, resends=0, people=True)),
}
"""Within the minutes of `make test`."""

DEEP = {
    "two crashes and two lost writes": Exploration(Bounds(crashes=2, losses=2)),
    "longer spans": Exploration(Bounds(lease=3, deadline=2, life=2, hold=3)),
    "more claims and sends": Exploration(Bounds(claims=3, resends=2, losses=0)),
    "two changes, a crash and a lost write": Exploration(Bounds(records=2, resends=0)),
    "two changes, a third party and a crash": Exploration(Bounds(records=2, losses=0, resends=0, edits=1)),
    "two edits, a crash and refusals": Exploration(Bounds(losses=0, edits=2, refusals=True)),
    "everybody at once": Exploration(
        Bounds(losses=0, resends=0, edits=1, policies=1, freezes=1, people=True, refusals=True)
    ),
    "the kill switch, a crash and a lost write": Exploration(Bounds(freezes=1, resends=0)),
    "another policy, a crash and a lost write": Exploration(Bounds(people=True, policies=1, resends=0)),
    "no lease at all": Exploration(Bounds(crashes=0), Guards(lease_before_takeover=False)),
}
"""Within an hour."""

WITHOUT = {
    "random tokens": Exploration(Bounds(crashes=0, resends=0), Guards(random_token=False)),
    "reading the claim back": Exploration(LOSS, Guards(reread=False)),
    "WAIT": Exploration(LOSS, Guards(wait=False)),
    "WAIT for what people say": Exploration(Bounds(crashes=0, people=True), Guards(wait_for_words=False)),
    "WAIT for a freeze": Exploration(Bounds(crashes=0, freezes=1), Guards(wait_for_words=False)),
    "a deadline for the send": Exploration(QUIET, Guards(deadline=False)),
    "a hold after an unclear write": Exploration(QUIET, Guards(hold=False)),
    "a hold as long as a write may live": Exploration(Bounds(crashes=0, losses=0, life=2, hold=1)),
    "comparing versions": Exploration(QUIET, Guards(version=False)),
    "a stamp beside the version": Exploration(LOSS, Guards(stamp=False)),
    "comparing the before-image": Exploration(Bounds(crashes=0, losses=0, edits=1), Guards(before_image=False)),
    "a second person": Exploration(QUIET, Guards(second_person=False)),
    "an end to an unused approval": Exploration(QUIET, Guards(approval_lapses=False)),
    "doubt about what a crashed owner sent": Exploration(QUIET, Guards(takeover_is_unclean=False)),
    "doubt about a write without an answer": Exploration(QUIET, Guards(silence_is_unclean=False)),
    "telling silence from refusal": Exploration(QUIET, Guards(silence_is_no_failure=False)),
    "a second claim to settle what the first left": Exploration(Bounds(crashes=0, losses=0, claims=1)),
    "reading back": Exploration(QUIET, Guards(read_back=False)),
    "a look at the kill switch after the claim": Exploration(
        Bounds(crashes=0, losses=0, freezes=1), Guards(freeze_before_write=False)
    ),
    "the policy at a takeover": Exploration(Bounds(crashes=0, losses=0, policies=1), Guards(policy_at_takeover=False)),
    "an end to cancelling": Exploration(
        Bounds(crashes=0, losses=0, people=True), moves=((State.APPLYING, Event.CANCEL, State.CANCELLED),)
    ),
    "an end that is final": Exploration(
        Bounds(crashes=0, losses=0, people=True), moves=((State.DONE, Event.CANCEL, State.CANCELLED),)
    ),
}
"""Each must break something, or the search would not see it break either."""
