"""However many people ask about copies at once, no more parts of inventories are gone through at a time."""

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any

from bot.domain.inventory import Repository
from bot.domain.report import Assessment
from bot.ports import COMPARED_AT_ONCE, Ports
from bot.services.replication import question
from bot.services.study import study_all
from tests.domain.stocks import SOURCE, TARGET
from tests.fake_inventories import FakeInventories
from tests.fakes import FakeClock, some_ports
from tests.services.replicated import Replicated


class Crowded(FakeInventories):
    """Inventories that notice how many are reading them at a time."""

    def __init__(self, filled: FakeInventories) -> None:
        super().__init__()
        self.known, self.kept = filled.known, filled.kept
        self.reading = self.most = self.read = 0

    async def repositories(self, instance: str, paths: Sequence[str]) -> tuple[Repository | None, ...]:
        """Take a moment over each reading."""
        if not paths:
            return ()
        self.reading += 1
        self.read += 1
        self.most = max(self.most, self.reading)
        await asyncio.sleep(0)
        self.reading -= 1
        return await super().repositories(instance, paths)


async def test_many_askers_take_turns_and_all_are_answered() -> None:
    world = Replicated()
    for number in range(120):
        world.push(SOURCE, f"core/app{number}", "1")
    for site in (SOURCE, TARGET):
        world.read(site, 200)
    kept = Crowded(world.kept)
    ports = some_ports(clock=FakeClock(world.now), inventories=kept)

    answers = await asyncio.gather(*(_answer(ports) for _ in range(10)))

    assert {answer.report.judgement.judged.missing for (answer,) in answers} == {120}
    assert kept.most <= COMPARED_AT_ONCE
    assert kept.read >= 10 * 2 * 2 * 3  # the comparison and the audit of rules of each, both sides, three batches


def _answer(ports: Ports) -> Coroutine[Any, Any, tuple[Assessment, ...]]:
    sites = ports.rules.topology.sites
    return study_all(ports, [question(ports, sites[SOURCE], sites[TARGET], None, None)])
