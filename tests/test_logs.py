"""One JSON line an event, with nothing in it that is not on the list."""

import asyncio
import errno
import io
import json
import logging
import os
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from bot.logs import FIELDS, LONGEST, Lines, configure_logs, keep_allowed

SECRETS = ["token", "secret", "password", "access_key_secret", "authorization", "headers", "body", "exc_info", "url"]


@pytest.fixture
def logs(capsys: pytest.CaptureFixture[str]) -> Iterator[structlog.typing.WrappedLogger]:
    """Configure the logs as the bot does, on the stdout that is watched, and leave none of it behind."""
    level = logging.getLogger().level
    configure_logs()
    yield structlog.get_logger()
    structlog.reset_defaults()
    logging.getLogger().setLevel(level)
    logging.getLogger("asyncio").filters.clear()


def _kept(**fields: Any) -> dict[str, Any]:
    return dict(keep_allowed(None, "info", dict(fields)))


def test_a_field_of_the_list_is_kept() -> None:
    assert _kept(event="operation.moved", operation="fo-7k2m") == {"event": "operation.moved", "operation": "fo-7k2m"}


@pytest.mark.parametrize("name", SECRETS)
def test_a_field_off_the_list_is_named_without_its_value(name: str) -> None:
    assert _kept(event="e", **{name: "canary-4711"}) == {"event": "e", "dropped": [name]}


def test_no_name_of_a_secret_is_on_the_list() -> None:
    assert not [field for field in FIELDS for word in SECRETS if word in field]


@pytest.mark.usefixtures("logs")
async def test_what_the_event_loop_says_of_an_error_is_an_event_without_a_traceback(
    capsys: pytest.CaptureFixture[str],
) -> None:
    asyncio.get_running_loop().call_exception_handler(
        {"message": "Fatal read error", "protocol": "canary-4711", "exception": MemoryError("canary-4711")}
    )

    told = capsys.readouterr()
    line = json.loads(told.out)
    assert {name: line[name] for name in ("event", "library", "error")} == {
        "event": "library.warned",
        "library": "asyncio",
        "error": "MemoryError",
    }
    assert "canary" not in told.out + told.err


@given(st.dictionaries(st.text(max_size=12), st.text(max_size=20) | st.integers() | st.none(), max_size=6))
def test_whatever_comes_only_listed_fields_go_on(event: dict[str, Any]) -> None:
    assert set(keep_allowed(None, "info", dict(event))) <= FIELDS | {"dropped"}


@pytest.mark.parametrize(("value", "kept"), [(1, 1), (0.5, 0.5), (True, True), (None, None), ("text", "text")])
def test_plain_values_stay_what_they_are(value: object, kept: object) -> None:
    assert _kept(why=value) == {"why": kept}


def test_other_values_become_short_text() -> None:
    assert _kept(why=ValueError("x" * 10_000)) == {"why": "x" * (LONGEST - 1) + "…"}
    assert _kept(why=["a"]) == {"why": "['a']"}


@pytest.mark.covers("A48")
def test_an_event_is_one_json_line_with_its_level_and_time(logs: Any, capsys: pytest.CaptureFixture[str]) -> None:
    logs.warning("card.postponed", operation="fo-7k2m", why="two\nlines \u202e and a \u2028 break", token="canary")

    [line] = capsys.readouterr().out.splitlines()
    told = json.loads(line)
    assert (told["event"], told["level"], told["operation"]) == ("card.postponed", "warning", "fo-7k2m")
    assert told["timestamp"].endswith("Z")
    assert (told["dropped"], line.isascii()) == (["token"], True)


def test_nothing_below_info_is_written(logs: Any, capsys: pytest.CaptureFixture[str]) -> None:
    logs.debug("noise")
    logging.getLogger("some.library").info("POST with a body")

    written = capsys.readouterr()
    assert (written.out, written.err) == ("", "")


def test_an_exception_never_brings_its_traceback_along(logs: Any, capsys: pytest.CaptureFixture[str]) -> None:
    try:
        raise ValueError("canary-4711")
    except ValueError:
        logs.exception("task.broken", kind="ValueError")

    assert "canary-4711" not in capsys.readouterr().out


def test_a_line_that_cannot_be_written_is_lost_and_counted_and_stops_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    lines, lost = Lines(), list[bool]()
    lines.on_loss = lambda: lost.append(True)
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(_FullDisk()))  # type: ignore[type-var]

    lines.info('{"event": "bot.ready"}')

    assert lost == [True]


class _FullDisk(io.RawIOBase):
    """Takes nothing any more."""

    def writable(self) -> bool:
        """Say that it can be tried."""
        return True

    def write(self, data: object) -> int:
        """Fail as a full disk does."""
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
