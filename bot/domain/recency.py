"""Say which side of an image that differs is newer, and say it only where it is proven.

The push time of an image that was copied is the time of the copy. So whichever side has the later one may hold
something newer, or an older image that arrived late: only when the tasks reach back far enough before that moment for
every copy of then, and show none, whoever sent it, is that side called newer. A source to which no rule copies needs no
such proof: only copies by hand could have written there.
"""

from datetime import datetime
from typing import NamedTuple

from bot.domain.both_ends import Rules
from bot.domain.differences import Difference, Newer
from bot.domain.filters import Match, matches
from bot.domain.rule_match import both, reaching
from bot.domain.snapshot import SyncTask, Unknown
from bot.domain.task_book import TaskBook


class Ruling(NamedTuple):
    """Which side is newer and why; `writer` is a copy that may explain the later push time.

    `is_untraced`: the target's is dated later, and too few tasks are known to tell whether by a copy.
    """

    newer: Newer
    reason: str
    writer: SyncTask | None = None
    is_untraced: bool = False


class Recency:
    """Rules on images that differ between two instances; `inbound` are the rules that copy to the source."""

    def __init__(self, ends: tuple[str, str], inbound: Rules, tasks: TaskBook) -> None:
        self._source, self._target = ends
        self._inbound, self._tasks = inbound, tasks

    def __call__(self, difference: Difference) -> Ruling:
        """Rule on one image."""
        pushed_at, written_at = (tag.pushed_at if tag else None for tag in (difference.source, difference.target))
        if pushed_at is None or written_at is None:
            return Ruling(Newer.UNCLEAR, "a push time is missing")
        if written_at < pushed_at:
            return self._later_source(difference, pushed_at)
        return self._later_target(difference.image, written_at)

    def _later_target(self, image: str, written_at: datetime) -> Ruling:
        if writer := self._tasks.writer(image, self._target, written_at):
            return Ruling(Newer.UNCLEAR, "a copy may have written the target's image", writer)
        if gap := self._tasks.gap(image, written_at):
            return Ruling(Newer.UNCLEAR, f"{gap}, so a late copy may explain it", is_untraced=True)
        if self._tasks.is_under_way(image, self._target):
            return Ruling(Newer.UNCLEAR, "a copy is under way and may explain it")
        why = "the target's image was written after the source's last push, and no copy explains it"
        return Ruling(Newer.TARGET, why)

    def _later_source(self, difference: Difference, pushed_at: datetime) -> Ruling:
        image = difference.image
        if writer := self._tasks.writer(image, self._source, pushed_at):
            return Ruling(Newer.UNCLEAR, "a copy may have written the source's image", writer)
        if self._may_be_copied_here(difference):
            if gap := self._tasks.gap(image, pushed_at):
                return Ruling(Newer.UNCLEAR, f"{gap}, so the source's image may be a late copy")
            if self._tasks.is_under_way(image, self._source):
                return Ruling(Newer.UNCLEAR, "a copy to the source is under way and may explain it")
        return Ruling(Newer.SOURCE, "the target's image was written before the source's last push")

    def _may_be_copied_here(self, difference: Difference) -> bool:
        """Tell whether some rule may have copied this image to the source."""
        if isinstance(self._inbound, Unknown):
            return True
        rules = reaching(self._inbound, difference.path)
        return any(both(match, matches(rule.tag_filter, difference.tag)) is not Match.NO for rule, match in rules)
