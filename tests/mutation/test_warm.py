"""A mutant takes effect in a process that has imported everything already."""

from dataclasses import replace
from pathlib import Path

from bot.domain import access
from tests.mutation.mutants import Mutant, mutants
from tests.mutation.warm import Suite, place_of, put_in

ACCESS = "bot/domain/access.py"
SOURCE = Path(access.__file__).read_bytes()


def _mutants(within: str) -> list[Mutant]:
    return [mutant for mutant in mutants(ACCESS, SOURCE) if mutant.within == within]


def test_a_mutant_is_placed_in_the_outermost_function_around_it() -> None:
    places = [place_of(_mutants(name)[0], SOURCE) for name in ("admits_channel", "_may_freeze")]

    assert places == [["Policy", "admits_channel"], ["_may_freeze"]]
    assert place_of(replace(_mutants("_may_freeze")[0], line=1), SOURCE) == []


def test_who_imported_a_function_has_it_mutated_and_as_it_was_again() -> None:
    policy, mutant = access.Policy(("C1",), "C1"), _mutants("admits_channel")[0]
    kept = access.Policy.admits_channel.__code__

    put_in(mutant, SOURCE)
    mutated = policy.admits_channel("C1", "general")
    access.Policy.admits_channel.__code__ = kept

    assert (mutated, policy.admits_channel("C1", "general")) == (False, True)


def test_a_suite_takes_its_files_and_folders_by_name() -> None:
    suite = Suite(("tests/services",), "redis", without="tests/services/test_crashes.py")

    assert suite.takes("tests/services/test_x.py::test_it[redis]")
    assert not suite.takes("tests/services/test_x.py::test_it[memory]")
    assert not suite.takes("tests/services/test_crashes.py::test_it[redis]")
