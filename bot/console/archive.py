"""Files of archived audit entries: one JSON line an entry with its seal, between a first and a last line about all."""

import hashlib
import json
import os
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

from bot.domain.chain import AuditEntry, Seal, Standing, next_seal
from bot.errors import UserError

KIND = "registry-bot audit"


@dataclass(slots=True)
class Archive:
    """What a file holds; `wrong` are sentences about what does not fit, `odd` the numbers of entries among it."""

    count: int = 0
    first: int = 0
    last: int = 0
    hash: str = ""
    content: str = ""
    wrong: list[str] = field(default_factory=list)
    odd: set[int] = field(default_factory=set)

    def take(self, before: Seal, entry: AuditEntry, seal: Seal) -> Seal:
        """Add the next entry with its seal, and return what the one after it follows."""
        if entry.seq != before.seq + 1 or next_seal(before, entry) != seal:
            self.odd.add(entry.seq)
            self.wrong.append(f"Entry {entry.seq} does not follow entry {before.seq} as it was sealed.")
        self.first = self.first or entry.seq
        self.count, self.last, self.hash = self.count + 1, entry.seq, seal.hash
        return seal


async def write_archive(
    path: Path, standing: Standing, before: Seal, entries: AsyncIterator[tuple[AuditEntry, Seal]]
) -> Archive:
    """Write entries to a new file and make sure that the disk has them. Raises UserError where the file exists."""
    archive = Archive()
    try:
        with path.open("x", encoding="utf-8") as file:
            lines = _Lines(file)
            first = {"archive": KIND, "workspace": standing.workspace, "store": standing.store}
            lines.write(first | {"after": before.seq, "hash": before.hash})
            async for entry, seal in entries:
                before = archive.take(before, entry, seal)
                lines.write({"id": entry.id, "fields": dict(entry.fields), "seal": seal.hash})
            archive.content = lines.content.hexdigest()
            lines.write({"entries": archive.count, "last": archive.last, "sha256": archive.content})
            file.flush()
            os.fsync(file.fileno())
        _sync_folder(path.parent)
    except OSError as error:
        raise UserError(f"{path} cannot be written: {os.strerror(error.errno or 0)}. Nothing was trimmed.") from None
    return archive


def read_archive(path: Path) -> Archive:
    """Read a file back and compute its chain again. Raises UserError where it cannot be read."""
    archive = Archive()
    try:
        with path.open(encoding="utf-8") as file:
            _read(archive, file)
    except OSError as error:
        raise UserError(f"{path} cannot be read: {os.strerror(error.errno or 0)}.") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        archive.wrong.append("A line cannot be read: this is no archive of the audit, or it was cut off.")
    return archive


class _Lines:
    """Writes lines and keeps the hash of all so far."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self.content = hashlib.sha256()

    def write(self, line: dict[str, Any]) -> None:
        text = json.dumps(line, ensure_ascii=False, sort_keys=True) + "\n"
        self._file.write(text)
        self.content.update(text.encode())


def _read(archive: Archive, lines: Iterable[str]) -> None:
    content, before, end = hashlib.sha256(), None, None
    for text in lines:
        line = json.loads(text)
        if before is None:
            before = Seal(line["after"], line["hash"], "")
        elif "sha256" in line:
            end = line
            break
        else:
            entry = AuditEntry(line["id"], line["fields"])
            before = archive.take(before, entry, Seal(entry.seq, line["seal"], entry.id))
        content.update(text.encode())
    archive.content = content.hexdigest()
    if end is None or (end["entries"], end["last"], end["sha256"]) != (archive.count, archive.last, archive.content):
        archive.wrong.append("The file was cut off or changed after it was written.")


def _sync_folder(folder: Path) -> None:
    """Make sure that the new name is on the disk too."""
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
