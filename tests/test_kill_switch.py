"""The kill switch of one process: a variable, or a file that is there or cannot be looked for."""

from pathlib import Path

import pytest

from bot.app import kill_switch
from bot.settings import Settings
from tests.secrets import marked


def _settings(**fields: object) -> Settings:
    required = {"config": "registry.yaml", "redis_url": "redis://127.0.0.1", "signing_key": marked("k" * 32)}
    slack = {"slack_bot_token": "xoxb-1", "slack_app_token": "xapp-1"}
    return Settings.model_validate(required | slack | fields)


@pytest.mark.parametrize("name", ["x" * 300, "a-file/below-a-file"], ids=["no name of a file", "below a file"])
def test_a_file_that_is_no_file_stops_or_not_but_never_breaks(tmp_path: Path, name: str) -> None:
    (tmp_path / "a-file").touch()

    why = kill_switch(_settings(freeze_file=tmp_path / name))

    assert why == ("The kill switch is on (REGISTRY_BOT_FREEZE_FILE cannot be looked for)." if "x" in name else "")


def test_the_file_and_the_variable_each_stop_this_process(tmp_path: Path) -> None:
    assert kill_switch(_settings()) == ""
    assert "REGISTRY_BOT_FREEZE_FILE exists" in kill_switch(_settings(freeze_file=tmp_path))
    assert "REGISTRY_BOT_FREEZE)" in kill_switch(_settings(freeze=True))
