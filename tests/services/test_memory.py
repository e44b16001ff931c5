"""Last good answers: kept with their age, never taken for live ones, never in the way."""

from dataclasses import replace

import pytest

from bot.domain.snapshot import Endpoints
from bot.errors import StoreUnavailable
from bot.services import memory
from tests.builders import endpoints
from tests.fakes import FakeClock, FakeOperations
from tests.services.world import a_world


class _NoStore(FakeOperations):
    """A store that neither keeps nor gives anything."""

    async def remember(self, key: str, value: str) -> None:
        """Fail."""
        raise StoreUnavailable("Redis does not answer.")

    async def recall(self, key: str) -> str | None:
        """Fail."""
        raise StoreUnavailable("Redis does not answer.")


async def test_endpoints_come_back_as_they_were_but_not_as_live() -> None:
    world = a_world()
    await memory.keep_endpoints(world.ports, "cri-aaaaa", endpoints())

    assert await memory.last_endpoints(world.ports, "cri-aaaaa") == endpoints(is_live=False)
    assert await memory.last_endpoints(world.ports, "cri-bbbbb") is None


@pytest.mark.parametrize("text", ["", "{}", "not JSON", "null", '{"internet": 1, "links": [], "as_of": 0}'])
async def test_what_cannot_be_read_back_is_nothing(text: str) -> None:
    world = a_world()
    await world.operations.remember("endpoints:cri-aaaaa", text)

    assert await memory.last_endpoints(world.ports, "cri-aaaaa") is None


async def test_a_store_that_fails_is_not_noticed() -> None:
    world = a_world()
    world.ports = replace(world.ports, operations=_NoStore(FakeClock()))

    await memory.keep_endpoints(world.ports, "cri-aaaaa", endpoints())

    assert await memory.last_endpoints(world.ports, "cri-aaaaa") is None


async def test_an_answer_is_never_kept_as_remembered_twice_over() -> None:
    world = a_world()
    await memory.keep_endpoints(world.ports, "cri-aaaaa", endpoints())
    first = await memory.last_endpoints(world.ports, "cri-aaaaa")

    assert isinstance(first, Endpoints)
    assert not first.is_live
