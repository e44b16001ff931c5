"""One JSON line an event on stdout, with an allow-list of fields, so that nothing secret can slip in by a new name."""

import logging
from collections.abc import Mapping, MutableMapping
from typing import Any

import structlog

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
    ]
)
"""Everything that a line may carry; any other field is replaced by its name in `dropped`."""
LONGEST = 500


def configure_logs() -> None:
    """Send structlog to stdout, and let library loggers say nothing below WARNING."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            keep_allowed,
            structlog.processors.JSONRenderer(ensure_ascii=True),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(),
        cache_logger_on_first_use=True,
    )
    logging.getLogger().setLevel(logging.WARNING)


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
