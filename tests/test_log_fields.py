"""Every field that the code logs is one that the lines keep: another would be dropped where it is needed most."""

import ast
from collections.abc import Iterator
from pathlib import Path

from bot.logs import FIELDS

ROOT = Path(__file__).parents[1]
LEVELS = {"debug", "info", "warning", "error", "critical", "exception"}
FOR_THE_LIBRARY = {"exc_info"}


def _logged(folder: str) -> Iterator[tuple[str, str]]:
    """Return where each field is logged, and its name."""
    for file in sorted((ROOT / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and _is_line(node.func):
                place = f"{file.relative_to(ROOT)}:{node.lineno}"
                yield from ((place, keyword.arg) for keyword in node.keywords if keyword.arg)


def _is_line(called: ast.expr) -> bool:
    return (
        isinstance(called, ast.Attribute)
        and called.attr in LEVELS
        and isinstance(called.value, ast.Name)
        and called.value.id == "log"
    )


def test_no_field_that_is_logged_is_dropped() -> None:
    logged = [*_logged("bot"), *_logged("handlers")]

    assert len(logged) > 50
    assert [(place, name) for place, name in logged if name not in FIELDS | FOR_THE_LIBRARY] == []
