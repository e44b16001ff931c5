"""Repositories as few bytes: about forty-five a tag, of which the digest takes 32 and the time of its push 6.

A fixed head with version and checksum, then the repository's id, then the tags in the order of their names, column by
column: all names (compressed, as they resemble each other), all digests, all times of pushes. Times are milliseconds
since 1970, 0 for none. Columns, because a few calls into C then do what would be dozens for each tag.

Tags are unpacked when somebody looks at them: whoever only asks which repositories to read again never does.
"""

import zlib
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from struct import Struct

from bot.domain.inventory import Repository, Tag

VERSION = 1
_SEALED = Struct(">BI")
"""Version, and a checksum of all that follows."""
_HEAD = Struct(">BQQQHII")
"""Flags, pass, moments of reading and of modification, lengths: of the id, the number of tags, the names' bytes."""
_IMMUTABLE, _TEXT_DIGESTS = 1, 2
_DIGEST = 64
_TIME = 6
_BETWEEN = "\0"
"""Neither tags nor digests can hold it, by the grammar of references."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


class PackedTags(Mapping[str, Tag]):
    """Tags still packed: how many there are is known at once, the rest from the first look on."""

    __slots__ = ("_count", "_names", "_raw", "_texts", "_unpacked")

    def __init__(self, raw: bytes, count: int, names: int, texts: bool) -> None:
        self._raw = raw
        self._count = count
        self._names = names
        self._texts = texts
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
            self._unpacked, self._raw = self._unpack(), b""
        return self._unpacked

    def _unpack(self) -> dict[str, Tag]:
        if not self._count:
            return {}
        names = zlib.decompress(self._raw[: self._names]).decode().split(_BETWEEN)
        times = len(self._raw) - self._count * _TIME
        digests = _split_digests(self._raw[self._names : times], self._texts)
        moments = (_moment(self._raw[at : at + _TIME]) for at in range(times, len(self._raw), _TIME))
        return {name: Tag(digest, at) for name, digest, at in zip(names, digests, moments, strict=True)}


def pack(repository: Repository) -> bytes:
    """Return everything about a repository but its path; moments lose what is below a millisecond."""
    tags = sorted(repository.tags.items())
    names = zlib.compress(_BETWEEN.join(name for name, _ in tags).encode())
    digests, texts = _join_digests([tag.digest for _, tag in tags])
    repository_id = repository.id.encode()
    head = _HEAD.pack(
        _IMMUTABLE * repository.is_immutable | _TEXT_DIGESTS * texts,
        repository.scan,
        _milliseconds(repository.read_at),
        _milliseconds(repository.modified_at),
        len(repository_id),
        len(tags),
        len(names),
    )
    times = b"".join(_milliseconds(tag.pushed_at).to_bytes(_TIME, "big") for _, tag in tags)
    content = b"".join((head, repository_id, names, digests, times))
    return _SEALED.pack(VERSION, zlib.crc32(content)) + content


def unpack(path: str, raw: bytes) -> Repository | None:
    """Return a repository, or None where another version, or another hand, wrote the bytes."""
    content = raw[_SEALED.size :]
    if len(content) < _HEAD.size or _SEALED.unpack_from(raw) != (VERSION, zlib.crc32(content)):
        return None
    flags, scan, read_at, modified_at, id_length, count, names = _HEAD.unpack_from(content)
    tags_at = _HEAD.size + id_length
    return Repository(
        path=path,
        id=content[_HEAD.size : tags_at].decode(),
        tags=PackedTags(content[tags_at:], count, names, bool(flags & _TEXT_DIGESTS)),
        read_at=_EPOCH + read_at * _MILLISECOND,
        scan=scan,
        modified_at=_EPOCH + modified_at * _MILLISECOND if modified_at else None,
        is_immutable=bool(flags & _IMMUTABLE),
    )


def _join_digests(digests: list[str]) -> tuple[bytes, bool]:
    """Return digests as bytes, 32 each where all are SHA-256 in lower-case hex; else, and said so, as texts."""
    joined = "".join(digests)
    if all(len(digest) == _DIGEST for digest in digests):
        try:
            raw = bytes.fromhex(joined)
        except ValueError:
            raw = b""
        if raw.hex() == joined:
            return raw, False
    return _BETWEEN.join(digests).encode(), True


def _split_digests(raw: bytes, texts: bool) -> Iterable[str]:
    if texts:
        return raw.decode().split(_BETWEEN)
    joined = raw.hex()
    return (joined[at : at + _DIGEST] for at in range(0, len(joined), _DIGEST))


def _milliseconds(moment: datetime | None) -> int:
    return 0 if moment is None else (moment - _EPOCH) // _MILLISECOND


def _moment(raw: bytes) -> datetime | None:
    milliseconds = int.from_bytes(raw, "big")
    return datetime.fromtimestamp(milliseconds / 1000, UTC) if milliseconds else None
