"""The project's frame: what it declares, locks, builds and lets grow is what it says."""

import ast
import re
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import pytest
from hatchling.builders.wheel import WheelBuilder

ROOT = Path(__file__).parent.parent
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
RUNTIME: list[str] = PROJECT["project"]["dependencies"]
DEMO: list[str] = PROJECT["dependency-groups"]["demo"]
DEVELOPMENT = [entry for entry in PROJECT["dependency-groups"]["dev"] if isinstance(entry, str)]

LOCKS = [
    ("requirements.lock", RUNTIME),
    ("requirements-demo.lock", RUNTIME + DEMO),
    ("requirements-dev.lock", RUNTIME + DEMO + DEVELOPMENT),
]
PACKAGES = {"bot": RUNTIME, "handlers": RUNTIME, "simulator": RUNTIME + DEMO}


def _canonical(requirement: str) -> str:
    name = re.split(r"[^A-Za-z0-9._-]", requirement, maxsplit=1)[0]
    return re.sub(r"[-_.]+", "-", name).lower()


def _locked(file: str) -> dict[str, str]:
    blocks = re.split(r"\n(?=\S)", (ROOT / file).read_text(encoding="utf-8"))
    return {_canonical(block): block for block in blocks if block.strip()}


def _sources(*packages: str) -> list[Path]:
    return [path for package in packages for path in sorted((ROOT / package).rglob("*.py"))]


def _functions(path: Path) -> Iterator[tuple[str, int]]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            yield f"{path.relative_to(ROOT)}:{node.name}", lines


def _imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names.add(node.module)
    return {name.partition(".")[0] for name in names}


@pytest.mark.parametrize(("file", "declared"), LOCKS, ids=[file for file, _ in LOCKS])
def test_a_lock_holds_every_declared_dependency_at_one_version_with_hashes(file: str, declared: list[str]) -> None:
    locked = _locked(file)

    assert {_canonical(requirement) for requirement in declared} <= set(locked)
    assert all(re.match(r"\S+==\S+ .*--hash=sha256:[0-9a-f]{64}", block, re.DOTALL) for block in locked.values())


@pytest.mark.parametrize("file", [file for file, _ in LOCKS])
def test_a_lock_names_no_address(file: str) -> None:
    assert "://" not in (ROOT / file).read_text(encoding="utf-8")


def test_the_locks_agree_on_every_version() -> None:
    runtime, demo, development = (_locked(file) for file, _ in LOCKS)

    assert runtime.items() <= demo.items() <= development.items()


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_imports_only_what_the_project_declares_for_it(package: str) -> None:
    imported = set().union(*map(_imported, _sources(package))) - set(sys.stdlib_module_names) - set(PACKAGES)
    distributions = packages_distributions()
    needed = {name: {_canonical(owner) for owner in distributions.get(name, [name])} for name in imported}
    declared = {_canonical(requirement) for requirement in PACKAGES[package]}

    assert [name for name, owners in needed.items() if not owners & declared] == []


def test_every_dependency_has_its_reason_written_down() -> None:
    reasons = (ROOT / "docs" / "decisions" / "0001-dependencies.md").read_text(encoding="utf-8").lower()

    assert [entry for entry in RUNTIME + DEMO + DEVELOPMENT if _canonical(entry) not in reasons] == []


def test_no_source_file_is_longer_than_300_lines() -> None:
    lengths = {str(path.relative_to(ROOT)): len(path.read_bytes().splitlines()) for path in _sources(*PACKAGES)}

    assert {name: lines for name, lines in lengths.items() if lines > 300} == {}


def test_functions_have_at_most_12_lines_on_average_and_never_more_than_50() -> None:
    lengths = dict(function for path in _sources(*PACKAGES) for function in _functions(path))

    assert {name: lines for name, lines in lengths.items() if lines > 50} == {}
    assert sum(lengths.values()) / len(lengths) <= 12


def test_every_module_says_in_one_sentence_what_it_is_for() -> None:
    modules = {path: ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) for path in _sources(*PACKAGES)}

    assert [str(path.relative_to(ROOT)) for path, sentence in modules.items() if not sentence] == []


def test_the_wheel_carries_the_bot_with_its_scripts_and_not_the_simulator(tmp_path: Path) -> None:
    [wheel] = WheelBuilder(str(ROOT)).build(directory=str(tmp_path), versions=["standard"])
    names = set(zipfile.ZipFile(wheel).namelist())
    scripts = {str(path.relative_to(ROOT)) for path in (ROOT / "bot").rglob("*.lua")}

    assert {str(path.relative_to(ROOT)) for path in _sources("bot", "handlers")} | scripts <= names
    assert {name.partition("/")[0] for name in names if ".dist-info" not in name} == {"bot", "handlers"}


def test_make_alone_lists_what_it_can_do() -> None:
    shown = subprocess.run(
        ["make", "--no-print-directory"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout

    assert {"setup", "demo", "test", "check", "bench", "lock", "clean"} <= set(re.findall(r"make (\w+)", shown))


def test_the_check_of_a_change_ends_with_the_test_command_of_the_readme() -> None:
    last = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()[-1]

    assert last == "make test"
    assert last in (ROOT / "README.md").read_text(encoding="utf-8")
