"""What happened to an operation: who, when, each change, each observation, how long."""

from collections.abc import Sequence
from datetime import datetime

from bot.domain.observation import Observation, Observed
from bot.domain.operation import Operation, Progress, State, Step, SubState, Verb, Vote
from bot.domain.plan import Change
from bot.messages import plan as words
from bot.messages.blocks import compose, section
from bot.messages.text import clock, code, escape, listed, mention, moment, naming, sentence, short, span, stamp
from bot.ports import Message

_OBSERVED = ("CONVERGED", "CONFIRMED")
_MEANING = {
    "CONVERGED": "the VPC's DNS gives the new value",
    "CONFIRMED": "the standby answers",
}
_PAST = {Verb.APPROVE: "Approved", Verb.REJECT: "Rejected", Verb.CANCEL: "Cancelled"}
_WRITE_STARTED = {State.APPLYING, State.VERIFYING, State.DONE, State.FAILED, State.PARTIAL, State.NEEDS_HUMAN}
MOST_STEPS = 30
MOST_VOTES = 8
MOST_OBSERVED = 12


def decision_lines(operation: Operation) -> list[str]:
    """Say who asked and why, and what others said to it."""
    asked = f"Asked by {mention(operation.requester.user_id)} {stamp(operation.created_at)}"
    why = f": {code(operation.reason, 300)}" if operation.reason.strip() else ", no reason given"
    return [f"{asked}{why}", *(_vote(vote) for vote in operation.votes[-MOST_VOTES:])]


def progress_lines(operation: Operation) -> list[str]:
    """Say what each change is and how far it got."""
    return [
        f"{words.change_lines(change, operation.plan.route)}\n{_progress(operation, index)}"
        for index, change in enumerate(operation.plan.changes)
    ]


def unapplied_first(operation: Operation) -> list[Change]:
    """Return the changes with those first that still wait for a hand."""
    indexes = sorted(range(len(operation.plan.changes)), key=lambda index: _is_applied(operation, index))
    return [operation.plan.changes[index] for index in indexes]


def observation_lines(operation: Operation, now: datetime) -> list[str]:
    """Say of each written change what was seen afterwards, or that nothing was."""
    if operation.state is not State.DONE and not operation.observations:
        return []
    lines = [
        _observation(operation, name, index, now)
        for index in range(len(operation.plan.changes))
        for name in _OBSERVED
        if _is_applied(operation, index)
    ]
    left = len(lines) - MOST_OBSERVED
    return [*lines[:MOST_OBSERVED], *([f"and {left:,} more"] if left > 0 else [])]


def duration_line(operation: Operation) -> str:
    """Say how long each part took."""
    written = [progress.applied_at for progress in operation.progress if progress.applied_at]
    marks = [
        ("decided", operation.created_at, operation.approved_at),
        ("written", operation.approved_at, max(written, default=None)),
        ("ended", operation.created_at, operation.ended_at),
    ]
    said = [f"{name} after {span(end - start)}" for name, start, end in marks if start and end]
    return ", ".join(said).capitalize()


def story(operation: Operation) -> list[str]:
    """Return the newest steps, oldest first."""
    seen = (Step(sighting.at, sighting.sentence) for sighting in operation.sightings)
    steps = sorted((*operation.steps, *seen), key=lambda step: step.at)
    left = len(steps) - MOST_STEPS
    earlier = [f"{left:,} earlier steps are left out."] if left > 0 else []
    return [*earlier, *(f"{moment(step.at)} {_told(operation, step)}" for step in steps[-MOST_STEPS:])]


def step_reply(operation: Operation, step: Step) -> Message:
    """Return one line of the story, for the card's thread."""
    word, told = words.simulated(operation.plan), _told(operation, step)
    return compose(f"{word}{clock(step.at)} {told}", [section(f"{word}{moment(step.at)} {told}")])


def _told(operation: Operation, step: Step) -> str:
    return naming(sentence(step.text, 600), words.people(operation))


def _vote(vote: Vote) -> str:
    why = f": {code(vote.reason, 300)}" if vote.reason.strip() else ""
    return f"{_PAST[vote.verb]} by {mention(vote.user_id)} {moment(vote.at)}{why}"


def _progress(operation: Operation, index: int) -> str:
    progress = _at(operation.progress, index)
    said = _SAID[progress.state]
    if progress.state is SubState.APPLIED and progress.applied_at:
        said = f"written and read back {moment(progress.applied_at)}"
    elif progress.state is SubState.WAITING and operation.is_terminal:
        return "Not written."
    note = f" {naming(sentence(progress.note, 300), words.people(operation))}" if progress.note.strip() else ""
    return f"*{progress.state}*: {said}.{note}{_requests(progress)}"


_SAID = {
    SubState.WAITING: "not written yet",
    SubState.CLAIMED: "being written now",
    SubState.APPLIED: "written and read back",
    SubState.FAILED: "not written",
    SubState.UNKNOWN: "nobody can tell whether it is written",
}


def _requests(progress: Progress) -> str:
    if progress.state is SubState.APPLIED or not progress.request_ids:
        return ""
    return f" Request {listed((code(i, 64) for i in progress.request_ids), 3)}."


def _is_applied(operation: Operation, index: int) -> bool:
    return _at(operation.progress, index).state is SubState.APPLIED


def _at(progress: Sequence[Progress], index: int) -> Progress:
    return progress[index] if index < len(progress) else Progress()


def _observation(operation: Operation, name: str, index: int, now: datetime) -> str:
    seen = next((o for o in operation.observations if (o.name, o.change) == (name, index)), None)
    where = _where(operation.plan.changes[index]) if len(operation.plan.changes) > 1 else ""
    if seen is None:
        is_watching = operation.watch_until is not None and now < operation.watch_until
        return f"*{name}*{where}: {'waiting' if is_watching else 'not observed'} ({_MEANING[name]})"
    return f"*{name}*{where}: {_seen(seen)}"


def _where(change: Change) -> str:
    return f" in {escape(listed((short(vpc, 60) for vpc in change.view.vpcs), 2))}"


def _seen(seen: Observation) -> str:
    word = f"*{seen.outcome}*" if seen.outcome is Observed.FAILED else str(seen.outcome)
    return f"{word} {moment(seen.at)}. {sentence(seen.sentence, 300)}"
