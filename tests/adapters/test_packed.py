"""Repositories as bytes: small, whole again afterwards, and never half believed."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.adapters.packed import VERSION, pack, unpack
from bot.domain.inventory import Repository, Tag

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
AT = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
MOMENTS = st.integers(1, 5_000_000_000_000).map(lambda number: EPOCH + timedelta(milliseconds=number))
DIGESTS = st.binary(min_size=32, max_size=32).map(bytes.hex) | st.text("abcXYZ019:", min_size=1)
TAGS = st.dictionaries(
    st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1), st.builds(Tag, DIGESTS, MOMENTS | st.none())
)
REPOSITORIES = st.builds(
    Repository,
    st.just("core/api"),
    st.text("crr-0123"),
    TAGS,
    MOMENTS,
    st.integers(0, 2**32 - 1),
    MOMENTS,
    st.booleans(),
)


@settings(max_examples=60, deadline=None)
@given(REPOSITORIES)
def test_a_repository_comes_back_as_it_was(repository: Repository) -> None:
    found = unpack(repository.path, pack(repository))

    assert found == repository
    assert found is not None
    assert len(found.tags) == len(repository.tags)


def releases(count: int) -> Repository:
    tags = {
        f"2026.{n % 12 + 1:02}.{n % 28 + 1:02}-{n:04}": Tag(f"{n * 0x9E3779B97F4A7C15:064x}", AT - timedelta(hours=n))
        for n in range(count)
    }
    return Repository("core/api", "crr-0123456789abcdef", tags, AT, 1, AT)


def test_twenty_releases_take_less_than_fifty_bytes_each() -> None:
    assert len(pack(releases(20))) / 20 < 50


@pytest.mark.parametrize("at", [0, 3, 40, -1])
def test_bytes_that_another_hand_changed_are_no_repository(at: int) -> None:
    raw = bytearray(pack(releases(3)))
    raw[at] ^= 1

    assert unpack("core/api", bytes(raw)) is None


@pytest.mark.parametrize("raw", [b"", b"\1", bytes([VERSION + 1]) + pack(releases(1))[1:], pack(releases(3))[:-1]])
def test_bytes_of_another_version_or_length_are_no_repository(raw: bytes) -> None:
    assert unpack("core/api", raw) is None
