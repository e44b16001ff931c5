"""The full list of differences as a file for a spreadsheet."""

import csv
import io
from datetime import UTC, datetime

from bot.domain.differences import Difference, Likeness, Newer
from bot.domain.inventory import Tag
from bot.domain.pulling import Flaw
from bot.domain.report import Assessment
from bot.messages.text import plural
from bot.ports import Attachment

MOST_ROWS = 100_000
"""About 25 MB; a spreadsheet takes not many more, and all of it is in memory until Slack has it."""
COLUMNS = (
    "image",
    "compared",
    "critical",
    "why",
    "newer",
    "source digest",
    "target digest",
    "pushed at source",
    "pushed at target",
    "task",
    "source seen",
    "target seen",
)
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""What makes a spreadsheet take a cell for a formula (OWASP, CSV injection)."""
_NEWER = {Newer.SOURCE: "source", Newer.TARGET: "target", Newer.UNCLEAR: "unclear"}


class LossesFile:
    """Takes in one difference after the other; rows beyond the most are counted."""

    def __init__(self) -> None:
        self._content = io.BytesIO()
        # the mark at the beginning lets spreadsheets read names that are not ASCII
        self._text = io.TextIOWrapper(self._content, encoding="utf-8-sig", errors="replace", newline="")
        self._rows = csv.writer(self._text)
        self._rows.writerow(COLUMNS)
        self._taken = self._flaws = 0

    def add(self, difference: Difference) -> None:
        """Take in one more."""
        self._taken += 1
        if self._taken <= MOST_ROWS:
            self._rows.writerow([inert(cell) for cell in _cells(difference)])

    def add_flaw(self, flaw: Flaw) -> None:
        """Take in one thing wrong with what the target serves."""
        self._flaws += 1
        if self._flaws <= MOST_ROWS:
            cells = (flaw.image, f"pull {flaw.trouble}", "", flaw.detail, "", "", f"sha256:{flaw.listed_digest}")
            self._rows.writerow([inert(cell) for cell in (*cells, "", "", "", "", _time(flaw.seen_at))])

    def attachment(self, known: Assessment) -> Attachment | None:
        """Return the file, or None where nothing differs."""
        if not self._taken and not self._flaws:
            return None
        self._text.flush()
        source, target = known.report.question.source.name, known.report.question.target.name
        at = known.report.taken_at.astimezone(UTC)
        cut = f", the first {MOST_ROWS:,} of them" if max(self._taken, self._flaws) > MOST_ROWS else ""
        flaws = f" and {plural(self._flaws, 'flaw')}" if self._flaws else ""
        partial = "" if known.report.judgement.is_whole else ", partial"
        found = f"{plural(self._taken, 'difference')}{flaws}"
        title = f"{found} from {source} to {target}, {at:%Y-%m-%d %H:%M} UTC{partial}{cut}"
        return Attachment(f"{source}-to-{target}-{at:%Y%m%dT%H%M}Z.csv", title, self._content.getvalue())


def _cells(difference: Difference) -> tuple[str, ...]:
    explanation, place = difference.explanation, difference.place
    return (
        difference.image,
        str(difference.likeness),
        "yes" if difference.is_critical else "no",
        str(explanation.cause) if difference.is_loss else "",
        _NEWER[explanation.newer] if difference.likeness is Likeness.DIFFERENT else "",
        _digest(difference.source),
        _digest(difference.target),
        _pushed(difference.source),
        _pushed(difference.target),
        explanation.task_id or "",
        _time(place.source_at),
        _time(place.target_at),
    )


def inert(cell: str) -> str:
    """Keep a spreadsheet from computing what somebody called an image."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


def _digest(tag: Tag | None) -> str:
    return f"sha256:{tag.digest}" if tag else ""


def _pushed(tag: Tag | None) -> str:
    return _time(tag.pushed_at) if tag and tag.pushed_at else ""


def _time(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
