"""The card of an operation: what a colleague decides on in a minute, and afterwards the record of what happened."""

from collections.abc import Callable
from datetime import datetime

from bot.domain.draft import Draft
from bot.domain.freeze import Switches
from bot.domain.operation import HOLD, Operation, State, Verb
from bot.domain.plan import Kind, Level, Plan, Verdict
from bot.messages import plan as words
from bot.messages.blocks import Block, actions, button, compose, confirm, context, section, sections
from bot.messages.by_hand import manual_blocks
from bot.messages.freeze import fronted, relevant
from bot.messages.headline import Headline, first_line, first_paragraph, show_manual, wants_hands
from bot.messages.matrix import matrix
from bot.messages.record import (
    decision_lines,
    duration_line,
    observation_lines,
    progress_lines,
    story,
    unapplied_first,
)
from bot.messages.text import ago, code, mention, plural, stamp
from bot.messages.unfreeze import lifted_lines
from bot.ports import Message

Sign = Callable[[Operation, Verb], str]
"""Gives the value of a button."""

_SHOWN_MANUALLY = 3
THAWED = Switches()


def operation_card(operation: Operation, signer: Sign, now: datetime, switches: Switches = THAWED) -> Message:
    """Return the one message of an operation, as it stands, with what is frozen where that keeps it from going on."""
    body = _proposal(operation, now) if operation.state is State.PENDING else _record(operation, now)
    drawn = compose(first_line(operation, now), [*body, *_buttons(operation, signer)])
    return fronted(drawn, relevant(operation, switches), words.simulated(operation.plan))


def show(operation: Operation, now: datetime) -> Message:
    """Return everything that is known of an operation, without buttons."""
    body = _proposal(operation, now) if operation.state is State.PENDING else _record(operation, now)
    told = sections(story(operation))
    return compose(first_line(operation, now), [*body, *told, context(f"Full digest {code(operation.plan.digest)}")])


def draft_card(draft: Draft, now: datetime) -> Message:
    """Return what a failover would do and what speaks against it; nobody is asked for anything."""
    plan, taken_at = draft.plan, draft.snapshot.taken_at
    headline = _draft_headline(plan)
    what = [section(_next(draft)), *_rest_against(plan), *_changes(plan)]
    if plan.verdict is not Verdict.NO_GO:
        what = [*_changes(plan), *_against(plan), section(_next(draft))]
    blocks = [
        section(headline.markup()),
        *what,
        context(words.passed(plan.findings)),
        context(f"Looked {ago(taken_at, now)}, {stamp(taken_at)} · {words.zones(plan)}"),
    ]
    return compose(headline.line(), blocks)


def _against(plan: Plan) -> list[Block]:
    return [section(words.against(plan.findings))]


def _rest_against(plan: Plan) -> list[Block]:
    rest = words.but_the_first_block(plan.findings)
    return [section(words.against(rest))] if any(finding.level is not Level.PASS for finding in rest) else []


def _proposal(operation: Operation, now: datetime) -> list[Block]:
    plan = operation.plan
    may = f"May approve: any approver but {mention(operation.requester.user_id)}"
    if plan.kind is Kind.UNFREEZE:
        told = [*decision_lines(operation), *lifted_lines(plan)]
        return [section(first_paragraph(operation, now)), *sections(told), context(f"{may} · {_names(operation)}")]
    return [
        section(first_paragraph(operation, now)),
        *_changes(plan),
        *_against(plan),
        context(words.passed(plan.findings)),
        section("\n".join(decision_lines(operation))),
        context(f"{may} · {_way_back(operation)} · {_names(operation)}"),
    ]


