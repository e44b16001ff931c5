"""A company whose channel watches a site, for tests of what that channel is told."""

from dataclasses import replace
from typing import Any

from bot.domain.inventory import Tag
from bot.ports import Ports
from bot.services.subscribing import ROUND
from bot.worker.lookout import look_out
from tests.domain.stocks import a_feed, a_repository, a_rule, a_tag
from tests.fakes import FakeClock, FakeRegistries, FakeWorkspace, some_ports
from tests.handlers.kept import keep

ZJK, HZ, INC = "zhangjiakou", "hangzhou", "C02INC"
WAY = "zhangjiakou to hangzhou"
LONG_AGO = {"1": a_tag(), "2": a_tag("b", -22)}


class Watched:
    """A company whose channel watches zhangjiakou."""

    def __init__(self, **fields: Any) -> None:
        self.clock = FakeClock()
        self.registries = FakeRegistries()
        self.registries.rules = (a_rule(),)
        self.registries.feed = replace(a_feed(), total=0)
        self.workspace = FakeWorkspace()
        self.ports: Ports = some_ports(clock=self.clock, registries=self.registries, workspace=self.workspace, **fields)

    async def holds(self, here: dict[str, Tag], there: dict[str, Tag], *paths: str) -> None:
        """Have both sites hold these tags of each repository, as just read."""
        repositories = paths or ("core/api",)
        now = self.clock.now()
        for site, tags in ((ZJK, here), (HZ, there)):
            kept = [a_repository(path, tags, read_at=now) for path in repositories]
            await keep(self.ports, site, *kept, as_of=now)

    async def looks(self, *owners: str) -> list[str]:
        """Have bots look, a round later, and return what is told in all channels by then."""
        self.clock.move(ROUND)
        for owner in owners or ("bot-1",):
            await look_out(self.ports, owner)
        return [post.message.text for post in self.workspace.posts]
