"""What is said of a copy job: the offer with its two buttons, how it goes, and how it ended."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence

from bot.domain.copy_choice import NEWER, ON_ITS_WAY, UNCLEAR
from bot.domain.copy_job import MOST_ASKED, UNDER_WAY, Copy, CopyJob, Fate, Phase, Verdict
from bot.messages.blocks import Block, actions, button, compose, context, section, sections
from bot.messages.text import clock, code, escape, listed, mention, naming, plural, sentence, short, soon, stamp
from bot.ports import Message

COPY_BUTTON, DISMISS_BUTTON = "copies.start", "copies.dismiss"
SIMULATION = "SIMULATION · "
MISSING = "missing"
"""What somebody types who names no image."""
MOST_LISTED = 8
MOST_NAMED = 3
"""Images named for each reason of leaving some out."""
MOST_REASONS = 5
MOST_TASKS = 10
_DOUBTS = {NEWER: "NEWER", UNCLEAR: "perhaps newer"}
_HINTS = (
    (_DOUBTS, "To replace what may be newer there all the same, name exactly it"),
    ({ON_ITS_WAY}, "Where a copy under way is stuck, name exactly its image to have it copied again"),
)
"""What to do about an image that was left out for one of these reasons."""
Value = Callable[[CopyJob], tuple[str, str]]
"""Returns what the two buttons of an offer carry."""


def copy_card(job: CopyJob, value: Value, *, is_simulation: bool) -> Message:
    """Return the message of a job as it stands."""
    return _card(job, _buttons(job, value), is_simulation=is_simulation)


def copy_shown(job: CopyJob, *, is_simulation: bool) -> Message:
    """Return the same for whoever asks, without its buttons."""
    return _card(job, [], is_simulation=is_simulation)


def with_copies(message: Message, jobs: Sequence[CopyJob]) -> Message:
    """Return a list of operations with the copy jobs that are open."""
    if not jobs:
        return message
    lines = [f"• {code(job.id, 20)} {headline(job)}" for job in jobs]
    blocks = [*map(dict, message.blocks), section("*Copies of images*"), *sections(lines)]
    return compose(f"{message.text.rstrip('.')}, {plural(len(jobs), 'copy job')}", blocks)


def _card(job: CopyJob, buttons: Sequence[Block], *, is_simulation: bool) -> Message:
    said = f"{SIMULATION if is_simulation else ''}{headline(job)}"
    lines = _offered(job) if job.phase is Phase.OFFERED else _going(job)
    return compose(said, [section(f"*{said}*"), *sections(list(lines)), *buttons, context(_origin(job))])


def copy_outcome(job: CopyJob, *, is_simulation: bool) -> Message:
    """Return how a job ended, for whoever confirmed it: a reply is seen, an edit is not."""
    people = dict.fromkeys(filter(None, (job.started.user_id if job.started else "", job.user_id)))
    names = " ".join(map(mention, people))
    said = f"{SIMULATION if is_simulation else ''}{headline(job)}"
    return compose(f"{said} {names}", [section(f"*{said}*\n{names}"), *sections(list(_failures(job)))])


def nothing_to_copy(job: CopyJob) -> Message:
    """Return why there is nothing to confirm."""
    said = f"NOTHING TO COPY: {_what(job)}, {_why_nothing(job)}, {_way(job)}"
    blocks = [section(f"*{said}*"), *sections(list(_left_out(job))), context(f"Compared by digest: {escape(job.seen)}")]
    return compose(said, blocks)


def _why_nothing(job: CopyJob) -> str:
    """Say whether all is well: an image that stays missing must not read like one that is there."""
    reasons = list((job.left_counts or {}).items())
    if len(reasons) > 1:
        return "see what stands in the way"
    if reasons:
        reason, count = reasons[0]
        told = escape(short(reason, 100))
        return told if ":" in job.asked else f"{count:,} left out ({told})"
    there = f"{job.identical:,} there already" if job.identical else "none known to be missing"
    return f"{there}, {escape(job.seen)}" if job.asked == MISSING else there


def copies_offered(job: CopyJob, link: str | None) -> Message:
    """Tell the asker where the offer waits."""
    where = f"<{link}|confirm here>" if link and not set("|>") & set(link) else "confirm in this channel"
    waiting = plural(len(job.copies), "image waits", "images wait")
    text = f"{waiting}: confirm in this channel before {clock(job.expires_at)}"
    return compose(text, [section(f"{waiting}: {where} before {soon(job.expires_at)}.")])


def copies_decided(job: CopyJob) -> Message:
    """Tell a presser what was counted."""
    begun = f"started: {plural(len(job.copies), 'image')} {_way(job)}. Its message shows how it goes"
    counted = begun if job.phase is Phase.RUNNING else "dismissed: nothing is copied"
    return compose(f"{job.id} is {counted}.", [section(f"{code(job.id)} is {counted}.")])


def headline(job: CopyJob) -> str:
    """Return where a job stands in one line that makes sense on a lock screen."""
    count, counts = len(job.copies), job.counts()
    images = plural(count, "image")
    match job.phase:
        case Phase.OFFERED:
            return f"COPY {images} {_way(job)}{_over(job)}? Until {clock(job.expires_at)}"
        case Phase.DISMISSED:
            return f"DISMISSED: {images} not copied, {_way(job)}"
        case Phase.EXPIRED:
            return f"EXPIRED: nobody confirmed copying {images} {_way(job)}"
        case Phase.RUNNING:
            failed = f", {counts[Fate.FAILED]} failed" if counts[Fate.FAILED] else ""
            return f"COPYING: {counts[Fate.COPIED]} of {images} at {_name(job.target)}{failed} · {_scope(job)}"
    return _ended(job)


def _over(job: CopyJob) -> str:
    why = Counter(copy.why for copy in job.copies if copy.replaces)
    doubts = [f"{why[reason]:,} {word}" for reason, word in _DOUBTS.items() if why[reason]]
    told = f" ({', '.join(doubts)})" if doubts else ""
    return f", replacing {job.replaced:,} there{told}" if job.replaced else ""


def _ended(job: CopyJob) -> str:
    counts, count = job.counts(), len(job.copies)
    there = f"{counts[Fate.COPIED]} of {plural(count, 'image')} at {_name(job.target)}"
    parts = [
        "nothing copied" if job.verdict is Verdict.THERE else f"{job.found} there already" if job.found else "",
        f"{counts[Fate.FAILED]} failed" if counts[Fate.FAILED] else "",
        f"{counts[Fate.UNKNOWN]} unknown" if counts[Fate.UNKNOWN] else "",
        f"{counts[Fate.WAITING]} never sent" if counts[Fate.WAITING] else "",
        "seen by digest" if counts[Fate.COPIED] else "",
    ]
    return f"{job.verdict}: {', '.join([there, *filter(None, parts)])} · {_scope(job)}"


def _scope(job: CopyJob) -> str:
    return f"{_what(job)} from {_name(job.source)}"


def _way(job: CopyJob) -> str:
    return f"from {_name(job.source)} to {_name(job.target)}"


def _name(name: str) -> str:
    return escape(short(name, 60))


def _what(job: CopyJob) -> str:
    return "critical images" if job.asked == MISSING else escape(short(job.asked, 120))


def _offered(job: CopyJob) -> Iterator[str]:
    named = sorted(job.copies, key=lambda copy: not copy.replaces)[:MOST_LISTED]
    yield from (_replacing(copy, job) for copy in named if copy.replaces)
    for why in dict.fromkeys(copy.why for copy in named if not copy.replaces):
        ours = ", ".join(code(copy.image, 150) for copy in named if copy.why == why and not copy.replaces)
        because = f", {escape(short(why, 80))}" if why else ""
        yield f"*Missing*{because}: {ours}"
    if (left := len(job.copies) - len(named)) > 0:
        unnamed = job.replaced - sum(bool(copy.replaces) for copy in named)
        over = f", of which {unnamed:,} *replace* others" if unnamed else ""
        yield f"and {left:,} more{over}, in the thread"
    yield from _left_out(job)
    if job.rest:
        again = code(f"/registry sync {job.asked} from {job.source} to {job.target}")
        yield f"*{job.rest:,} more* than one job takes ({MOST_ASKED}): ask again when it is done, {again}"


def _replacing(copy: Copy, job: CopyJob) -> str:
    doubt = f": *{copy.why}*" if copy.why in _DOUBTS else ""
    return f"{code(copy.image, 150)} *replaces* {code(f'sha256:{copy.replaces[:12]}')} at {_name(job.target)}{doubt}"


def _left_out(job: CopyJob) -> Iterator[str]:
    for reason, count in sorted((job.left_counts or {}).items(), key=lambda entry: -entry[1]):
        named = [code(each.image, 120) for each in job.left_out if each.reason == reason][:MOST_NAMED]
        more = f" and {count - len(named):,} more" if count > len(named) else ""
        yield f"*Left out*, {escape(reason)}: {', '.join(named)}{more}"
    for reasons, hint in _HINTS:
        if image := next((each.image for each in job.left_out if each.reason in reasons), ""):
            yield f"{hint}: {code(f'/registry sync {image} from {job.source} to {job.target}')}"


def _going(job: CopyJob) -> Iterator[str]:
    counts = job.counts()
    if job.phase is Phase.RUNNING:
        under_way, waiting = counts[Fate.ENQUEUED] + counts[Fate.ASKED], counts[Fate.WAITING]
        moved = f", last progress {stamp(job.progressed_at)}" if job.progressed_at else ""
        said = f"{under_way} under way{f', {waiting} waiting' if waiting else ''}{moved}"
        yield f"{said}; ends after 30 min without any progress"
        if job.trouble:
            yield f"*Held up*, tried again by itself: {naming(sentence(job.trouble, 300))}"
    yield from _failures(job)


def _failures(job: CopyJob) -> Iterator[str]:
    """Name what failed by its reason, and at the end what was copied and the tasks of what is unknown."""
    failed = job.of(Fate.FAILED)
    reasons = list(dict.fromkeys(copy.reason for copy in failed))
    for reason in reasons[:MOST_REASONS]:
        yield f"{_some(copy for copy in failed if copy.reason == reason)}: {sentence(reason, 250)}"
    if (left := sum(copy.reason in reasons[MOST_REASONS:] for copy in failed)) > 0:
        yield f"and {left:,} more failed, in the thread"
    if job.phase is not Phase.ENDED:
        return
    arrived = job.of(Fate.COPIED)
    if copied := [copy for copy in arrived if not copy.was_there]:
        yield f"*Copied*: {_some(copied)}"
    if found := [copy for copy in arrived if copy.was_there]:
        yield f"*There already*: {_some(found)}"
    unknown = job.of(Fate.UNKNOWN, *UNDER_WAY)
    if unknown:
        tasks = listed((code(f"{copy.image} {copy.task_id or 'without a task'}", 200) for copy in unknown), MOST_TASKS)
        yield f"*Unknown*, without progress for 30 min: {tasks}"
    if waiting := job.of(Fate.WAITING):
        why = f": {naming(sentence(job.trouble, 200))}" if job.trouble else ""
        yield f"*Never sent*: {plural(len(waiting), 'image')}{why}"
    if len(arrived) < len(job.copies):
        again = code(f"/registry sync {job.asked} from {job.source} to {job.target}")
        yield f"To try what is still missing again: {again}"


def _some(copies: Iterable[Copy]) -> str:
    return listed((code(copy.image, 150) for copy in copies), MOST_LISTED)


def _buttons(job: CopyJob, value: Value) -> list[Block]:
    if job.phase is not Phase.OFFERED:
        return []
    start, dismiss = value(job)
    label, what = f"Copy {plural(len(job.copies), 'image')}", f"{job.id}, {_way(job)}"
    return [
        actions(
            button(label, COPY_BUTTON, start, f"{label}: {what}", "primary"),
            button("Dismiss", DISMISS_BUTTON, dismiss, f"Dismiss {what}"),
        )
    ]


def _origin(job: CopyJob) -> str:
    by = f" · confirmed by {mention(job.started.user_id)} {stamp(job.started.at)}" if job.started else ""
    seen = f" · {escape(job.seen)}" if job.phase is Phase.OFFERED and job.seen else ""
    return f"{code(job.id, 20)} · asked by {mention(job.user_id)}{by}{seen}"
