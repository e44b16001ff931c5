"""How long the bot's functions and files are."""

import ast
import statistics
from collections.abc import Iterator
from pathlib import Path

from benchmarks.stage import ROOT
from benchmarks.table import Row

GROUP = "code"


def functions(path: Path) -> Iterator[tuple[str, int]]:
    """Return each function of a file with its length in lines, docstring and signature included."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            assert node.end_lineno is not None
            yield f"{path.relative_to(ROOT)}:{node.name}", node.end_lineno - node.lineno + 1


def rows() -> Iterator[Row]:
    """Measure bot/ and handlers/."""
    paths = [path for folder in ("bot", "handlers") for path in sorted((ROOT / folder).rglob("*.py"))]
    found = dict(length for path in paths for length in functions(path))
    files = {str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines()) for path in paths}
    longest, largest = max(found, key=found.__getitem__), max(files, key=files.__getitem__)
    mean = statistics.fmean(found.values())
    yield Row(GROUP, "functions, mean", mean, "≤", 12, "lines", f"{len(found)} functions in {len(files)} files")
    yield Row(GROUP, "functions, longest", found[longest], "≤", 50, "lines", longest)
    yield Row(GROUP, "files, longest", files[largest], "≤", 300, "lines", largest)
