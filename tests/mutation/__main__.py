"""Try every mutant and print those that no test notices: `python -m tests.mutation`, `make mutate`."""

import argparse
import re
import sys
import time
import tomllib
from collections import deque
from collections.abc import Sequence
from pathlib import Path

import hypothesis  # noqa: F401 - imported here, so that no forked process has to
import pydantic  # noqa: F401
import pytest  # noqa: F401
import pytest_asyncio  # noqa: F401
import redis.asyncio  # noqa: F401
import slack_sdk  # noqa: F401
import structlog  # noqa: F401

from tests.mutation.mutants import Mutant, mutants
from tests.mutation.nearest import FILES, suites_of
from tests.mutation.workshop import ROOT, Bench, benches, finished

REASONS = Path(__file__).parent / "reasons.toml"
WORKERS = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Return 1 when a mutant survived without a reason, or a reason has no mutant any more."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    parser.add_argument("--list", action="store_true", help="name the mutants, try none")
    parser.add_argument("files", nargs="*", help="parts of the names of files; all when there is none")
    chosen = parser.parse_args(arguments)
    files = [path for path in FILES if not chosen.files or any(part in path for part in chosen.files)]
    if chosen.list:
        known = (mutant for path in files for mutant in mutants(path, (ROOT / path).read_bytes()))
        sys.stdout.writelines(f"{mutant.line:4} {mutant.name}\n" for mutant in known)
        return 0
    started = time.monotonic()
    with benches(WORKERS) as free:
        made = [mutant for path in files for mutant in mutants(path, (free[0].tree / path).read_bytes())]
        _require_green(free[0], files)
        survivors = _try_all(made, free)
    return _report(made, survivors, files, time.monotonic() - started)


def _require_green(bench: Bench, files: Sequence[str]) -> None:
    """Run every suite on the tree as it is: a mutant that dies in a red suite says nothing."""
    suites = sorted({tuple(suite) for path in files for suite in suites_of(path)})
    path = files[0]
    unchanged = Mutant(path, 0, "", 0, 0, "", "")
    bench.begin(unchanged, suites)
    _, is_red = finished([bench])
    bench.end()
    if is_red:
        sys.exit(f"The tests are red without any mutant:\n{_tail(bench)}")


def _try_all(made: Sequence[Mutant], free: list[Bench]) -> list[Mutant]:
    waiting, working, survivors = deque(made), list[Bench](), list[Mutant]()
    while waiting or working:
        while waiting and free:
            bench, mutant = free.pop(), waiting.popleft()
            bench.begin(mutant, suites_of(mutant.path))
            working.append(bench)
        bench, is_noticed = finished(working)
        working.remove(bench)
        free.append(bench)
        mutant = bench.end()
        if not is_noticed:
            survivors.append(mutant)
            sys.stdout.write(f"{mutant.path}:{mutant.line} survived: {mutant.name}\n")
            sys.stdout.flush()
    return survivors


def _report(made: Sequence[Mutant], survivors: Sequence[Mutant], files: Sequence[str], seconds: float) -> int:
    reasons = {reason["mutant"]: reason["why"] for reason in tomllib.loads(REASONS.read_text())["reason"]}
    unexplained = [mutant for mutant in survivors if mutant.name not in reasons]
    names = {mutant.name for mutant in survivors}
    idle = [name for name in reasons if name.partition(" ")[0] in files and name not in names]
    killed = len(made) - len(survivors)
    sys.stdout.write(
        f"{len(made)} mutants, {killed} noticed, {len(survivors) - len(unexplained)} survive for a reason, "
        f"{len(unexplained)} survive, in {seconds:.0f} s\n"
    )
    sys.stdout.writelines(f"{mutant.path}:{mutant.line} {mutant.name}\n" for mutant in unexplained)
    sys.stdout.writelines(f"a reason without its mutant: {name}\n" for name in idle)
    return int(bool(unexplained or idle))


def _tail(bench: Bench) -> str:
    lines = re.sub(r"\x1b\[[0-9;]*m", "", (bench.tree / "output").read_text()).splitlines()
    return "\n".join(lines[-15:])


if __name__ == "__main__":
    sys.exit(main())
