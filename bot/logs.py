"""One JSON line an event on stdout, with an allow-list of fields, so that nothing secret can slip in by a new name."""

import logging
import sys
from collections.abc import Callable, Mapping, MutableMapping
from typing import Any

import structlog

from bot.library_logs import discreet_logger

FIELDS = frozenset(
    [
        "event",
        "level",
        "timestamp",
        "logger",
        "operation",
        "before",
        "after",
        "digest",
        "why",
        "kind",
        "code",
        "count",
        "seq",
        "head",
        "reference",
        "verb",
        "person",
        "site",
        "library",
        "error",
        "task",
        "reason",
        "attempt",
        "outcome",
        "reachable",
        "mode",
        "port",
        "host",
        "version",
        "signal",
        "cancelled",
        "change",
        "seconds",
        "request_id",
        "path",
        "status",
        "durability",
        "workspace",
        "name",
        "where",
        "what",
        "policy",
        "account",
        "record",
    ]
)
"""Everything that a line may carry; any other field is replaced by its name in `dropped`."""
LONGEST = 500


class Lines:
    """Writes lines to stdout. One that it does not take, as on a full disk, is lost: no decision may fail for its log.

    `on_loss` is called for each. Past Python's buffer, which would fail again and again with what it still holds.
    """

    def __init__(self) -> None:
        self.on_loss: Callable[[], None] = lambda: None

    def msg(self, line: str) -> None:
        """Write one line, or lose it."""
        stream = sys.stdout.buffer
        try:
            getattr(stream, "raw", stream).write(f"{line}\n".encode())
        except OSError:
            self.on_loss()

    info = warning = error = critical = msg


def configure_logs() -> Lines:
    """Send structlog to stdout, and let library loggers say nothing below WARNING; returns where the lines go."""
    lines = Lines()
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            keep_allowed,
            structlog.processors.JSONRenderer(ensure_ascii=True),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=lambda *_: lines,
        cache_logger_on_first_use=True,
    )
    logging.getLogger().setLevel(logging.WARNING)
    discreet_logger("asyncio")  # it prints tracebacks, and what was being read or written
    return lines


def keep_allowed(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> Mapping[str, Any]:
    """Keep the fields of the allow-list, shortened; name the others without their values."""
    kept = {name: _short(value) for name, value in event.items() if name in FIELDS}
    dropped = sorted(set(event) - set(kept))
    return kept | ({"dropped": dropped} if dropped else {})


def _short(value: object) -> object:
    if isinstance(value, (int, float, bool)) or value is None:
        return value
    text = str(value)
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
