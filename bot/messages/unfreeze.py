"""A request to lift a freeze in words: what would go on again, and who had stopped it."""

from bot.domain.freeze import STILL_FROZEN, Freeze
from bot.domain.operation import Operation, State
from bot.domain.plan import Plan
from bot.messages.freeze import scope_words, who
from bot.messages.text import When, code, sentence, short, stamp

MOST_LIFTED = 5


def said(operation: Operation, when: When, wanted: str, by: str) -> tuple[str, str, tuple[str, ...]]:
    """Return the word, the sentence and what follows for the first line; `by` is who rejected or cancelled."""
    what = f"the freeze of {scope(operation.plan)}"
    kept = f"{what} is not lifted"
    again = f"ask again: {code(f'/registry unfreeze {short(operation.plan.away, 60)} because …')}"
    match operation.state:
        case State.PENDING:
            return "ASKED", f"lift {what}", (f"{wanted} before {when(operation.expires_at)}",)
        case State.APPROVED:
            return "APPROVED", f"{what} is lifted within seconds", ()
        case State.DONE:
            return "UNFROZEN", scope(operation.plan), (_free(operation),)
        case State.EXPIRED:
            why = (
                "approved, but not carried out within 2 minutes" if operation.approved_at else "nobody approved in time"
            )
            return "EXPIRED", f"{kept}, {why}", (again,)
        case State.STALE:
            return "STALE", f"{kept}. {_why(operation)}".rstrip(". "), (again,)
        case state:
            return str(state), f"{kept}{by}", ()


def lifted_lines(plan: Plan) -> list[str]:
    """Say of each freeze that would be lifted who set it, and why."""
    return [_line(freeze) for freeze in plan.lifts[:MOST_LIFTED]]


def effect(plan: Plan) -> str:
    """Repeat the effect in a few words for the moment of the press."""
    reasons = [f" Frozen because: {sentence(freeze.reason, 150)}" for freeze in plan.lifts if freeze.reason]
    return f"Failovers from and to {scope(plan)} can be asked for and carried out again.{''.join(reasons[:1])}"


def scope(plan: Plan) -> str:
    """Name what is frozen."""
    return scope_words(freeze.scope for freeze in plan.lifts)


def _free(operation: Operation) -> str:
    if operation.outcome.startswith(STILL_FROZEN):
        return f"still frozen: {_why(operation).removeprefix(STILL_FROZEN).rstrip('.')}"
    return "failovers can be asked for, approved and written again"


def _why(operation: Operation) -> str:
    return sentence(operation.outcome.replace("Nothing was lifted.", "").strip(), 300)


def _line(freeze: Freeze) -> str:
    until = f", would end {stamp(freeze.until)}" if freeze.until else ", without an end"
    why = f": {code(freeze.reason, 300)}" if freeze.reason else ""
    return f"Frozen: {scope_words([freeze.scope])}, by {who(freeze)} {stamp(freeze.at)}{until}{why}"
