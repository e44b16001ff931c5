"""The first line of a card: what happened, what it means, what to do next, in words that a lock screen shows."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from bot.domain.drift import astray
from bot.domain.observation import CONFIRMED, Observed
from bot.domain.operation import Operation, State, SubState, Verb
from bot.domain.plan import Kind
from bot.domain.sighting import Sight
from bot.messages import plan as words
from bot.messages import unfreeze
from bot.messages.text import When, clock, code, escape, listed, mention, naming, plural, sentence, short, soon


@dataclass(frozen=True, slots=True)
class Headline:
    """Verdict or state, the sentence, and what follows from it."""

    word: str
    sentence: str
    then: tuple[str, ...] = ()

    def line(self) -> str:
        """Return it as one line, plain: a lock screen shows backticks as they are."""
        return " · ".join((f"{self.word}: {self.sentence}", *filter(None, self.then))).replace("`", "")

    def markup(self) -> str:
        """Return it as the first paragraph of a message."""
        then = " · ".join(filter(None, self.then))
        return f"*{self.word}*: {self.sentence}" + (f"\n{then[0].upper()}{then[1:]}" if then else "")


def first_line(operation: Operation, now: datetime) -> str:
    """Return the line that stands alone, with times in UTC."""
    return headline(operation, now, clock).line()


def first_paragraph(operation: Operation, now: datetime) -> str:
    """Return the same with times in the reader's own zone."""
    return headline(operation, now, soon).markup()


def headline(operation: Operation, now: datetime, when: When) -> Headline:
    """Say how an operation stands."""
    if operation.plan.kind is Kind.UNFREEZE:
        return _unfreeze(operation, when)
    said = _with_sightings(operation, _BY_STATE[operation.state](operation, now, when), when)
    return Headline(f"{words.simulated(operation.plan)}{said.word}", said.sentence, said.then)


def _with_sightings(operation: Operation, said: Headline, when: When) -> Headline:
    """Put first what a record holds now, where that is not what the operation left."""
    seen = astray(operation)
    if not seen:
        return said
    more = f". And {plural(len(seen) - 1, 'more record')}" if len(seen) > 1 else ""
    told = f"{_bare(operation, seen[0].sentence)}{more}"
    return Headline(f"{said.word}, BUT {changed_word(operation)}", told, (f"seen {when(seen[0].at)}", _STEPS))


def changed_word(operation: Operation) -> str:
    """Name what became of the records that do not hold what the operation left."""
    is_late = any(one.sight is Sight.LATE for one in astray(operation))
    return "WRITTEN LATE" if is_late else "CHANGED SINCE"


def _unfreeze(operation: Operation, when: When) -> Headline:
    verb = Verb.REJECT if operation.state is State.REJECTED else Verb.CANCEL
    word, told, then = unfreeze.said(operation, when, _wanted(operation), _by(operation, verb))
    return Headline(f"{words.simulated(operation.plan)}{word}", naming(told, words.people(operation)), then)


def _moves(operation: Operation) -> str:
    return f"pulls of {words.scope(operation.plan)} move {words.direction(operation.plan)}"


def _pending(operation: Operation, _now: datetime, when: When) -> Headline:
    missing = words.unknowns(operation.plan)
    return Headline(
        operation.plan.verdict,
        _moves(operation),
        (f"{_wanted(operation)} before {when(operation.expires_at)}", f"{missing} unknown" if missing else ""),
    )


def _wanted(operation: Operation) -> str:
    given = len(operation.approvals)
    left = max(operation.approvals_needed - given, 1)
    if not given and left == 1:
        return "needs a second person"
    others = "one more person" if left == 1 else f"{left} other people" if not given else f"{left} more people"
    return f"approved by {given}, needs {others}" if given else f"needs {others}"


def _approved(operation: Operation, _now: datetime, _when: When) -> Headline:
    waits = next((_bare(operation, one.note) for one in operation.progress if one.note.strip()), "")
    then = ("nothing is written yet", waits or "the write starts within 2 minutes")
    return Headline("APPROVED", _moves(operation), then)


def _applying(operation: Operation, _now: datetime, _when: When) -> Headline:
    then = (_applied(operation), "leave these records alone until this card ends")
    return Headline("APPLYING", _moves(operation), then)


def _verifying(operation: Operation, _now: datetime, _when: When) -> Headline:
    return Headline("VERIFYING", _moves(operation), ("written", "reading back once more"))


def _done(operation: Operation, _now: datetime, _when: When) -> Headline:
    if operation.has_failed_observation:
        failed = next(seen for seen in operation.observations if seen.outcome is Observed.FAILED)
        return Headline(
            "DONE, BUT A CHECK FAILED",
            f"{_points(operation)}, yet: {_bare(operation, failed.sentence)}",
            (f"way back: {_former_values(operation)}, {_STEPS}",),
        )
    standby = escape(short(operation.plan.to, 60))
    if operation.is_seen_working:
        moved = f"pulls of {words.scope(operation.plan)} now go to {standby}"
        return Headline("DONE", moved, (f"seen: DNS gives the new value, and {standby} answers under the custom name",))
    if not operation.is_observed:
        return Headline("DONE", _points(operation), ("waiting to see pulls arrive",))
    answers = f"{standby} answers under the custom name" if _is_confirmed(operation) else ""
    return Headline("DONE", _points(operation), (answers, "whether pulls work is not observed from here: try one"))


