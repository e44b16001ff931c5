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
    lines = list(dict.fromkeys([*_lines(site, lookout, begun, limit), *_ended(site, lookout, over)]))
    asked = code(f"/registry replication from {site} to {(*begun, *over)[0].target}")
    ends = code(f"/registry unwatch {site}")
    blocks = [section(f"*{lines[0]}*"), *sections(lines[1:]), context(f"All of it: {asked} · no more of this: {ends}")]
    return compose("\n".join(lines), blocks)


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
            is_one = len(found) == 1 and found[0].subject
            ends = "it does not arrive by itself" if is_one else "they do not arrive by themselves"
            return [f"STUCK: {'; '.join(details)}; {ends}, {way}"]
        case Kind.UNCOVERED:
            names = listed((_name(each.subject) for each in found), MOST_NAMED)
            return [f"NO RULE: critical {names} copied by no rule, {way}"]
        case Kind.FAILING:
            return [f"RULE FAILS: {each}, {way}" for each in details]
        case Kind.BLIND:
            return [f"NOT READ: {each}, so what lags is not told here" for each in details]


def _ended(site: str, lookout: Lookout, over: Sequence[Concern]) -> list[str]:
    lines = []
    for target in dict.fromkeys(each.target for each in over):
        way = f"{_name(site)} to {_name(target)}"
        ours = [each for each in over if each.target == target]
        kinds = {each.kind for each in ours}
        lines += [f"RECOVERED: {_over(kind, ours, lookout)}, {way}" for kind in Kind if kind in kinds - {Kind.BLIND}]
        lines += [f"RECOVERED: {_name(each.subject)} is read again" for each in ours if each.kind is Kind.BLIND]
    return lines


def _over(kind: Kind, over: Sequence[Concern], lookout: Lookout) -> str:
    """Say what is over, by name where there is one, and what goes on, so that the end of one is not that of all."""
    target, subjects = over[0].target, [each.subject for each in over if each.kind is kind]
    named = listed(
        [*(_name(each) for each in subjects if each), *("others" for each in subjects if not each)], MOST_NAMED
    )
    left = [each for each in lookout.concerns if (each.kind, each.target) == (kind, target)]
    match kind:
        case Kind.LAG:
            is_stuck = any((each.kind, each.target) == (Kind.STUCK, target) for each in lookout.concerns)
            return f"no {'other ' if is_stuck else ''}critical image that a rule copies by itself waits too long"
        case Kind.STUCK:
            arrived = "has arrived or is gone" if len(subjects) == 1 and subjects[0] else "have arrived or are gone"
            return f"{named} {arrived}{_still(left, 'is still stuck', 'are still stuck')}"
        case Kind.FAILING:
            return f"rules that failed copy again, or are gone{_still(left, 'still fails', 'still fail')}"
    return f"a rule copies {named} now, or it is gone{_still(left, 'still has none', 'still have none')}"


def _still(left: Sequence[Concern], one: str, many: str) -> str:
    """Say how many go on; the one without a name, the last of those that are stuck, stands for any number."""
    if not left:
        return ""
    count = f"{len(left):,}" if left[-1].subject else f"more than {len(left) - 1:,}"
    return f"; {count} {one if len(left) == 1 else many}"


def watching(site: str, limit: timedelta, *, is_new: bool) -> Message:
    """Tell that a channel watches a site, and what it will be told."""
    state = "now watches" if is_new else "watches already"
    told = say(
        f"This channel {state} {_name(site)}: critical images that wait more than {span(limit)} for a standby or "
        "are stuck, critical repositories in no rule, rules that fail and sites that cannot be read are told here, "
        "once each, and when they recover."
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
