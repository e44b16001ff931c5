"""The command line: exit codes, and sentences instead of stack traces."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from bot import __version__
from bot.__main__ import answer
from simulator.app import running
from tests.console.terminal import ROOT, everything, registry_bot


async def test_the_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        await answer(["--help"])

    shown = capsys.readouterr().out
    assert ended.value.code == 0
    assert [command for command in ("run", "check", "discover", "manual") if command not in shown] == []


async def test_the_version_is_that_of_the_package(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        await answer(["--version"])

    assert capsys.readouterr().out == f"registry-failover-bot {__version__}\n"


def test_a_reader_who_has_enough_ends_it_without_a_stack_trace() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    environment = {"PATH": os.environ["PATH"], "REGISTRY_BOT_CONFIG": str(ROOT / "deploy" / "registry.example.yaml")}
    with os.fdopen(writing, "wb") as nobody:
        outcome = subprocess.run(
            [sys.executable, "-m", "bot", "check", "--policy"],
            cwd=ROOT,
            env=environment,
            stdout=nobody,
            stderr=subprocess.PIPE,
            check=False,
        )

    assert outcome.returncode == 1
    assert b"RAM policy" in outcome.stderr
    assert b"BrokenPipe" not in outcome.stderr


@pytest.mark.parametrize("words", [[], ["dance"], ["discover"], ["manual"], ["manual", "zjk", "--via", "tunnel"]])
async def test_words_that_are_no_command_are_misuse(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        await answer(words)

    assert ended.value.code == 2
    assert "usage: registry-bot" in capsys.readouterr().err


async def test_running_without_an_environment_names_what_is_missing_and_ends_with_2() -> None:
    outcome = await registry_bot("run", environment={})

    assert (outcome.code, outcome.out) == (2, "")
    assert "- REGISTRY_BOT_CONFIG: is not set" in outcome.err


async def test_running_with_a_broken_file_names_its_mistakes_and_ends_with_2(tmp_path: Path) -> None:
    (tmp_path / "registry.yaml").write_text("sites: [\n")
    async with running() as sim:
        environment = everything(sim, "redis://127.0.0.1:1/0")
        environment["REGISTRY_BOT_CONFIG"] = str(tmp_path / "registry.yaml")
        outcome = await registry_bot("run", environment=environment)

    assert outcome.code == 2
    assert "is not valid YAML" in outcome.err


async def test_a_taken_port_is_a_sentence_and_ends_with_1() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        async with running() as sim:
            port = {"REGISTRY_BOT_HTTP_PORT": str(taken.getsockname()[1]), "REGISTRY_BOT_METRICS_PORT": "0"}
            outcome = await registry_bot("run", environment=everything(sim, "redis://127.0.0.1:1/0") | port)

    assert outcome.code == 1
    assert "The bot cannot listen: Address already in use." in outcome.err
