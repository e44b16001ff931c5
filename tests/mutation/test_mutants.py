"""The tool finds the guards of a file and takes away one at a time."""

from tests.mutation.mutants import mutants

PYTHON = b"""\
ENDS = {state for state in State if state.is_terminal}
def may(person, now):
    if person is None and now < 5:
        return False
    return Commit(person, unless_held=True)
"""
LUA = b"""\
local function refusal()
  if terms.not_after and now > terms.not_after then
    return { 'LATE' }
  end
  redis.call('SET', KEYS[1], now)
end
"""


def test_a_condition_is_made_false_and_true_and_loses_each_of_its_parts() -> None:
    found = [mutant.now for mutant in mutants("bot/x.py", PYTHON)]

    assert found == ["(now < 5)", "(person is None)", "False", "True", "(now <= 5)", "**{}"]


def test_a_script_loses_its_guards_and_its_writes() -> None:
    found = [mutant.now for mutant in mutants("x.lua", LUA)]

    assert found == ["false", "now > terms.not_after", "terms.not_after", "true", ""]


def test_a_mutant_changes_one_place_and_is_named_without_its_line() -> None:
    last = mutants("x.lua", LUA)[-1]

    assert last.applied(LUA) == LUA.replace(b"redis.call('SET', KEYS[1], now)", b"")
    assert (last.line, last.name) == (5, "x.lua refusal: redis.call('SET', KEYS[1], now) -> nothing")
