"""Loggers for libraries that print what must not be printed: bodies, response_urls, request parameters."""

import logging

import structlog


class _Discretion(logging.Filter):
    """Reports that a library said something, by source and kind of error, and drops what it said.

    A filter rather than a handler: Slack's Bolt copies filters to the loggers it makes and leaves those to propagate
    to the root logger, so only a filter stops a record everywhere.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Drop the record."""
        kind = record.exc_info[0] if record.exc_info else None
        structlog.get_logger().warning("library.warned", library=record.name, error=kind.__name__ if kind else "")
        return False


def discreet_logger(name: str) -> logging.Logger:
    """Return a logger whose warnings are counted as events, never quoted."""
    logger = logging.getLogger(name)
    logger.setLevel(logging.WARNING)
    if not any(isinstance(known, _Discretion) for known in logger.filters):
        logger.addFilter(_Discretion())
    return logger
