"""Copies of the tree in which mutants are tried, each with a process that is warm."""

import os
import shutil
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import Pipe
from multiprocessing.connection import Connection, wait
from pathlib import Path

import pytest

from tests.mutation.mutants import Mutant
from tests.mutation.warm import Server, Suite, Trial, place_of

ROOT = Path(__file__).parent.parent.parent
QUICKLY = ("-q", "-p", "no:cacheprovider", "-p", "no:xdist", "--tb", "native", "--timeout", "30")
"""A test that takes longer is stopped, and counts neither as noticing nor as missing the mutant."""
OURS = {"bot", "handlers", "simulator", "benchmarks", "conftest", "tests"}
TOOL = "tests.mutation"


@dataclass(slots=True)
class Bench:
    """One copy of the tree, and what is being tried in it."""

    tree: Path
    line: Connection
    mutant: Mutant | None = None

    def begin(self, mutant: Mutant, suites: Sequence[Suite]) -> None:
        """Start the tests of a mutant."""
        source = (self.tree / mutant.path).read_bytes()
        assert mutant.path.endswith(".lua") or place_of(mutant, source), f"{mutant.name} is outside of any function"
        self.mutant = mutant
        self.line.send((mutant, suites))

    def end(self) -> tuple[Mutant, Trial]:
        """Return the mutant and how it did."""
        assert self.mutant is not None
        try:
            trial = self.line.recv()
        except (EOFError, ConnectionError) as gone:
            raise RuntimeError(f"The tests could not be collected:\n{(self.tree / 'output').read_text()}") from gone
        return self.mutant, trial


@contextmanager
def benches(count: int, suites: Sequence[str]) -> Iterator[list[Bench]]:
    """Copy the last commit so many times; what is in hand in the working tree is left alone."""
    with tempfile.TemporaryDirectory(prefix="mutation-") as folder:
        first = Path(folder) / "0"
        first.mkdir()
        archive = subprocess.run(["git", "archive", "HEAD"], cwd=ROOT, check=True, capture_output=True).stdout
        subprocess.run(["tar", "-x", "-C", str(first)], input=archive, check=True)
        others = [Path(shutil.copytree(first, Path(folder) / str(number))) for number in range(1, count)]
        made = [_bench(tree, suites) for tree in (first, *others)]
        try:
            yield list(made)
        finally:
            for bench in made:
                bench.line.close()
            for _ in made:
                os.wait()


def finished(working: Sequence[Bench]) -> Bench:
    """Wait until one of these has something to say."""
    spoken = wait([bench.line for bench in working])[0]
    return next(bench for bench in working if bench.line is spoken)


def _bench(tree: Path, suites: Sequence[str]) -> Bench:
    ours, theirs = Pipe()
    if not os.fork():
        try:
            ours.close()
            _serve(tree, suites, theirs)
        except BaseException:  # noqa: BLE001 - a forked process must never go on as if it were the first
            traceback.print_exc()
        finally:
            os._exit(0)
    theirs.close()
    return Bench(tree, ours)


def _serve(tree: Path, suites: Sequence[str], line: Connection) -> None:
    """Collect the suites of the copy and answer trials; what this program has imported of the tree is forgotten."""
    os.chdir(tree)
    sys.path.insert(0, str(tree))
    quiet = os.open(tree / "output", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(quiet, 1)
    os.dup2(quiet, 2)
    for name in [name for name in sys.modules if name.partition(".")[0] in OURS and not name.startswith(TOOL)]:
        del sys.modules[name]
    pytest.main(
        [*QUICKLY, "-W", "ignore::pytest.PytestAssertRewriteWarning", "--basetemp", str(tree / "basetemp"), *suites],
        plugins=[Server(line)],
    )
