"""The full list of a copy job as a file for a spreadsheet."""

import csv
import io
from datetime import UTC

from bot.domain.copy_job import CopyJob, Phase
from bot.messages.copy_job import MOST_LISTED, MOST_NAMED
from bot.messages.losses_file import inert
from bot.messages.text import plural
from bot.ports import Attachment

COLUMNS = ("image", "state", "reason", "source digest", "replaces", "task")


def copy_file(job: CopyJob) -> Attachment | None:
    """Return every image of a job with what became of it, or None where its message names them all."""
    if len(job.copies) <= MOST_LISTED and len(job.left_out) <= MOST_NAMED:
        return None
    content = io.BytesIO()
    # the mark at the beginning lets spreadsheets read names that are not ASCII
    text = io.TextIOWrapper(content, encoding="utf-8-sig", errors="replace", newline="")
    rows = csv.writer(text)
    rows.writerow(COLUMNS)
    rows.writerows([inert(cell) for cell in row] for row in _rows(job))
    text.flush()
    at = (job.ended_at or job.created_at).astimezone(UTC)
    images = plural(len(job.copies), "image")
    what = f"Outcome for {images}" if job.phase is Phase.ENDED else f"{images} to copy"
    title = f"{what}, {job.source} to {job.target}, {at:%Y-%m-%d %H:%M} UTC"
    return Attachment(f"{job.id}-{at:%Y%m%dT%H%M}Z.csv", title, content.getvalue())


def _rows(job: CopyJob) -> list[tuple[str, ...]]:
    copies = [
        (
            c.image,
            "there already" if c.was_there else str(c.state),
            c.reason or c.why,
            _digest(c.digest),
            _digest(c.replaces),
            c.task_id,
        )
        for c in job.copies
    ]
    return [*copies, *((each.image, "left out", each.reason, "", "", "") for each in job.left_out)]


def _digest(digest: str) -> str:
    return f"sha256:{digest}" if digest else ""
