"""Try every mutant and print those that no test notices: `python -m tests.mutation`, `make mutate`."""

import argparse
import sys
import time
import tomllib
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.mutation.mutants import Mutant, mutants
from tests.mutation.nearest import FILES, folders_of, suites_of
from tests.mutation.warm import Result, Suite, Trial
from tests.mutation.workshop import ROOT, Bench, benches, finished

REASONS = Path(__file__).parent / "reasons.toml"
WORKERS = 2
Tried = list[tuple[Mutant, Trial]]


def main(arguments: Sequence[str] | None = None) -> int:
    """Return 1 when a mutant has neither a test nor a reason, or a reason has no mutant any more."""
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
    with benches(WORKERS, folders_of(files)) as free:
        made = [mutant for path in files for mutant in mutants(path, (free[0].tree / path).read_bytes())]
        made.sort(key=_is_part)
        tried = list(_tried_again_alone(_try_all(made, free), free[:1]))
    return _report(tried, files, time.monotonic() - started)


def _is_part(mutant: Mutant) -> bool:
    """Tell whether a mutant leaves some of its guard: those that drop it whole are tried first."""
    return mutant.now.lower() not in ("false", "true")


def _try_all(made: Sequence[Mutant], all_free: Sequence[Bench]) -> Tried:
    free, waiting, working, tried = list(all_free), deque(made), list[Bench](), Tried()
    noticing: dict[str, dict[str, None]] = {mutant.path: {} for mutant in made}
    while waiting or working:
        while waiting and free:
            bench, mutant = free.pop(), waiting.popleft()
            # what has noticed a neighbour often notices this one too
            bench.begin(mutant, [Suite(tuple(noticing[mutant.path])), *suites_of(mutant.path)])
            working.append(bench)
        bench = finished(working)
        working.remove(bench)
        free.append(bench)
        mutant, trial = bench.end()
        tried.append((mutant, trial))
        noticing[mutant.path] |= {trial.by: None} if trial.result is Result.NOTICED else {}
        if trial.result is not Result.NOTICED:
            sys.stdout.write(f"{mutant.path}:{mutant.line} {trial.result}: {mutant.name} {trial.by}\n")
            sys.stdout.flush()
    return tried


def _tried_again_alone(tried: Tried, bench: Sequence[Bench]) -> Iterator[tuple[Mutant, Trial]]:
    """Try those that a busy machine may have spoilt once more, one at a time."""
    for mutant, trial in tried:
        is_spoilt = trial.result in (Result.TIMED_OUT, Result.UNCLEAR)
        yield from _try_all([mutant], bench) if is_spoilt else [(mutant, trial)]


def _report(tried: Tried, files: Sequence[str], seconds: float) -> int:
    reasons = {reason["mutant"]: reason["why"] for reason in tomllib.loads(REASONS.read_text())["reason"]}
    survivors = [mutant for mutant, trial in tried if trial.result is Result.SURVIVED]
    unexplained = [mutant for mutant in survivors if mutant.name not in reasons]
    names = {mutant.name for mutant in survivors}
    idle = [name for name in reasons if name.partition(" ")[0] in files and name not in names]
    for path in files:
        of_file = [(mutant, trial) for mutant, trial in tried if mutant.path == path]
        dropped = [(mutant, trial) for mutant, trial in of_file if mutant.now in ("False", "false")]
        sys.stdout.write(f"{path}: {_counted(of_file, reasons)}; guards dropped: {_counted(dropped, reasons)}\n")
    sys.stdout.write(f"all: {_counted(tried, reasons)}, in {seconds:.0f} s\n")
    sys.stdout.writelines(f"{mutant.path}:{mutant.line} {mutant.name}\n" for mutant in unexplained)
    sys.stdout.writelines(f"a reason without its mutant: {name}\n" for name in idle)
    is_known = all(trial.result in (Result.NOTICED, Result.SURVIVED) for _, trial in tried)
    return int(bool(unexplained or idle or not is_known))


def _counted(tried: Tried, reasons: dict[str, str]) -> str:
    found = Counter(trial.result for _, trial in tried)
    explained = sum(trial.result is Result.SURVIVED and mutant.name in reasons for mutant, trial in tried)
    spoilt = found[Result.TIMED_OUT] + found[Result.UNCLEAR]
    text = f"{len(tried)} mutants, {found[Result.NOTICED]} noticed, {explained} survive for a reason"
    return f"{text}, {found[Result.SURVIVED] - explained} survive, {spoilt} without a result"


if __name__ == "__main__":
    sys.exit(main())
