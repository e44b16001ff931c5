"""A process that has collected every test once, and tries each mutant in a fork of itself."""

import ast
import gc
import importlib
import os
import signal
import sys
import time
import types
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from functools import reduce
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest

from tests.mutation.mutants import Mutant

LIMIT = 240.0
"""Seconds for all tests of one mutant; a single test has its own limit."""
_TIMED_OUT = "Timeout (>"
"""What pytest-timeout says of a test that it stopped."""


class Result(StrEnum):
    """What became of one mutant."""

    NOTICED = "noticed"
    SURVIVED = "survived"
    TIMED_OUT = "timed out"
    UNCLEAR = "unclear"
    """A test failed that fails without the mutant too, or the tests could not be run at all."""


@dataclass(frozen=True, slots=True)
class Trial:
    """How a mutant did, and which test or trouble says so."""

    result: Result
    by: str = ""


@dataclass(frozen=True, slots=True)
class Suite:
    """Tests whose names begin with one of the paths and contain a word, without those of one file."""

    paths: tuple[str, ...]
    word: str = ""
    without: str = "-"

    def takes(self, name: str) -> bool:
        """Tell whether a test belongs to this suite."""
        return name.startswith(self.paths) and self.word in name and not name.startswith(self.without)


@dataclass(slots=True, eq=False)  # pytest keeps plugins in sets
class Server:
    """A plugin that answers trials where pytest would run what it has collected."""

    line: Connection
    _failed: str = ""
    _is_late: bool = False

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Try one mutant after the other until the line is closed."""
        gc.collect()
        gc.freeze()  # else every collection in a fork looks at all that is here, and copies it
        while True:
            try:
                mutant, suites = self.line.recv()
            except EOFError:
                return True
            self.line.send(self._tried(session, mutant, suites))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep the first failure, in whichever part of a test it is."""
        if report.failed and not self._failed:
            self._failed, self._is_late = report.nodeid, _TIMED_OUT in report.longreprtext

    def _tried(self, session: pytest.Session, mutant: Mutant, suites: Sequence[Suite]) -> Trial:
        items = _nearest_first(session.items, suites)
        with _in_place(mutant) as patch:
            with_mutant = self._forked(session, items, patch)
        if with_mutant.result is not Result.NOTICED:
            return with_mutant
        noticing = [item for item in items if item.nodeid == with_mutant.by]
        without = self._forked(session, noticing, lambda: None)
        return with_mutant if without.result is Result.SURVIVED else Trial(Result.UNCLEAR, with_mutant.by)

    def _forked(self, session: pytest.Session, items: Sequence[pytest.Item], patch: Callable[[], None]) -> Trial:
        ours, theirs = os.pipe()
        process = os.fork()
        if not process:
            os.close(ours)
            _leave(theirs, lambda: self._run(session, items, patch))
        os.close(theirs)
        is_late = _ended_late(process)
        with os.fdopen(ours) as answer:
            result, _, by = answer.read().partition(" by ")
        if is_late:
            return Trial(Result.TIMED_OUT, f"all tests together within {LIMIT:g} s")
        return Trial(Result(result), by) if result else Trial(Result.UNCLEAR, "the process ended without a result")

    def _run(self, session: pytest.Session, items: Sequence[pytest.Item], patch: Callable[[], None]) -> str:
        patch()
        try:
            for item, following in zip(items, [*items[1:], None], strict=True):
                item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
                if self._failed:
                    return f"{Result.TIMED_OUT if self._is_late else Result.NOTICED} by {self._failed}"
            return Result.SURVIVED
        finally:
            session._setupstate.teardown_exact(None)


@contextmanager
def _in_place(mutant: Mutant) -> Iterator[Callable[[], None]]:
    """Mutate a script where it is read from, for a while; return what mutates Python code, in the fork alone."""
    path = Path(mutant.path)
    source = path.read_bytes()
    if path.suffix == ".py":
        yield lambda: put_in(mutant, source)
        return
    path.write_bytes(mutant.applied(source))
    try:
        yield lambda: None
    finally:
        path.write_bytes(source)


def put_in(mutant: Mutant, source: bytes) -> None:
    """Give the live function the code that it has in the mutated file; whoever has imported it has it too."""
    places = place_of(mutant, source)
    compiled = compile(mutant.applied(source), mutant.path, "exec", dont_inherit=True)
    module = importlib.import_module(mutant.path.removesuffix(".py").replace("/", "."))
    found: Any = reduce(getattr_static, places, module)
    while not isinstance(found, types.FunctionType):
        if hasattr(found, "cache_clear"):
            found.cache_clear()
        found = next(getattr(found, name) for name in ("__wrapped__", "fget", "__func__") if hasattr(found, name))
    found.__code__ = reduce(_inner, places, compiled)


def getattr_static(owner: Any, name: str) -> Any:
    """Return what a class or module holds under a name, without binding it."""
    return vars(owner)[name]


def _inner(code: types.CodeType, name: str) -> types.CodeType:
    return next(part for part in code.co_consts if isinstance(part, types.CodeType) and part.co_name == name)


def place_of(mutant: Mutant, source: bytes) -> list[str]:
    """Return the names of the classes and of the outermost function whose body a mutant is in; none: outside of any."""
    places: list[str] = []
    nodes: Sequence[ast.AST] = ast.parse(source).body
    while around := [node for node in nodes if _is_around(mutant, node)]:
        (node,) = around
        if isinstance(node, ast.ClassDef):
            places.append(node.name)
            nodes = node.body
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.body[0].lineno <= mutant.line:
            return [*places, node.name]
        else:
            break
    return []


def _is_around(mutant: Mutant, node: ast.AST) -> bool:
    return bool(node.lineno <= mutant.line <= (node.end_lineno or 0))  # type: ignore[attr-defined]


def _nearest_first(items: Sequence[pytest.Item], suites: Sequence[Suite]) -> list[pytest.Item]:
    taken: dict[str, pytest.Item] = {}
    for suite in suites:
        taken |= {item.nodeid: item for item in items if item.nodeid not in taken and suite.takes(item.nodeid)}
    return list(taken.values())


def _leave(answer: int, work: Callable[[], str]) -> None:
    """Do the work of a forked process and end it, whatever happens: it must never go on as if it were the first."""
    said = ""
    try:
        said = work()
    except BaseException as error:  # noqa: BLE001 - told to the first process
        said = f"{Result.UNCLEAR} by {type(error).__name__}: {error}"
    finally:
        try:
            os.write(answer, said.encode())
            sys.stdout.flush()
        finally:
            os._exit(0)


def _ended_late(process: int) -> bool:
    """Wait for a process and tell whether it had to be stopped; asked first, so that it takes its Redis along."""
    for sign in (signal.SIGINT, signal.SIGKILL):
        if any(os.waitpid(process, os.WNOHANG)[0] for _ in _moments(LIMIT if sign is signal.SIGINT else 10.0)):
            return sign is signal.SIGKILL
        os.kill(process, sign)
    os.waitpid(process, 0)
    return True


def _moments(seconds: float) -> Iterator[None]:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        yield
        time.sleep(0.005)
