"""The data plane: one HTTPS registry an instance, with the token service and the layer bucket that a pull needs too."""

from collections.abc import Callable

from aiohttp import encode_basic_auth

from simulator.canary import secret
from simulator.certificates import Authority
from simulator.faults import Faults
from simulator.registries.front import Front
from simulator.registries.tokens import Tokens
from simulator.world import World


class Registries:
    """Run every instance of the world.

    `addresses` is where each instance's public endpoint is found on loopback, and `dial` where every `host:443` is: the
    names and addresses of the instances, their realms and their buckets. The custom domain is not in `dial`, as where
    it leads is for DNS to say. `login` is the Authorization header that the token services take, the same for every
    instance, since clients keep one password a host name.
    """

    def __init__(self, world: World, faults: Faults, authority: Authority) -> None:
        self.login = encode_basic_auth("puller", secret())
        tokens = Tokens(world.now_ms)
        self._fronts = {name: Front(name, world, faults, authority, tokens, self.login) for name in world.instances}
        faults.subscribe(self._react)

    @property
    def addresses(self) -> dict[str, str]:
        """Return `host:port` of each instance's public door."""
        return {name: front.internet.address for name, front in self._fronts.items()}

    @property
    def dial(self) -> dict[str, str]:
        """Return `host:port` on loopback for every `host:443` of the world but the custom domain's."""
        found: dict[str, str] = {}
        for front in self._fronts.values():
            for host, address in front.dial().items():
                found.setdefault(f"{host}:443", address)  # instances of one region share its realm
        return found

    async def start(self, host: str, next_port: Callable[[], int]) -> None:
        """Open every door, each on the next port; 0 means any."""
        for front in self._fronts.values():
            await front.start(host, next_port)

    async def close(self) -> None:
        """Stop listening and break what is still connected."""
        for front in self._fronts.values():
            await front.close()

    def _react(self, fault: str, target: str | None, _on: bool) -> None:
        """Break connections when a region goes down, and the waiting ones when it is back."""
        if fault == "region_down":
            for front in self._fronts.values():
                if target in (None, front.site):
                    front.cut()
