"""Some seeds of each mode at every change; `make soak` runs as many as there is time for."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.simulation.run import run
from tests.simulation.world import Mode

ROOT = Path(__file__).parents[2]
GROUPS, SEEDS = 6, 8


@pytest.mark.covers("F05", "F21", "F22", "F47", "F48", "F49")
@pytest.mark.parametrize("group", range(GROUPS))
def test_nothing_bad_ever_happens_whatever_fails(group: int) -> None:
    for seed in range(group * SEEDS, (group + 1) * SEEDS):
        outcome = run(seed, Mode.SAFETY)

        assert outcome.violation is None, f"{outcome.reproduction}\n{outcome.violation}"


@pytest.mark.covers("F40")
@pytest.mark.parametrize("group", range(GROUPS))
def test_everything_ends_and_is_shown_once_the_faults_stop(group: int) -> None:
    for seed in range(group * SEEDS, (group + 1) * SEEDS):
        outcome = run(seed, Mode.LIVENESS)

        assert outcome.violation is None, f"{outcome.reproduction}\n{outcome.violation}"


def test_the_same_seed_tells_the_same_story_byte_for_byte_in_any_process() -> None:
    here = run(1, Mode.SAFETY).trace

    again = run(1, Mode.SAFETY).trace
    elsewhere = _told_by_another_process("1", "safety")

    assert here.count("\n") > 50
    assert again == here
    assert elsewhere == f"# safety\n{here}\n"


def test_another_seed_tells_another_story() -> None:
    assert run(1, Mode.SAFETY).trace != run(2, Mode.SAFETY).trace


def test_seeds_reach_every_state_and_every_kind_of_trouble() -> None:
    outcomes = [run(seed, Mode.SAFETY) for seed in range(104, 116)]

    told = "\n".join(outcome.trace for outcome in outcomes)
    assert sum(outcome.sends for outcome in outcomes) > 12
    for words in ("APPLYING", "DONE", "REJECTED", "CANCELLED", "is killed", "stands still", "console:", "promoted"):
        assert words in told, words


def _told_by_another_process(seed: str, mode: str) -> str:
    command = [sys.executable, "-m", "tests.simulation.soak", "--seed", seed, "--mode", mode]
    surroundings = {**os.environ, "PYTHONHASHSEED": "4711", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=ROOT, env=surroundings, capture_output=True, text=True, timeout=50, check=True)
    return done.stdout
