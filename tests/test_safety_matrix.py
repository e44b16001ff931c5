"""Every row of the fault and attack tables is shown by a test that names it, or says why it is not."""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "safety.md"
ROWS = [f"F{n:02}" for n in range(1, 67)] + [f"A{n:02}" for n in range(1, 53)]
REASON = "not shown: "
"""How the last cell of a row without a test begins."""
LATER = "nothing yet"
"""What is written for a row with neither."""
MOST = 3
NOT_RUN = {"pytest.mark.skip", "pytest.mark.xfail", "pytest.mark.browser"}
"""What is left out, or may fail, shows nothing; a condition on the system is another matter."""
_ROW = re.compile(r"^\| ([FA]\d\d) \| (.+) \| (.+) \| (.+) \|$", re.MULTILINE)
_NAMED = re.compile(r"`([\w/]+\.py)::(\w+)`")


def cells(page: str) -> dict[str, str]:
    """Return the last cell of every row."""
    return {found[1]: found[4] for found in _ROW.finditer(page)}


def marks(source: str) -> Iterator[tuple[str, str]]:
    """Yield each test with each row that it names; a row that is no plain text is named by its code."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            inside = [each for decorator in node.decorator_list for each in ast.walk(decorator)]
            if any(isinstance(each, ast.Attribute) and ast.unparse(each) in NOT_RUN for each in inside):
                continue
            for call in inside:
                if isinstance(call, ast.Call) and ast.unparse(call.func) == "pytest.mark.covers":
                    yield from ((node.name, _text(row)) for row in call.args)


def _text(row: ast.expr) -> str:
    return row.value if isinstance(row, ast.Constant) and isinstance(row.value, str) else ast.unparse(row)


def shown() -> dict[str, list[str]]:
    """Return the tests that show each row, as `folder/file.py::name`."""
    tests: dict[str, list[str]] = {}
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        for name, row in marks(path.read_text(encoding="utf-8")):
            tests.setdefault(row, []).append(f"{path.relative_to(ROOT / 'tests')}::{name}")
    return tests


def faults(page: str, tests: dict[str, list[str]]) -> list[str]:
    """Return what is wrong between the page and the tests."""
    told = cells(page)
    return [
        *(f"{row} is named by {tests[row][0]} and stands in no table" for row in sorted(set(tests) - set(ROWS))),
        *(f"{row} stands in no table" for row in ROWS if row not in told),
        *(f"{row} stands in a table and is no row" for row in told if row not in ROWS),
        *(f for row, cell in told.items() for f in _about(row, cell, tests.get(row, []))),
    ]


def _about(row: str, cell: str, tests: list[str]) -> Iterator[str]:
    if cell.startswith(REASON.strip()):
        if len(cell.removeprefix(REASON.strip()).strip(" .")) < 15:
            yield f"{row} has no reason"
        if tests:
            yield f"{row} has a reason although {tests[0]} shows it"
        return
    if not tests:
        yield f"{row} has neither a test nor a reason"
    named = [f"{file}::{name}" for file, name in _NAMED.findall(cell)]
    if not named:
        yield f"{row} names no test; run python -m tests.test_safety_matrix"
    yield from (
        f"{row} names {each}, which does not show it; run python -m tests.test_safety_matrix"
        for each in named
        if each not in tests
    )


def with_tests(page: str, tests: dict[str, list[str]]) -> str:
    """Return the page with the tests that there are; reasons stay."""

    def row(found: re.Match[str]) -> str:
        listed = tests.get(found[1], [])
        more = f" and {len(listed) - MOST} more" if len(listed) > MOST else ""
        cell = "<br>".join(f"`{each}`" for each in listed[:MOST]) + more
        kept = found[4] if found[4].startswith(REASON) else LATER
        return f"| {found[1]} | {found[2]} | {found[3]} | {cell or kept} |"

    return _ROW.sub(row, page)


def test_every_row_is_shown_by_a_test_or_says_why_not() -> None:
    assert faults(PAGE.read_text(encoding="utf-8"), shown()) == []


GOOD = "".join(f"| {row} | what | holds | `a.py::test_it` |\n" for row in ROWS)
TESTS = {row: ["a.py::test_it"] for row in ROWS}


def test_a_page_on_which_every_row_names_its_test_is_good() -> None:
    assert faults(GOOD, TESTS) == []
    assert with_tests(GOOD, TESTS) == GOOD


@pytest.mark.parametrize(
    ("was", "now", "tests", "told"),
    [
        ("`a.py::test_it` |\n| F06", "not shown: |\n| F06", {"F05": []}, "F05 has no reason"),
        ("| F05 | what", "| X | what", {}, "F05 stands in no table"),
        ("| F05 | what", "| F77 | what", {}, "F77 stands in a table and is no row"),
        ("", "", {"F05": []}, "F05 has neither a test nor a reason"),
        ("", "", {"F99": ["a.py::test_it"]}, "F99 is named by a.py::test_it and stands in no table"),
        (
            "`a.py::test_it` |\n| F06",
            "not shown: nobody has such a thing here |\n| F06",
            {},
            "F05 has a reason although",
        ),
        ("`a.py::test_it` |\n| F06", "`a.py::test_that` |\n| F06", {}, "F05 names a.py::test_that, which does not"),
    ],
)
def test_a_page_that_says_other_than_the_tests_is_found_out(
    was: str, now: str, tests: dict[str, list[str]], told: str
) -> None:
    assert any(each.startswith(told) for each in faults(GOOD.replace(was, now), TESTS | tests))


def test_a_row_without_tests_may_say_why() -> None:
    page = GOOD.replace("`a.py::test_it` |\n| F12", "not shown: there is no Cluster to move slots in |\n| F12")

    assert faults(page, {row: tests for row, tests in TESTS.items() if row != "F11"}) == []


def test_rows_are_read_from_every_kind_of_mark() -> None:
    source = """
@pytest.mark.covers("F01", "A02")
@pytest.mark.parametrize("x", [pytest.param(1, marks=pytest.mark.covers("F03")), 2])
async def test_it(x): ...

@pytest.mark.covers(ROW)
def test_that(): ...

@pytest.mark.covers("F04")
@pytest.mark.skip
def test_later(): ...
"""

    assert sorted(marks(source)) == [("test_it", "A02"), ("test_it", "F01"), ("test_it", "F03"), ("test_that", "ROW")]


if __name__ == "__main__":
    PAGE.write_text(with_tests(PAGE.read_text(encoding="utf-8"), shown()), encoding="utf-8")
    missing = [row for row, cell in cells(PAGE.read_text(encoding="utf-8")).items() if cell == LATER]
    sys.stdout.write(f"Rows with neither a test nor a reason: {' '.join(missing) or 'none'}\n")
