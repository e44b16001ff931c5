"""Copies of the tree in which mutants are tried: each in a forked process that runs the nearest tests."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.mutation.mutants import Mutant

ROOT = Path(__file__).parent.parent.parent
LIMIT = 180
"""Seconds for the tests of one mutant; one that loops for ever is noticed by this."""
PYTEST = ("-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "-W", "ignore::pytest.PytestAssertRewriteWarning")
OURS = {"bot", "handlers", "simulator", "tests", "benchmarks", "conftest"}


@dataclass(slots=True)
class Bench:
    """One copy of the tree, and what is being tried in it."""

    tree: Path
    mutant: Mutant | None = None
    suites: Sequence[Sequence[str]] = ()
    source: bytes = b""
    process: int = 0

    def begin(self, mutant: Mutant, suites: Sequence[Sequence[str]]) -> None:
        """Put a mutant in and start the tests."""
        file = self.tree / mutant.path
        self.mutant, self.suites, self.source = mutant, suites, file.read_bytes()
        file.write_bytes(mutant.applied(self.source))
        self.process = _forked(self.tree, suites)

    def end(self) -> Mutant:
        """Take the mutant out."""
        assert self.mutant is not None
        (self.tree / self.mutant.path).write_bytes(self.source)
        mutant, self.mutant = self.mutant, None
        return mutant


@contextmanager
def benches(count: int) -> Iterator[list[Bench]]:
    """Copy the last commit so many times; what is in hand in the working tree is left alone."""
    with tempfile.TemporaryDirectory(prefix="mutation-") as folder:
        first = Path(folder) / "0"
        first.mkdir()
        archive = subprocess.run(["git", "archive", "HEAD"], cwd=ROOT, check=True, capture_output=True).stdout
        subprocess.run(["tar", "-x", "-C", str(first)], input=archive, check=True)
        # compiled files that are compared by their content: a mutant may have the size and the second of the original
        compiler = [sys.executable, "-m", "compileall", "-q", "--invalidation-mode", "checked-hash"]
        subprocess.run([*compiler, "bot", "handlers", "simulator"], cwd=first, check=True)
        others = [Path(shutil.copytree(first, Path(folder) / str(number))) for number in range(1, count)]
        yield [Bench(tree) for tree in (first, *others)]


def finished(working: Sequence[Bench]) -> tuple[Bench, bool]:
    """Wait for one of these and tell whether its mutant was noticed."""
    process, status = os.wait()
    bench = next(bench for bench in working if bench.process == process)
    return bench, os.waitstatus_to_exitcode(status) != 0


def _forked(tree: Path, suites: Sequence[Sequence[str]]) -> int:
    process = os.fork()
    if process:
        return process
    code = 3
    try:
        code = _run(tree, suites)
    except BaseException:  # noqa: BLE001 - a forked process must never go on as if it were the first
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        os._exit(code)


def _run(tree: Path, suites: Sequence[Sequence[str]]) -> int:
    """Run the suites in this process until one fails; what this program itself has imported is forgotten first."""
    import pytest  # noqa: PLC0415 - imported before the fork, so it costs nothing here

    signal.alarm(LIMIT)
    os.chdir(tree)
    sys.path.insert(0, str(tree))
    quiet = os.open(tree / "output", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(quiet, 1)
    os.dup2(quiet, 2)
    for suite in suites:
        for name in [name for name in sys.modules if name.partition(".")[0] in OURS]:
            del sys.modules[name]
        code = int(pytest.main([*PYTEST, *suite]))
        if code:
            return code
    return 0
