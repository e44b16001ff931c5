"""/registry replication"""

import asyncio
from datetime import timedelta

import pytest

from bot.domain.snapshot import Inventory
from bot.domain.topology import Site
from bot.errors import UnknownSite, UsageError
from handlers.replication import PATIENCE
from tests.fakes import FakeRegistries, some_ports, some_rules
from tests.handlers.calls import answer


async def test_without_words_every_site_is_compared_with_its_first_standby() -> None:
    message = await answer(some_ports(), "replication")

    assert "hangzhou to zhangjiakou" in message.text
    assert "zhangjiakou to hangzhou" in message.text


@pytest.mark.parametrize(
    "text", ["replication from zjk to hz", "replication from zjk", "replication to hz", "replication to hz from zjk"]
)
async def test_one_direction_can_be_named_from_either_end(text: str) -> None:
    message = await answer(some_ports(), text)

    assert "zhangjiakou to hangzhou" in message.text
    assert "hangzhou to zhangjiakou" not in message.text


@pytest.mark.parametrize(
    "text", ["replication zjk", "replication from", "replication from zjk from hz", "replication away zjk"]
)
async def test_other_words_get_the_usage(text: str) -> None:
    with pytest.raises(UsageError, match="from <site> to <site>"):
        await answer(some_ports(), text)


async def test_a_site_is_not_compared_with_itself() -> None:
    with pytest.raises(UsageError, match="two different sites"):
        await answer(some_ports(), "replication from zjk to zjk")


async def test_an_unknown_site_gets_candidates() -> None:
    with pytest.raises(UnknownSite, match="Did you mean zhangjiakou"):
        await answer(some_ports(), "replication from zhangjiakuo")


async def test_lists_that_take_longer_than_a_plan_may_wait_are_waited_for() -> None:
    ports = some_ports(rules=some_rules(read_deadline=timedelta(seconds=0.01)), registries=_SlowLists())

    message = await answer(ports, "replication from zjk to hz")

    assert message.text == "IN STEP: all 3 critical images identical, zhangjiakou to hangzhou"
    assert timedelta(seconds=20) == PATIENCE


class _SlowLists(FakeRegistries):
    """Registries whose lists of images come later than a plan may wait for them."""

    async def inventory(self, site: Site, globs: tuple[str, ...]) -> Inventory:
        """Answer late."""
        await asyncio.sleep(0.05)
        return await super().inventory(site, globs)
