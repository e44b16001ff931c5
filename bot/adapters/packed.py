"""Repositories as few bytes: about fifty a tag, of which the digest takes 32.

A byte for the version, a checksum, a byte of flags, then whole numbers of seven bits a byte: the pass, the moment of
reading, the time of modification, the id, and how many tags there are. Tags follow in the order of their names; each
repeats only what it does not share with the name before. Times are milliseconds since 1970, those of pushes relative to
the reading.

Tags are unpacked when somebody looks at them: whoever only asks which repositories to read again never does.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from struct import Struct
from zlib import crc32

from bot.domain.inventory import Repository, Tag

VERSION = 1
RAW_DIGEST = 32
_HEAD = Struct(">BI")
_IMMUTABLE = 1
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


class PackedTags(Mapping[str, Tag]):
    """Tags still packed: how many there are is known at once, the rest from the first look on."""

    __slots__ = ("_count", "_raw", "_read_at", "_unpacked")

    def __init__(self, raw: bytes, count: int, read_at: int) -> None:
        self._raw = raw
        self._count = count
        self._read_at = read_at
        self._unpacked: dict[str, Tag] | None = None

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[str]:
        return iter(self._tags)

    def __getitem__(self, name: str) -> Tag:
        return self._tags[name]

    def __repr__(self) -> str:
        return f"PackedTags({self._tags!r})"

    @property
    def _tags(self) -> dict[str, Tag]:
        if self._unpacked is None:
            self._unpacked, self._raw = _unpack_tags(_Reader(self._raw), self._count, self._read_at), b""
        return self._unpacked


def pack(repository: Repository) -> bytes:
    """Return everything about a repository but its path; moments lose what is below a millisecond."""
    read_at = _milliseconds(repository.read_at)
    out = bytearray((_IMMUTABLE if repository.is_immutable else 0,))
    _add(out, repository.scan)
    _add(out, read_at)
    _add(out, 0 if repository.modified_at is None else _milliseconds(repository.modified_at) + 1)
    _add_bytes(out, repository.id.encode())
    _add(out, len(repository.tags))
    for before, name in pairwise(["", *sorted(repository.tags)]):
        _add_tag(out, before, name, repository.tags[name], read_at)
    return _HEAD.pack(VERSION, crc32(out)) + out


def unpack(path: str, raw: bytes) -> Repository | None:
    """Return a repository, or None where another version, or another hand, wrote the bytes."""
    if len(raw) < _HEAD.size or _HEAD.unpack_from(raw) != (VERSION, crc32(memoryview(raw)[_HEAD.size :])):
        return None
    reader = _Reader(raw, _HEAD.size)
    flags, scan, read_at, modified_at = reader.number(), reader.number(), reader.number(), reader.number()
    repository_id, count = reader.word().decode(), reader.number()
    return Repository(
        path=path,
        id=repository_id,
        tags=PackedTags(raw[reader.at :], count, read_at),
        read_at=_moment(read_at),
        scan=scan,
        modified_at=_moment(modified_at - 1) if modified_at else None,
        is_immutable=bool(flags & _IMMUTABLE),
    )


class _Reader:
    """A place in some bytes."""

    __slots__ = ("_raw", "at")

    def __init__(self, raw: bytes, at: int = 0) -> None:
        self._raw = raw
        self.at = at

    def number(self) -> int:
        value = shift = 0
        while True:
            byte = self._raw[self.at]
            self.at += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
            shift += 7

    def word(self) -> bytes:
        return self.take(self.number())

    def take(self, length: int) -> bytes:
        taken = self._raw[self.at : self.at + length]
        self.at += length
        return taken


def _add(out: bytearray, value: int) -> None:
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)


def _add_bytes(out: bytearray, value: bytes) -> None:
    _add(out, len(value))
    out += value


def _add_tag(out: bytearray, before: str, name: str, tag: Tag, read_at: int) -> None:
    """Add one tag: the lowest bit of its first number says whether the digest stands there as text."""
    shared = _shared(before, name)
    raw = _raw_digest(tag.digest)
    _add(out, shared << 1 | (raw is None))
    _add_bytes(out, name[shared:].encode())
    if raw is None:
        _add_bytes(out, tag.digest.encode())
    else:
        out += raw
    _add(out, 0 if tag.pushed_at is None else _folded(read_at - _milliseconds(tag.pushed_at)) + 1)


def _unpack_tags(reader: _Reader, count: int, read_at: int) -> dict[str, Tag]:
    tags: dict[str, Tag] = {}
    name = ""
    for _ in range(count):
        head = reader.number()
        name = name[: head >> 1] + reader.word().decode()
        digest = reader.word().decode() if head & 1 else reader.take(RAW_DIGEST).hex()
        pushed = reader.number()
        tags[name] = Tag(digest, _moment(read_at - _unfolded(pushed - 1)) if pushed else None)
    return tags


def _shared(before: str, name: str) -> int:
    """Return how many characters two names begin with in common."""
    pairs = zip(before, name, strict=False)
    return next((at for at, (one, other) in enumerate(pairs) if one != other), min(len(before), len(name)))


def _raw_digest(digest: str) -> bytes | None:
    """Return the 32 bytes of a SHA-256 in lower-case hex, None for any other text."""
    try:
        raw = bytes.fromhex(digest)
    except ValueError:
        return None
    return raw if len(raw) == RAW_DIGEST and raw.hex() == digest else None


def _folded(value: int) -> int:
    """Return a number without a sign that stands for one with: 0, -1, 1, -2, …"""
    return value << 1 if value >= 0 else ~(value << 1)


def _unfolded(value: int) -> int:
    return value >> 1 if value & 1 == 0 else ~(value >> 1)


def _milliseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // _MILLISECOND


def _moment(milliseconds: int) -> datetime:
    return _EPOCH + milliseconds * _MILLISECOND
