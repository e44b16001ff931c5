"""Which files are mutated, and the tests nearest to each: first those that mostly notice, then the wider ones."""

from collections.abc import Sequence
from pathlib import Path

from tests.mutation.workshop import ROOT

LUA = "bot/adapters/lua"
SCRIPTS = [
    ["tests/contracts", "-k", "redis"],
    ["tests/adapters/test_redis_store.py", "tests/adapters/test_redis_freeze.py"],
]
USE_CASES = ["tests/services", "tests/handlers"]
DOMAIN = ("access", "plan", "preflight", "operation", "record", "freeze", "grammar")
SERVICES = (
    "requests", "admission", "buttons", "marks", "recheck", "execution", "writing", "finishing", "verification",
    "freezing", "unfreezing",
)  # fmt: skip
FIRST = {
    "requests": ["test_requests", "test_votes", "test_request_limit"],
    "admission": ["test_requests"],
    "buttons": ["test_votes", "test_marks"],
    "execution": ["test_execution", "test_takeover", "test_kill_switch", "test_postponing"],
    "writing": ["test_writing"],
    "unfreezing": ["test_unfreezing", "test_freezing"],
    "freezing": ["test_freezing", "test_kill_switch"],
}
"""Where the tests of a service have other names than the service."""

FILES = [
    *(f"{LUA}/{name}.lua" for name in ("commit", "record")),
    *(f"bot/domain/{name}.py" for name in DOMAIN),
    *(f"bot/services/{name}.py" for name in SERVICES),
]


def suites_of(path: str) -> list[Sequence[str]]:
    """Return the suites for a mutant of this file, run one after the other until one notices."""
    name = Path(path).stem
    if path.startswith(LUA):
        return [*SCRIPTS]
    if path.startswith("bot/domain"):
        return [_there([f"tests/domain/test_{name}.py"]), ["tests/domain"], USE_CASES]
    first = _there([f"tests/services/{test}.py" for test in FIRST.get(name, [f"test_{name}"])])
    return [suite for suite in (first, USE_CASES) if suite]


def _there(paths: Sequence[str]) -> list[str]:
    return [path for path in paths if (ROOT / path).exists()]
