"""Put the simulated world together: start its sections, announce where they are, and end them again."""

import itertools
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from simulator.alibaba.server import Alibaba
from simulator.certificates import Authority
from simulator.configuration import environment, write_configuration, write_trust
from simulator.control import Control
from simulator.dns import Resolvers
from simulator.editing import third_party_edit
from simulator.faults import Faults
from simulator.generator import Generation
from simulator.picture import Picture
from simulator.pushes import Pushers
from simulator.registries import Registries
from simulator.replication import Engine
from simulator.replication_control import ReplicationControl
from simulator.slack import Slack
from simulator.world import World

HOST = "127.0.0.1"
SECTIONS = ("alibaba", "dns", "registries", "slack")
MANIFEST = Path(__file__).parents[1] / "manifest.yml"

Wire = dict[str, Any]


class Simulator:
    """A running world; sections that were not asked for are None."""

    def __init__(self, world: World, directory: Path, port_for: Callable[[], int]) -> None:
        self.world = world
        self.faults = Faults(lambda: tuple(world.sites))
        world.is_time_stuck = lambda instance: self.faults.active("modified_time_stuck", instance.site)
        self.announcement: Wire = {}
        self.alibaba: Alibaba | None = None
        self.resolvers: Resolvers | None = None
        self.registries: Registries | None = None
        self.slack: Slack | None = None
        self.engine = Engine(world, self.faults)
        self.pushers = Pushers(world, self.faults)
        self._authority = Authority(directory)
        self._directory = directory
        self._port_for = port_for
        self.faults.subscribe(self._react)

    @property
    def calls(self) -> list[Wire]:
        """Every OpenAPI call seen, oldest first."""
        return self.alibaba.cloud.calls if self.alibaba else []

    async def start(self, sections: set[str], stack: AsyncExitStack) -> None:
        """Start the sections, then control, and announce them."""
        await self._start_cloud(sections, stack)
        if "slack" in sections:
            self.slack = self._workspace()
            await self.slack.start(HOST, self._port_for())
            stack.push_async_callback(self.slack.close)
        control = Control(self.world, self.faults, self.pushers, self.alibaba, self.slack, self.reset)
        await control.start(HOST, self._port_for())
        stack.push_async_callback(control.close)
        self.announcement = self._announce(control.url)

    def _workspace(self) -> Slack:
        picture = Picture(self.world, self.faults, self.pushers.per_minute)
        acts = ReplicationControl(self.world, self.pushers, self.alibaba).page_acts
        return Slack(manifest=MANIFEST, faults=self.faults, picture=picture, acts=acts)

    async def _start_cloud(self, sections: set[str], stack: AsyncExitStack) -> None:
        await self.engine.start()
        stack.push_async_callback(self.engine.close)
        await self.pushers.start()
        stack.push_async_callback(self.pushers.close)
        if "alibaba" in sections:
            self.alibaba = Alibaba(self.world, self.faults)
            stack.push_async_callback(self.alibaba.close)
            await self.alibaba.start(HOST, self._port_for)
        if "dns" in sections:
            self.resolvers = Resolvers(self.world, self.faults)
            stack.push_async_callback(self.resolvers.close)
            await self.resolvers.start(HOST, self._port_for)
        if "registries" in sections:
            self.registries = Registries(self.world, self.faults, self._authority)
            stack.push_async_callback(self.registries.close)
            await self.registries.start(HOST, self._port_for)

    def reset(self) -> None:
        """Make everything as it was at the start; connections, keys and ports stay."""
        self.faults.clear()
        self.world.reset()
        self.pushers.reset()
        if self.alibaba:
            self.alibaba.reset()
        if self.resolvers:
            self.resolvers.forget()
        if self.slack:
            self.slack.reset()

    def _react(self, name: str, target: str | None, on: bool) -> None:
        if name == "third_party_edit" and on:
            third_party_edit(self.world, target)

    def _announce(self, control: str) -> Wire:
        resolvers = self.resolvers.addresses if self.resolvers else {}
        config = self._directory / "registry.yaml"
        write_configuration(config, self.world, resolvers)
        announcement: Wire = {"control": control, "config": str(config), "ca": str(self._authority.ca_path)}
        if self.alibaba:
            announcement["alibaba"] = _alibaba(self.alibaba)
        if self.resolvers:
            announcement["dns"] = resolvers
        if self.registries:
            announcement["registries"] = self.registries.addresses
        if self.slack:
            announcement["slack"] = _slack(self.slack)
        dial = self.registries.dial if self.registries else {}
        return announcement | {"env": environment(announcement, dial, self._trust())}

    def _trust(self) -> Path:
        """Trust the test authority alone, unless the bot talks to a Slack outside, whose certificate is a real one."""
        if self.slack:
            return self._authority.ca_path
        return write_trust(self._directory / "trust.pem", self._authority.ca_path)


def _alibaba(alibaba: Alibaba) -> Wire:
    others = {
        pair.account: {"access_key_id": pair.access_key_id, "access_key_secret": pair.access_key_secret}
        for pair in alibaba.others
    }
    return ({"accounts": others} if others else {}) | {
        "pvtz": alibaba.pvtz,
        "cr": ",".join(f"{region}={address}" for region, address in alibaba.cr.items()),
        "access_key_id": alibaba.writer.access_key_id,
        "access_key_secret": alibaba.writer.access_key_secret,
    }


def _slack(slack: Slack) -> Wire:
    return {
        "api_url": slack.api_url,
        "page": slack.page_url,
        "bot_token": slack.bot_token,
        "app_token": slack.app_token,
        "signing_secret": slack.signing_secret,
    }


def ports(base: int | None) -> Callable[[], int]:
    """Hand out one port after another from a base, or leave each to the system."""
    numbers = itertools.repeat(0) if base is None else itertools.count(base)
    return lambda: next(numbers)


@asynccontextmanager
async def running(
    only: set[str] | None = None,
    port_base: int | None = None,
    world: Path | None = None,
    generate: Generation | None = None,
) -> AsyncIterator[Simulator]:
    """Run the simulated world, or some sections of it, with more images where wanted, while the context lasts."""
    if unknown := (only or set()) - set(SECTIONS):
        raise ValueError(f"No section is called {min(unknown)!r}. Sections: {', '.join(SECTIONS)}.")
    more = (generate,) if generate else ()
    loaded = World.load(world, *more) if world else World.seed(*more)
    with tempfile.TemporaryDirectory(prefix="registry-simulator-") as directory:
        async with AsyncExitStack() as stack:
            simulator = Simulator(loaded, Path(directory), ports(port_base))
            await simulator.start(only or set(SECTIONS), stack)
            yield simulator
