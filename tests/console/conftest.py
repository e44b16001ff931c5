"""A terminal in this process, which leaves logging as it found it."""

from collections.abc import Iterator

import pytest
import structlog

from tests.console.terminal import Terminal


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Terminal]:
    yield Terminal(monkeypatch, capsys)
    structlog.reset_defaults()
