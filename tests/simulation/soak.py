"""The long form: as many seeds as wanted on all cores, with progress; or one seed with its whole trace.

`python -m tests.simulation.soak --seeds 50000 --start 1000` goes on where a run ended; `--seed 7 --mode safety` tells
one story. Exit code 1 and one line for each failing seed, by which it can be run again.
"""

import argparse
import gc
import multiprocessing
import os
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from tests.simulation.run import Outcome, run
from tests.simulation.world import Mode

TELL_EVERY = 15.0
CHUNK = 8


@dataclass(frozen=True, slots=True)
class Result:
    """What is kept of a seed among thousands."""

    seed: int
    sends: int
    states: tuple[str, ...]
    failure: str


@dataclass(slots=True)
class Tally:
    """What came of all seeds so far."""

    seeds: int = 0
    sends: int = 0
    states: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)

    def add(self, result: Result) -> None:
        """Count one seed of one mode."""
        self.seeds += 1
        self.sends += result.sends
        self.states.update(result.states)
        if result.failure:
            self.failures.append(result.failure)

    def __str__(self) -> str:
        states = ", ".join(f"{state} {count}" for state, count in sorted(self.states.items()))
        return f"{self.seeds} runs, {self.sends} writes sent, {len(self.failures)} failed; operations: {states}"


def main() -> int:
    """Run what the command line asks for; returns the exit code."""
    asked = _arguments()
    modes = [Mode(asked.mode)] if asked.mode else list(Mode)
    if asked.seed is not None:
        return _tell_story(asked.seed, modes)
    gc.freeze()
    jobs = [(seed, mode) for seed in range(asked.start, asked.start + asked.seeds) for mode in modes]
    tally = Tally()
    try:
        with multiprocessing.Pool(asked.jobs) as pool:
            _follow(pool.imap(_job, jobs, chunksize=CHUNK), tally)
    except KeyboardInterrupt:
        done = tally.seeds // len(modes)
        _say(f"Stopped. Go on with: make soak FROM={asked.start + done} SEEDS={asked.seeds - done}")
    _say(tally)
    return 1 if tally.failures else 0


def _say(text: object) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=1000)
    parser.add_argument("--start", type=int, default=0)
    parser.add_argument("--seed", type=int)
    parser.add_argument("--mode", choices=[*map(str, Mode), ""], default="")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    return parser.parse_args()


def _tell_story(seed: int, modes: Iterable[Mode]) -> int:
    outcomes = [run(seed, mode) for mode in modes]
    for outcome in outcomes:
        _say(f"# {outcome.mode}\n{outcome.trace}")
    return 1 if any(outcome.violation for outcome in outcomes) else 0


def _job(job: tuple[int, Mode]) -> Result:
    outcome = run(*job)
    return Result(outcome.seed, outcome.sends, outcome.states, _failure(outcome))


def _failure(outcome: Outcome) -> str:
    return f"{outcome.reproduction}  # {outcome.violation}" if outcome.violation else ""


def _follow(results: Iterator[Result], tally: Tally) -> None:
    began = told = time.monotonic()
    for result in results:
        tally.add(result)
        if result.failure:
            _say(result.failure)
        now = time.monotonic()
        if now - told >= TELL_EVERY:
            told = now
            _say(f"seed {result.seed}: {tally}; {tally.seeds / (now - began):.1f} a second")


if __name__ == "__main__":
    sys.exit(main())
