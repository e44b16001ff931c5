"""Which files are mutated, and the tests nearest to each: first those that mostly notice, then the wider ones."""

from pathlib import Path

from tests.mutation.warm import Suite

LUA = "bot/adapters/lua"
SCRIPTS = [
    Suite(("tests/contracts",), "redis"),
    Suite(("tests/adapters/test_redis_store.py", "tests/adapters/test_redis_freeze.py")),
]
ADOPTIONS = [Suite(("tests/adapters/test_redis_adoption.py",)), Suite(("tests/adapters/test_redis_store.py",))]
SEALS = [Suite(("tests/contracts/test_trail.py",)), Suite(("tests/worker/test_sealer.py",))]
CRASHES = "tests/services/test_crashes.py"
"""They take as long as all others together, so they come last, and only where something is written."""
USE_CASES = [Suite(("tests/services",), without=CRASHES), Suite(("tests/handlers",))]
WRITES = {"execution", "writing", "finishing", "verification"}
DOMAIN = ("access", "plan", "preflight", "moves", "operation", "record", "freeze", "grammar")
SERVICES = (
    "requests", "moderation", "buttons", "own_buttons", "marks", "recheck", "policies", "forgery", "admission",
    "freezing", "planning", "execution", "writing", "finishing", "verification", "unfreezing",
)  # fmt: skip
FIRST = {
    "requests": ["test_requests", "test_votes", "test_request_limit", "test_safekeeping"],
    "admission": ["test_requests"],
    "moderation": ["test_request_limit", "test_requests"],
    "buttons": ["test_buttons", "test_votes", "test_marks"],
    "own_buttons": ["test_buttons", "test_votes"],
    "execution": ["test_execution", "test_takeover", "test_kill_switch", "test_postponing", "test_claiming"],
    "finishing": ["test_finishing", "test_waiting_out"],
    "unfreezing": ["test_unfreezing", "test_freezing"],
    "freezing": ["test_freezing", "test_kill_switch"],
}
"""Where the tests of a service have other names than the service."""

FILES = [
    *(f"{LUA}/{name}.lua" for name in ("commit", "record", "seal", "adopt", "beside")),
    *(f"bot/domain/{name}.py" for name in DOMAIN),
    *(f"bot/services/{name}.py" for name in SERVICES),
]


def suites_of(path: str) -> list[Suite]:
    """Return the suites for a mutant of this file, run one after the other until one notices."""
    name = Path(path).stem
    if path.startswith(LUA):
        return {"seal": SEALS, "adopt": ADOPTIONS}.get(name, SCRIPTS)
    if path.startswith("bot/domain"):
        return [Suite((f"tests/domain/test_{name}.py",)), Suite(("tests/domain",)), *USE_CASES]
    first = tuple(f"tests/services/{test}.py" for test in FIRST.get(name, [f"test_{name}"]))
    return [Suite(first), *USE_CASES, *([Suite((CRASHES,))] if name in WRITES else [])]


def folders_of(paths: list[str]) -> list[str]:
    """Return the folders of all tests for the mutants of these files."""
    named = {place for path in paths for suite in suites_of(path) for place in suite.paths}
    return sorted({"/".join(place.split("/")[:2]) for place in named})
