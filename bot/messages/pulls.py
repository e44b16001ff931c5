"""What pulls of a target's images meet, as `deep` finds it."""

from datetime import datetime

from bot.domain.pulling import DeepReport, Flaw
from bot.messages.blocks import compose, context, section
from bot.messages.text import ago, code, escape, plural, sentence, short, stamp
from bot.ports import Message

MOST_FLAWS = 10


def broken(deep: DeepReport | None) -> str:
    """Return what must be said before everything else: an image that is listed and cannot be pulled is lost as well."""
    if deep is None or not deep.found.flawed:
        return ""
    return f"BROKEN: {plural(deep.found.flawed, 'tag')} of {_name(deep)} cannot be pulled whole. "


def looking(deep: DeepReport, now: datetime) -> Message:
    """Return how far the look at what pulls meet has come."""
    done = f"{deep.done:,} of {plural(deep.total, 'repository', 'repositories')}"
    found = f", {plural(deep.found.flawed, 'broken tag')} so far" if deep.found.flawed else ""
    said = f"PULLING from {_name(deep)}: {done}{found}"
    return compose(said, [section(f"*{said}*"), context(f"As of {stamp(now)}")])


def pull_lines(deep: DeepReport | None, now: datetime) -> list[str]:
    """Return how many images came whole, and what was wrong with the others."""
    if deep is None:
        return []
    if deep.interrupted and not deep.total:
        return [f"*Pulls from {_name(deep)}*: not looked at. {sentence(deep.interrupted, 200)}"]
    found = deep.found
    counts = (
        (found.flawed, "broken"),
        (found.changed, "changed since they were listed"),
        (found.unanswered, "without an answer"),
    )
    said = [
        f"{found.sound:,} of {plural(found.tags, 'tag')} sound",
        *(f"{count:,} {word}" for count, word in counts if count),
    ]
    images = f"{plural(found.children, 'platform image')} and " if found.children else ""
    looked = f"{images}{plural(found.layers, 'layer')} looked at"
    at = f", asked of {code(deep.at, 100)}" if deep.at else ""
    lines = [f"*Pulls from {_name(deep)}*: {', '.join(said)}; {looked}{at}, {ago(deep.taken_at, now)}"]
    lines += [f"• {_flaw(flaw)}" for flaw in found.flaws[:MOST_FLAWS]]
    left = found.flawed + found.changed + found.unanswered - len(lines) + 1
    return [*lines, *([f"and {left:,} more"] if found.flaws and left > 0 else []), *_gaps(deep)]


def _flaw(flaw: Flaw) -> str:
    detail = f": {escape(short(flaw.detail, 150))}" if flaw.detail else ""
    return f"{code(flaw.image, 150)} {flaw.trouble}{detail}"


def _gaps(deep: DeepReport) -> list[str]:
    said = []
    if deep.interrupted:
        said.append(f"Broken off after {deep.done:,} of {deep.total:,}: {sentence(deep.interrupted, 200)}")
    if deep.never_listed:
        never = plural(deep.never_listed, "repository", "repositories")
        said.append(f"{never} could not be looked at: nobody knows their tags.")
    return said


def _name(deep: DeepReport) -> str:
    return escape(short(deep.side.site.name, 60))