def _record(operation: Operation, now: datetime) -> list[Block]:
    way_back = _way_back(operation) if operation.state is State.DONE and operation.plan.changes else ""
    return [
        section(first_paragraph(operation, now)),
        *(matrix(operation) if len(operation.plan.changes) > 1 else map(section, progress_lines(operation))),
        *_left_out(operation.plan),
        *sections(observation_lines(operation, now)),
        *_ending(operation),
        section("\n".join([*decision_lines(operation), *lifted_lines(operation.plan)])),
        context(" · ".join(filter(None, (duration_line(operation), way_back, _names(operation))))),
    ]


def _way_back(operation: Operation) -> str:
    return f"Way back: {code(show_manual(operation))}"


def _names(operation: Operation) -> str:
    plan = operation.plan
    return " · ".join(filter(None, (f"{code(operation.id, 20)} plan {code(words.digest(plan))}", words.zones(plan))))


def _ending(operation: Operation) -> list[Block]:
    if not wants_hands(operation):
        return []
    return [*_in_flight(operation), *manual_blocks(unapplied_first(operation), _SHOWN_MANUALLY)]


def _in_flight(operation: Operation) -> list[Block]:
    if not operation.has_unclean_write or operation.ended_at is None:
        return []
    until = stamp(operation.ended_at + HOLD)
    return [section(f"A write of the bot may still take effect until {until}. Write nothing by hand before that.")]


def _changes(plan: Plan) -> list[Block]:
    shown = [words.change_lines(change, plan.route) for change in plan.changes[: words.MOST_CHANGES]]
    return [*map(section, shown), *_left_out(plan)]


def _left_out(plan: Plan) -> list[Block]:
    left = len(plan.changes) - words.MOST_CHANGES
    return [section(f"And {plural(left, 'more record')}: ask for fewer with `only` to see each.")] if left > 0 else []


def _buttons(operation: Operation, signer: Sign) -> list[Block]:
    if operation.state is State.PENDING:
        return [actions(_approve(operation, signer), _reject(operation, signer), _cancel(operation, signer))]
    return [actions(_cancel(operation, signer))] if operation.state is State.APPROVED else []


def _approve(operation: Operation, signer: Sign) -> Block:
    noun = words.NOUNS[operation.plan.kind]
    pressed = button(
        "Approve",
        "operation.approve",
        signer(operation, Verb.APPROVE),
        f"Approve {noun} {operation.id} {words.aim(operation.plan)}",
        "primary",
    )
    question = f"{words.simulated(operation.plan)}Approve {noun} {words.aim(operation.plan)}?"
    return pressed | {"confirm": confirm(question, words.effect_in_words(operation.plan), "Approve", "Not now")}


def _reject(operation: Operation, signer: Sign) -> Block:
    value = signer(operation, Verb.REJECT)
    spoken = f"Reject {words.NOUNS[operation.plan.kind]} {operation.id}"
    return button("Reject", "operation.reject", value, spoken, "danger")


def _cancel(operation: Operation, signer: Sign) -> Block:
    value = signer(operation, Verb.CANCEL)
    return button("Cancel", "operation.cancel", value, f"Cancel {words.NOUNS[operation.plan.kind]} {operation.id}")


def _draft_headline(plan: Plan) -> Headline:
    missing = f"{words.unknowns(plan)} unknown" if words.unknowns(plan) else ""
    if plan.verdict is Verdict.NO_GO:
        what = f"{words.NOUNS[plan.kind]} {words.direction(plan)} is blocked: {words.first_block(plan.findings)}"
        return Headline(f"{words.simulated(plan)}NO-GO", what, ("nothing was changed, nobody was asked", missing))
    what = f"pulls of {words.scope(plan)} would move {words.direction(plan)}"
    return Headline(f"{words.simulated(plan)}{plan.verdict}", what, ("only a plan, nobody was asked", missing))


def _next(draft: Draft) -> str:
    plan = draft.plan
    if plan.verdict is Verdict.NO_GO:
        return "Mend it and ask again, or choose another standby (`to …`) or route (`via …`)."
    return f"To ask for it: {words.command(plan, draft.only)}"
