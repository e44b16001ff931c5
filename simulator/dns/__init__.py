"""The resolvers inside the VPCs: real DNS on loopback, one for each VPC of the simulated world."""

import time
from collections.abc import Callable

from simulator.dns.server import Server
from simulator.dns.view import View
from simulator.faults import Faults
from simulator.world import World

SLOW_SECONDS = 1.0


class Resolvers:
    """Run one resolver a VPC; `addresses` says where each listens.

    PrivateZone's resolution goes on when its control plane, a region's registry or Slack is down, so of all faults only
    `slow` is felt here.
    """

    def __init__(self, world: World, faults: Faults, clock: Callable[[], float] = time.monotonic) -> None:
        self._faults = faults
        self._servers = {
            vpc: Server(View(world, vpc, clock), self._delay_at(site.name)) for vpc, site in world.vpcs.items()
        }

    @property
    def addresses(self) -> dict[str, str]:
        """Return `host:port` of each VPC's resolver."""
        return {vpc: server.address for vpc, server in self._servers.items()}

    async def start(self, host: str, next_port: Callable[[], int]) -> None:
        """Start every resolver, each on the next port; 0 means any."""
        for server in self._servers.values():
            await server.start(host, next_port())

    async def close(self) -> None:
        """Stop listening."""
        for server in self._servers.values():
            await server.close()

    def forget(self) -> None:
        """Empty every cache, as after a reset of the world."""
        for server in self._servers.values():
            server.view.forget()

    def _delay_at(self, site: str) -> Callable[[], float]:
        return lambda: SLOW_SECONDS if self._faults.active("slow", site) else 0.0
