"""What channels that watch a site are told, and the receipts for who asked for it."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from bot.domain.concern import Concern, Kind, Lookout
from bot.messages.blocks import compose, context, say, section, sections
from bot.messages.text import code, escape, listed, short, span
from bot.ports import Message

MOST_NAMED = 5


def concerned(
    site: str, lookout: Lookout, begun: Sequence[Concern], over: Sequence[Concern], limit: timedelta
) -> Message:
    """Return what has come up and what is over, the first first."""
    lines = [*_lines(site, lookout, begun, limit), *_ended(site, lookout, over)]
    asked = code(f"/registry replication from {site} to {(*begun, *over)[0].target}")
    ends = code(f"/registry unwatch {site}")
    blocks = [section(f"*{lines[0]}*"), *sections(lines[1:]), context(f"All of it: {asked} · no more of this: {ends}")]
    return compose("\n".join(lines), blocks)


def _lines(site: str, lookout: Lookout, begun: Sequence[Concern], limit: timedelta) -> list[str]:
    lines = []
    for target in dict.fromkeys(each.target for each in begun):
        ours = [each for each in begun if each.target == target]
        way = f"{_name(site)} to {_name(target)}"
        for each in ours:
            detail = escape(short(lookout.concerns[each], 300))
            if each.kind is Kind.LAG:
                lines.append(f"LAG: {detail} without a copy, limit {span(limit)}, {way}")
            elif each.kind is Kind.STUCK:
                lines.append(f"STUCK: {detail}; it does not arrive by itself, {way}")
            elif each.kind is Kind.FAILING:
                lines.append(f"RULE FAILS: {detail}, {way}")
        uncovered = [each.subject for each in ours if each.kind is Kind.UNCOVERED]
        if uncovered:
            lines.append(f"NO RULE: critical {listed(map(_name, uncovered), MOST_NAMED)} copied by no rule, {way}")
    return lines


def _ended(site: str, lookout: Lookout, over: Sequence[Concern]) -> list[str]:
    lines = []
    for target in dict.fromkeys(each.target for each in over):
        way = f"{_name(site)} to {_name(target)}"
        ours = [each for each in over if each.target == target]
        kinds = dict.fromkeys(each.kind for each in ours)
        lines += [f"RECOVERED: {_over(kind, ours, lookout)}, {way}" for kind in Kind if kind in kinds]
    return lines


def _over(kind: Kind, over: Sequence[Concern], lookout: Lookout) -> str:
    """Say what is over, by name where there is one, and what goes on, so that the end of one is not that of all."""
    target = over[0].target
    left = sum((each.kind, each.target) == (kind, target) for each in lookout.concerns)
    match kind:
        case Kind.LAG:
            is_stuck = Concern(Kind.STUCK, target) in lookout.concerns
            return f"no {'other ' if is_stuck else ''}critical image that is copied by itself waits too long"
        case Kind.STUCK:
            return "every critical image that was stuck is there, gone, or not copied by itself"
        case Kind.FAILING:
            still = f"; {left:,} still {'fails' if left == 1 else 'fail'}" if left else ""
            return f"rules that failed copy again, or are gone{still}"
    named = listed((_name(each.subject) for each in over if each.kind is kind), MOST_NAMED)
    still = f"; {left:,} still {'has none' if left == 1 else 'have none'}" if left else ""
    return f"a rule copies {named} now, or it is gone{still}"


def watching(site: str, limit: timedelta, *, is_new: bool) -> Message:
    """Tell that a channel watches a site, and what it will be told."""
    state = "now watches" if is_new else "watches already"
    told = say(
        f"This channel {state} {_name(site)}: critical images that wait more than {span(limit)} for a standby or "
        "are stuck, critical repositories in no rule, and rules that fail are told here, once each, and when they "
        "recover."
    )
    return replace(told, in_channel=is_new)


def unwatched(site: str, *, was_watched: bool) -> Message:
    """Tell that a channel watches a site no more."""
    state = "no longer watches" if was_watched else "did not watch"
    return replace(say(f"This channel {state} {_name(site)}."), in_channel=was_watched)


def watches(sites: Sequence[str]) -> Message:
    """Tell what a channel watches."""
    if not sites:
        return say(f"This channel watches no site. {code('/registry watch <site>')} begins it.")
    return say(f"This channel watches {', '.join(map(_name, sites))}. {code('/registry unwatch <site>')} ends it.")


def _name(name: str) -> str:
    return escape(short(name, 100))