def _points(operation: Operation) -> str:
    count = len(operation.plan.changes)
    return (
        f"the {'record' if count == 1 else f'{count} records'} of {words.scope(operation.plan)} now "
        f"{'points' if count == 1 else 'point'} at {escape(short(operation.plan.to, 60))}"
    )


def _is_confirmed(operation: Operation) -> bool:
    seen = {o.change for o in operation.observations if o.name == CONFIRMED and o.outcome is Observed.OK}
    return seen >= set(range(len(operation.plan.changes)))


def _rejected(operation: Operation, _now: datetime, _when: When) -> Headline:
    return Headline("REJECTED", f"nothing was changed{_by(operation, Verb.REJECT)}", (_still(operation),))


def _cancelled(operation: Operation, _now: datetime, _when: When) -> Headline:
    return Headline("CANCELLED", f"nothing was changed{_by(operation, Verb.CANCEL)}", (_still(operation),))


def _by(operation: Operation, verb: Verb) -> str:
    vote = next((vote for vote in reversed(operation.votes) if vote.verb is verb), None)
    return f", {_PAST[verb]} by {mention(vote.user_id)}" if vote else ""


def _expired(operation: Operation, _now: datetime, _when: When) -> Headline:
    why = "approved, but not started within 2 minutes" if operation.approved_at else "nobody approved in time"
    return Headline("EXPIRED", f"nothing was changed, {why}", (f"ask again: {again(operation)}",))


def _stale(operation: Operation, _now: datetime, _when: When) -> Headline:
    why = _outcome(operation, "What the plan rests on is different now").removeprefix("Nothing was changed. ")
    return Headline("STALE", f"nothing was changed. {why}", (f"look, then ask again: {again(operation)}",))


def _failed(operation: Operation, _now: datetime, _when: When) -> Headline:
    why = _outcome(operation, "The write was refused")
    return Headline("FAILED", f"nothing was changed. {why}", (_still(operation), _STEPS))


def _partial(operation: Operation, _now: datetime, _when: When) -> Headline:
    # what moved comes before why: a lock screen shows the beginning alone
    then = (f"moved: {_vpcs(operation, applied=True)}", f"not moved: {_vpcs(operation, applied=False)}")
    told = f"{_applied(operation)}, {words.direction(operation.plan)}"
    return Headline("PARTIAL", told, (*then, _outcome(operation, "then a write failed"), _STEPS))


def _needs_human(operation: Operation, _now: datetime, _when: When) -> Headline:
    why = _outcome(operation, "Nobody can tell whether the write is in force")
    uncertain = f"where pulls of {words.scope(operation.plan)} go is not certain"
    return Headline("NEEDS A HUMAN", why, (uncertain, f"look at the record first, {_STEPS}"))


def _applied(operation: Operation) -> str:
    done = sum(progress.state is SubState.APPLIED for progress in operation.progress)
    return f"{done} of {plural(len(operation.plan.changes), 'record')} written"


def _vpcs(operation: Operation, *, applied: bool) -> str:
    pairs = zip(operation.plan.changes, operation.progress, strict=False)
    return _names(c.view.vpcs for c, p in pairs if (p.state is SubState.APPLIED) is applied)


def _names(groups: Iterable[tuple[str, ...]]) -> str:
    return escape(listed((short(vpc, 60) for group in groups for vpc in group), 3)) or "none"


def _outcome(operation: Operation, otherwise: str) -> str:
    said = operation.outcome
    for elsewhere in _SAID_BY_THE_FIRST_LINE:
        said = said.replace(elsewhere, "")
    return _bare(operation, said) if said.strip() else otherwise


def _bare(operation: Operation, outside: str) -> str:
    froze = _FROZE.search(outside)  # the first: what follows may be what somebody typed
    people = (*words.people(operation), *(froze.groups() if froze else ()))
    return naming(sentence(outside, 300), people).rstrip(".")


def _former_values(operation: Operation) -> str:
    return listed((code(change.restored_by(), 100) for change in operation.plan.changes), 2)


def _still(operation: Operation) -> str:
    return f"pulls of {words.scope(operation.plan)} go where they went"


def again(operation: Operation) -> str:
    """Return the command that asks for the same failover anew."""
    return words.command(operation.plan, operation.only)


def wants_hands(operation: Operation) -> bool:
    """Tell whether the card must carry the manual steps."""
    if operation.plan.kind is Kind.UNFREEZE:
        return False
    return operation.state in _ENDED_BADLY or operation.has_failed_observation or bool(astray(operation))


def show_manual(operation: Operation) -> str:
    """Return the command that shows the exact manual steps."""
    return escape(f"/registry show {short(operation.id, 20)} manual")


_ENDED_BADLY = {State.STALE, State.FAILED, State.PARTIAL, State.NEEDS_HUMAN}
_SAID_BY_THE_FIRST_LINE = ("Nothing was changed.", "Plan again.")
_FROZE = re.compile(r"frozen by <@(\w+)> since")
_STEPS = "manual steps on the card"
_PAST = {Verb.APPROVE: "approved", Verb.REJECT: "rejected", Verb.CANCEL: "cancelled"}
_BY_STATE: dict[State, Callable[[Operation, datetime, When], Headline]] = {
    State.PENDING: _pending,
    State.APPROVED: _approved,
    State.APPLYING: _applying,
    State.VERIFYING: _verifying,
    State.DONE: _done,
    State.REJECTED: _rejected,
    State.CANCELLED: _cancelled,
    State.EXPIRED: _expired,
    State.STALE: _stale,
    State.FAILED: _failed,
    State.PARTIAL: _partial,
    State.NEEDS_HUMAN: _needs_human,
}
