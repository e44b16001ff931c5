"""What channels that watch a site are told, and the receipts for who asked for it."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import timedelta

from bot.domain.concern import TRIED, Concern, Kind, Lookout
from bot.messages.blocks import compose, context, say, section, sections
from bot.messages.text import code, escape, listed, short, span
from bot.ports import Message

MOST_NAMED = 5
LONGEST_NAME = 230
"""As long as namespace, repository and tag may be together: a cut name might be anything's."""


def concerned(
    site: str,
    lookout: Lookout,
    begun: Sequence[Concern],
    over: Sequence[Concern],
    left: Collection[Concern],
    limit: timedelta,
) -> Message:
    """Return what has come up and what is over, the first first; `left` is all that goes on."""
    lines = list(dict.fromkeys([*_lines(site, lookout, begun, limit), *_ended(site, over, left)]))
    asked = code(f"/registry replication from {site} to {(*begun, *over)[0].target}")
    ends = code(f"/registry unwatch {site}")
    first, *others = lines
    head, _, rest = first.partition("\n")
    said = [section("\n".join(filter(None, (f"*{head}*", rest)))), *sections(others)]
    return compose("\n".join(lines), [*said, context(f"All of it: {asked} · no more of this: {ends}")])


def _lines(site: str, lookout: Lookout, begun: Sequence[Concern], limit: timedelta) -> list[str]:
    lines = []
    for target in dict.fromkeys(each.target for each in begun):
        way = f"{_name(site)} to {_name(target)}"
        for kind in Kind:
            found = [each for each in lookout.concerns if each in begun and (each.kind, each.target) == (kind, target)]
            lines += _begun(found, [escape(short(lookout.concerns[each], 300)) for each in found], limit, way)
    return lines


def _begun(found: Sequence[Concern], details: Sequence[str], limit: timedelta, way: str) -> list[str]:
    """Say what has come up of one kind in one direction."""
    if not found:
        return []
    match found[0].kind:
        case Kind.LAG:
            return [f"LAG: {each} without a copy, limit {span(limit)}, {way}" for each in details]
        case Kind.STUCK:
            return [_stuck(details, way)]
        case Kind.UNCOVERED:
            names = listed((_name(each.subject) for each in found), MOST_NAMED)
            return [f"NO RULE: critical {names} copied by no rule, {way}"]
        case Kind.FAILING:
            return [f"RULE FAILS: {each}, {way}" for each in details]
        case Kind.BLIND:
            return [f"NOT READ: {each}, so what lags is not told here" for each in details]


def _stuck(details: Sequence[str], way: str) -> str:
    if len(details) == 1:
        is_tried_anew = details[0].endswith(TRIED)  # and may arrive by itself
        return f"STUCK: {details[0]}{'' if is_tried_anew else '; it does not arrive by itself'}, {way}"
    rest = [f"and {len(details) - MOST_NAMED:,} more"] if len(details) > MOST_NAMED else []
    head = f"STUCK: {len(details):,} critical images do not arrive by themselves, {way}"
    return "\n".join([head, *(f"• {each}" for each in details[:MOST_NAMED]), *rest])


def _ended(site: str, over: Sequence[Concern], left: Collection[Concern]) -> list[str]:
    lines = []
    for target in dict.fromkeys(each.target for each in over):
        way = f"{_name(site)} to {_name(target)}"
        ours = [each for each in over if each.target == target]
        kinds = {each.kind for each in ours}
        lines += [f"RECOVERED: {_over(kind, ours, left)}, {way}" for kind in Kind if kind in kinds - {Kind.BLIND}]
        lines += [f"RECOVERED: {_name(each.subject)} is read again" for each in ours if each.kind is Kind.BLIND]
    return lines


def _over(kind: Kind, over: Sequence[Concern], left: Collection[Concern]) -> str:
    """Say what is over, by name where there is one, and what goes on, so that the end of one is not that of all."""
    target, subjects = over[0].target, [each.subject for each in over if each.kind is kind]
    named = listed(map(_name, subjects), MOST_NAMED)
    more = sum((each.kind, each.target) == (kind, target) for each in left)
    match kind:
        case Kind.LAG:
            is_stuck = any((each.kind, each.target) == (Kind.STUCK, target) for each in left)
            return f"no {'other ' if is_stuck else ''}critical image that a rule copies by itself waits too long"
        case Kind.STUCK:
            are = "is" if len(subjects) == 1 else "are"
            return f"{named} {are} no longer stuck{_still(more, 'still is', 'still are')}"
        case Kind.FAILING:
            return f"rules that failed copy again, or are gone{_still(more, 'still fails', 'still fail')}"
    return f"a rule copies {named} now, or it is gone{_still(more, 'still has none', 'still have none')}"


def _still(count: int, one: str, many: str) -> str:
    return f"; {count:,} {one if count == 1 else many}" if count else ""


def watching(site: str, limit: timedelta, *, is_new: bool) -> Message:
    """Tell that a channel watches a site, and what it will be told."""
    state = "now watches" if is_new else "already watches"
    told = say(
        f"This channel {state} {_name(site)}: critical images that a standby lacks for more than {span(limit)}, "
        "waiting or stuck, critical repositories in no rule, rules that fail and sites that cannot be read are told "
        "here, once each, and when they recover."
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
    return escape(short(name, LONGEST_NAME))
