"""What libraries say is reported by source, never quoted."""

import logging

import pytest
from structlog.testing import capture_logs

from bot.library_logs import discreet_logger


def test_a_librarys_words_are_dropped_and_their_source_is_kept(caplog: pytest.LogCaptureFixture) -> None:
    logger = discreet_logger("registry-bot.test")
    with capture_logs() as logs:
        try:
            raise ValueError("a secret")
        except ValueError:
            logger.exception("body: %s", "a secret")
        logger.info("body: %s", "a secret")

    assert logs == [
        {"event": "library.warned", "log_level": "warning", "library": "registry-bot.test", "error": "ValueError"}
    ]
    assert "secret" not in caplog.text


def test_asking_twice_filters_once() -> None:
    assert discreet_logger("registry-bot.twice") is discreet_logger("registry-bot.twice")
    assert len(logging.getLogger("registry-bot.twice").filters) == 1
