"""Every planted bug is found within the histories of each run, so finding none means something."""

import pytest
from hypothesis.stateful import run_state_machine_as_test

from tests.machine.history import History
from tests.machine.judge import Breach
from tests.machine.lengths import as_every_time
from tests.machine.planted import BUGS
from tests.machine.stores import Memory
from tests.simulation.run import bent


@pytest.mark.timeout(120)
@pytest.mark.parametrize("name", BUGS)
def test_a_planted_bug_is_found(name: str) -> None:
    bug = BUGS[name]

    class Bugged(History):
        store = staticmethod(Memory)
        alter = staticmethod(bug.planted.alter)

    with pytest.raises(Breach) as found, bent(bug.planted):
        run_state_machine_as_test(Bugged, settings=as_every_time())

    assert found.value.invariants & set(bug.breaks), found.value
