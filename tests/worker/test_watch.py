"""What is kept ready for a bad hour: fresh identities, and the last good state of every site."""

from dataclasses import replace
from datetime import timedelta

from structlog.testing import capture_logs

from bot.domain.access import Identity
from bot.domain.operation import State
from bot.errors import Unreachable
from bot.services.identity import IDENTITY_MAX_AGE
from bot.services.memory import last_endpoints
from bot.worker.watch import AFTER_A_CLICK, IDENTITY_EVERY, refresh_identities, remember_sites
from tests.builders import APPROVER, APPROVER_ELSEWHERE, ON_CALL
from tests.fakes import FakeClock, FakeIdentities
from tests.services.world import World, a_world


class _Asked(FakeIdentities):
    """Slack, keeping who was asked about and how old an answer may be; one person cannot be found."""

    def __init__(self, clock: FakeClock, missing: str = "") -> None:
        super().__init__(clock)
        self.asked: dict[str, timedelta] = {}
        self._missing = missing

    async def identity(self, user_id: str, max_age: timedelta) -> Identity:
        """Answer, and remember the question."""
        self.asked[user_id] = max_age
        if user_id == self._missing:
            raise Unreachable("Slack does not answer.")
        return await super().identity(user_id, max_age)


def _asked(world: World, missing: str = "") -> _Asked:
    identities = _Asked(world.clock, missing)
    world.ports = replace(world.ports, identities=identities)
    return identities


async def test_while_something_is_pending_requester_and_approvers_are_asked_about_afresh() -> None:
    world = a_world()
    await world.ask()
    identities = _asked(world)

    await refresh_identities(world.ports)

    assert set(identities.asked) == {ON_CALL, APPROVER, APPROVER_ELSEWHERE}
    assert IDENTITY_EVERY + AFTER_A_CLICK + max(identities.asked.values()) <= IDENTITY_MAX_AGE


async def test_when_nothing_is_pending_nobody_is_asked_about() -> None:
    world = a_world()
    operation = await world.approve()
    world.operations.put(replace(operation, id="fo-9999", state=State.DONE))
    identities = _asked(world)

    await refresh_identities(world.ports)

    assert identities.asked == {}


async def test_a_person_who_cannot_be_asked_about_does_not_keep_the_others_from_it() -> None:
    world = a_world()
    await world.ask()
    identities = _asked(world, missing=ON_CALL)

    with capture_logs() as logs:
        await refresh_identities(world.ports)

    assert len(identities.asked) == 3
    assert [entry["event"] for entry in logs] == ["identity.not_refreshed"]


async def test_the_endpoints_of_every_site_are_remembered() -> None:
    world = a_world()

    await remember_sites(world.ports)

    assert await last_endpoints(world.ports, "cri-aaaaa") is not None
    assert await last_endpoints(world.ports, "cri-bbbbb") is not None


async def test_a_dead_site_does_not_keep_the_others_from_being_remembered() -> None:
    world = a_world()
    world.registries.down.add("zhangjiakou")

    await remember_sites(world.ports)

    assert await last_endpoints(world.ports, "cri-aaaaa") is not None
    assert await last_endpoints(world.ports, "cri-bbbbb") is None
