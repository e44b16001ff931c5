"""Which images a copy job takes, and why it leaves others out: nothing is overwritten that may be newer.

A tag that names another image at the target is replaced only where the source's push is proven to be the later one, or
where somebody named exactly this tag; either way the list that is confirmed says so.
"""

import heapq
from collections import Counter
from collections.abc import Mapping

from bot.domain.copy_job import MOST_ASKED, Copy, LeftOut
from bot.domain.differences import Cause, Difference, Likeness, Namespaces, Newer, homeless

MOST_LEFT_OUT = 1_000
"""Images left out that are kept by name; all are counted."""
NEWER = "newer at the target"
UNCLEAR = "which one is newer is not proven"
IMMUTABLE = "the target's tag is immutable and names another image"
ON_ITS_WAY = "its copy is under way"
EXTRA = "only at the target"
NOT_TAKEN: Mapping[str, str] = {}


class Choice:
    """Takes in one difference after the other; `exact` is the tag that was named, if one was.

    `taken` are images that other jobs copy, each with its job. The target's `namespaces` are asked first: rules may say
    nothing of an image that no rule copies. Memory does not grow with the images: the first by age are kept, the others
    counted.
    """

    def __init__(self, exact: str | None = None, taken: Mapping[str, str] = NOT_TAKEN, most: int = MOST_ASKED) -> None:
        self.exact, self._taken, self._most = exact, taken, most
        self.namespaces: Namespaces = None
        self._chosen: list[tuple[tuple[float, str], Copy]] = []
        self._wanted = 0
        self.left_out: list[LeftOut] = []
        self.left_counts: Counter[str] = Counter()

    def add(self, difference: Difference) -> None:
        """Take in one image that is not the same on both sides."""
        if self.exact is not None and difference.tag != self.exact:
            return
        if reason := self._hindrance(difference):
            self.left_counts[reason] += 1
            if len(self.left_out) < MOST_LEFT_OUT:
                self.left_out.append(LeftOut(difference.image, reason))
            return
        self._wanted += 1
        self._keep(difference)

    @property
    def rest(self) -> int:
        """Return how many more there are than one job takes."""
        return self._wanted - len(self._chosen)

    def copies(self) -> tuple[Copy, ...]:
        """Return what is to be copied, the oldest push first."""
        return tuple(copy for _, copy in sorted(self._chosen, key=lambda entry: (-entry[0][0], entry[0][1])))

    def _hindrance(self, difference: Difference) -> str:
        """Return why an image is left out, or nothing."""
        if job_id := self._taken.get(difference.image):
            return f"{job_id} copies it"
        if self.exact is not None:
            return _impossible(difference, self.namespaces)
        return hindrance(difference, self.namespaces)

    def _keep(self, difference: Difference) -> None:
        pushed = difference.pushed_at.timestamp() if difference.pushed_at else float("inf")
        entry = ((-pushed, difference.image), _copy(difference))
        if len(self._chosen) < self._most:
            heapq.heappush(self._chosen, entry)
        else:
            heapq.heappushpop(self._chosen, entry)


def hindrance(difference: Difference, namespaces: Namespaces) -> str:
    """Return why a copy that nobody asks for by its tag leaves an image out, or nothing."""
    return _impossible(difference, namespaces) or _doubt(difference)


def _copy(difference: Difference) -> Copy:
    assert difference.source is not None  # else it would be left out
    replaces = difference.target.digest if difference.target else ""
    cause = difference.explanation.cause
    told = "" if cause is Cause.UNKNOWN else str(cause)
    # who named exactly this tag overrules the doubt, and has to read it before
    return Copy(difference.path, difference.tag, difference.source.digest, replaces, _doubt(difference) or told)


def _conflict(difference: Difference) -> str:
    """Return what the target would refuse, whoever asked for it."""
    if difference.likeness is Likeness.EXTRA:
        return EXTRA
    is_immutable = difference.likeness is Likeness.DIFFERENT and difference.place.target_is_immutable
    return IMMUTABLE if is_immutable else ""


def _impossible(difference: Difference, namespaces: Namespaces) -> str:
    return _conflict(difference) or homeless(difference.place, namespaces) or ""


def _doubt(difference: Difference) -> str:
    """Return what speaks against a copy that nobody asked for by its tag."""
    explanation = difference.explanation
    if explanation.cause is Cause.WAITING and explanation.task_id:
        return ON_ITS_WAY
    if difference.likeness is not Likeness.DIFFERENT or explanation.newer is Newer.SOURCE:
        return ""
    return NEWER if explanation.newer is Newer.TARGET else UNCLEAR
