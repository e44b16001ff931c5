"""A plan in words: what would change, what speaks against it and for it."""

from collections.abc import Iterable, Sequence

from bot.domain.operation import Operation
from bot.domain.plan import Change, Effect, Finding, Kind, Level, Plan
from bot.domain.topology import Route
from bot.messages import unfreeze
from bot.messages.blocks import CONFIRM_LIMIT
from bot.messages.text import code, escape, listed, plural, sentence, short

SHOWN_DIGEST = 12
MOST_FINDINGS = 12
MOST_LOSSES = 3
MOST_CHANGES = 20
NOUNS = {Kind.FAILOVER: "failover", Kind.UNFREEZE: "unfreeze"}
ROUTES = {Route.INTERNET: "over the internet", Route.INTERNAL: "over the private network"}
_WEIGHT = (Effect.BLOCKS, Effect.LOSS, Effect.WARNS, Effect.NONE)
_CHECKS = {"HOME_DOWN": "home seen failing"}
"""Names of checks whose code would read as bad news when it passed."""
_LABELS = {Effect.BLOCKS: "Blocks", Effect.LOSS: "Loss", Effect.WARNS: "Warning", Effect.NONE: "Note"}


def simulated(plan: Plan) -> str:
    """Return what the first line of every message about a simulated world begins with."""
    return "SIMULATION · " if plan.is_simulation else ""


def people(operation: Operation) -> tuple[str, ...]:
    """Return everybody who asked for an operation or voted on it: the only ones whom its messages may ping."""
    return tuple(dict.fromkeys((operation.requester.user_id, *(vote.user_id for vote in operation.votes))))


def command(plan: Plan, only: str) -> str:
    """Return what to type for such a failover; `only` is what the words narrowed it down to, if anything."""
    narrowed = f" only {short(only, 80)}" if only else ""
    return code(f"/registry failover {short(plan.away, 60)} to {short(plan.to, 60)} via {plan.route}{narrowed}")


def scope(plan: Plan) -> str:
    """Name the VPCs whose pulls move."""
    vpcs = [short(vpc, 60) for change in plan.changes for vpc in change.view.vpcs]
    return escape(listed(vpcs, 3)) or "no VPC"


def direction(plan: Plan) -> str:
    """Say where pulls come from and go to, or what is no longer frozen."""
    if plan.kind is Kind.UNFREEZE:
        return f"of {unfreeze.scope(plan)}"
    return f"from {escape(short(plan.away, 60))} to {escape(short(plan.to, 60))}"


def errand(plan: Plan) -> str:
    """Say what an operation is about, right after its id or state."""
    return f"{NOUNS[plan.kind]} {direction(plan)}" if plan.kind is Kind.UNFREEZE else direction(plan)


def aim(plan: Plan) -> str:
    """Say what an approval is for, in the two or three words of a button."""
    return direction(plan) if plan.kind is Kind.UNFREEZE else f"to {short(plan.to, 60)}"


def unknowns(plan: Plan) -> int:
    """Count what could not be found out."""
    return sum(finding.level is Level.UNKNOWN for finding in plan.findings)


def digest(plan: Plan) -> str:
    """Return the part of the digest that people compare."""
    return plan.digest[:SHOWN_DIGEST]


def change_lines(change: Change, route: Route) -> str:
    """Say exactly what one change does, the values below each other, as they rarely fit beside each other."""
    vpcs = listed((code(vpc, 60) for vpc in change.view.vpcs), 5)
    return (
        f"*{escape(short(change.view.domain, 253))}* in {vpcs}, {ROUTES[route]}\n"
        f"{code(change.existing.target)}, TTL {change.existing.ttl} s kept\n"
        f"→ {code(change.desired.target)}"
    )


def zones(plan: Plan) -> str:
    """Name the zones that hold the records."""
    return listed((f"zone {code(change.zone.zone_id, 64)}" for change in plan.changes), MOST_CHANGES)


def effect_in_words(plan: Plan) -> str:
    """Repeat the effect in a few words, and each loss, for the moment of the press."""
    if plan.kind is Kind.UNFREEZE:
        return unfreeze.effect(plan)
    moved = f"Pulls of {scope(plan)} move {direction(plan)}."
    lost = [f.sentence for f in plan.findings if f.effect is Effect.LOSS]
    if not lost:
        return f"{moved} {_values(plan.changes)}"
    room = max(30, (CONFIRM_LIMIT - len(moved) - 30) // min(len(lost), MOST_LOSSES) - len("Loss: "))
    more = [f"And {len(lost) - MOST_LOSSES:,} more on the card."] if len(lost) > MOST_LOSSES else []
    return "\n".join([moved, *(f"Loss: {sentence(text, room)}" for text in lost[:MOST_LOSSES]), *more])


def _values(changes: Sequence[Change]) -> str:
    if not changes:
        return ""
    first = changes[0]
    others = f", and {plural(len(changes) - 1, 'more record')}" if len(changes) > 1 else ""
    return f"{escape(short(f'{first.existing.target} becomes {first.desired.target}', 140))}{others}."


def against(findings: Iterable[Finding]) -> str:
    """List what speaks against, the heaviest first."""
    heavy = sorted((f for f in findings if f.level is not Level.PASS), key=lambda f: _WEIGHT.index(f.effect))
    lines = [_finding(finding) for finding in heavy[:MOST_FINDINGS]]
    if len(heavy) > MOST_FINDINGS:
        lines.append(f"• and {len(heavy) - MOST_FINDINGS:,} more")
    return "\n".join(lines or ["Nothing speaks against it."])


def first_block(findings: Iterable[Finding]) -> str:
    """Return the sentence of the first finding that blocks, without its full stop."""
    return next((sentence(f.sentence).rstrip(".") for f in findings if f.effect is Effect.BLOCKS), "")


def but_the_first_block(findings: Iterable[Finding]) -> list[Finding]:
    """Return what else there is to say where the first line has said the first block."""
    every = list(findings)
    first = next((index for index, f in enumerate(every) if f.effect is Effect.BLOCKS), len(every))
    return every[:first] + every[first + 1 :]


def _finding(finding: Finding) -> str:
    label = _LABELS[finding.effect] if finding.effect is not Effect.NONE or finding.level is not Level.UNKNOWN else ""
    doubt = "unknown" if finding.level is Level.UNKNOWN else ""
    return f"• *{', '.join(filter(None, (label, doubt))).capitalize()}*: {sentence(finding.sentence)}"


def _passing(findings: Iterable[Finding]) -> list[Finding]:
    return [finding for finding in findings if finding.level is Level.PASS]


def passed(findings: Iterable[Finding]) -> str:
    """Fold what speaks for it into one line."""
    names = [escape(short(_CHECKS.get(f.code, f.code), 40)).replace("_", " ").lower() for f in _passing(findings)]
    return f"{plural(len(names), 'check')} passed" + (f": {listed(names, 12)}." if names else ".")
