"""The OpenAPI front: one port for PrivateZone and one for Container Registry in each region, signatures verified."""

import asyncio
import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol
from urllib.parse import parse_qsl

from aiohttp import web

from simulator.alibaba import errors
from simulator.alibaba.cr import ContainerRegistry
from simulator.alibaba.errors import BusinessFailure, Refusal
from simulator.alibaba.flow import Flow, throttled
from simulator.alibaba.parameters import Parameters
from simulator.alibaba.pvtz import PrivateZone
from simulator.alibaba.ram import GRANTED, PULL, Identity, Ram, is_forbidden
from simulator.alibaba.signature import Received, Verifier
from simulator.canary import secret
from simulator.faults import Faults
from simulator.model import MAIN, Zone
from simulator.world import World

KEPT_CALLS = 100_000
FORM = "application/x-www-form-urlencoded"
NO_HEADERS: Mapping[str, str] = {}
Wire = dict[str, Any]


class Product(Protocol):
    """One product at one host."""

    version: str
    calls: dict[str, Callable[[Parameters], Wire]]


@dataclass(slots=True)
class Timing:
    """How slow the cloud is, in milliseconds: always, under `slow`, before a write without an answer is reset, until
    `late_write` takes effect, and for how long `stale_reads` shows what was.
    """

    latency_ms: int = 0
    slow_ms: int = 2_000
    hang_ms: int = 10_000
    late_ms: int = 20_000
    stale_ms: int = 15_000


@dataclass(slots=True)
class Cloud:
    """What every host of the cloud shares: keys, permissions, nonces and the list of calls."""

    world: World
    faults: Faults
    ram: Ram
    verifier: Verifier
    timing: Timing = field(default_factory=Timing)
    flow: Flow = field(default_factory=Flow)
    calls: list[Wire] = field(default_factory=list)
    late: set[asyncio.Task[None]] = field(default_factory=set)

    def later(self, act: Callable[[], object]) -> None:
        """Do something when a late write takes effect, unless the world ends or begins anew before."""

        async def wait() -> None:
            await asyncio.sleep(self.timing.late_ms / 1000)
            act()

        task = asyncio.create_task(wait())
        self.late.add(task)
        task.add_done_callback(self.late.discard)

    def forget_late(self) -> None:
        """Let no late write take effect any more."""
        for task in self.late:
            task.cancel()

    def remember(self, call: Wire) -> None:
        self.calls.append(call)
        if len(self.calls) > KEPT_CALLS:
            del self.calls[: KEPT_CALLS // 2]


class Alibaba:
    """Run the OpenAPI hosts of a world."""

    def __init__(self, world: World, faults: Faults) -> None:
        pairs = [
            Identity("registry-bot", f"LTAI5t{secret(6)}", secret(12), may_write=True),
            Identity("registry-reader", f"LTAI5t{secret(6)}", secret(12), may_write=False),
        ]
        self.writer, self.reader = pairs
        self.others = [
            Identity(f"registry-bot@{name}", f"LTAI5t{secret(6)}", secret(12), may_write=True, account=name)
            for name in world.state.accounts
            if name != MAIN
        ]
        pairs += self.others
        ram = Ram(world.state.accounts, {pair.access_key_id: pair for pair in pairs})
        world.logins.may_pull = lambda: PULL not in ram.denied
        verifier = Verifier({pair.access_key_id: pair.access_key_secret for pair in pairs}, lambda: datetime.now(UTC))
        self.cloud = Cloud(world, faults, ram, verifier)
        self.pvtz = ""
        self.cr: dict[str, str] = {}
        self._private_zone = PrivateZone(world, self._is_stale)
        self._runners: list[web.ServerRunner] = []

    async def start(self, host: str, port_for: Callable[[], int]) -> None:
        """Listen, PrivateZone first, then each region's Container Registry."""
        self.pvtz = await self._serve(Front(self.cloud, "pvtz", self._private_zone, None), host, port_for())
        for site in self.cloud.world.sites.values():
            if site.region not in self.cr:
                registry = ContainerRegistry(self.cloud.world, self.cloud.faults, site.region)
                front = Front(self.cloud, "cr", registry, site.region)
                self.cr[site.region] = await self._serve(front, host, port_for())

    def admit(self, pair: Identity) -> None:
        """Know one more key pair, as if it had been made in the console."""
        self.cloud.ram.identities[pair.access_key_id] = pair
        self.cloud.verifier.know(pair.access_key_id, pair.access_key_secret)

    def expel(self, access_key_id: str) -> None:
        """Know a key pair no longer, as if it had been deleted in the console."""
        self.cloud.verifier.forget(access_key_id)
        del self.cloud.ram.identities[access_key_id]

    async def close(self) -> None:
        """Stop listening; hanging requests are cut off, and late writes never happen."""
        self.cloud.forget_late()
        for runner in self._runners:
            await runner.cleanup()

    def reset(self) -> None:
        """Forget calls, client tokens, latency, limits and taken permissions; the keys stay."""
        self.cloud.forget_late()
        self.cloud.calls.clear()
        self.cloud.ram.denied.clear()
        self.cloud.timing = Timing()
        self.cloud.flow.forget()
        self._private_zone.writer.forget()

    def _is_stale(self, zone: Zone, written_ms: int) -> bool:
        """Tell whether readers of a zone still see what was before a write of that time."""
        site, age = self.cloud.world.site_of_zone(zone), self.cloud.world.now_ms() - written_ms
        is_lagging = self.cloud.faults.active("stale_reads", site.name if site else None)
        return is_lagging and age < self.cloud.timing.stale_ms

    async def _serve(self, front: "Front", host: str, port: int) -> str:
        # One handler for everything needs no routes, and a bot that reads in bulk feels every layer less.
        server = web.Server(front.handle, access_log=None, handler_cancellation=True)
        runner = web.ServerRunner(server, shutdown_timeout=0.1)
        await runner.setup()
        self._runners.append(runner)
        await web.TCPSite(runner, host, port).start()
        return f"{host}:{runner.addresses[0][1]}"


class Front:
    """Take the requests of one host through faults, signature, permissions and the call itself."""

    def __init__(self, cloud: Cloud, name: str, product: Product, region: str | None) -> None:
        self._cloud, self._name, self._product, self._region = cloud, name, product, region

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request, or not at all, as the faults have it."""
        if self._fault("region_down"):
            await asyncio.Event().wait()
        await self._delay()
        received = Received(
            request.method,
            request.path,
            request.rel_url.raw_query_string,
            {name.lower(): value for name, value in request.headers.items()},
            await request.read(),
        )
        call = self._describe(received)
        self._cloud.remember(call)
        is_write = call["action"] in GRANTED
        if is_write and self._write_fault("late_write", call):
            self._cloud.later(lambda: self._answer(received, call))
            await self._hang_up(request)
            return web.Response(status=500)  # which nobody sees
        status, wire, headers = self._answer(received, call)
        if is_write and status == 200 and self._write_fault("applied_but_timed_out", call):
            await self._hang_up(request)
        body = json.dumps(wire, ensure_ascii=False).encode()
        return web.Response(body=body, status=status, headers=headers, content_type="application/json", charset="utf-8")

    def _answer(self, received: Received, call: Wire) -> tuple[int, Wire, Mapping[str, str]]:
        request_id, headers = call["request_id"], NO_HEADERS
        try:
            status, wire = 200, self._dispatch(received, call)
        except BusinessFailure as failure:
            status, wire = 200, {"Code": failure.code, "IsSuccess": False, "RequestId": request_id}
        except Refusal as refusal:
            status, wire = refusal.status, errors.body(refusal, request_id, received.headers.get("host", ""))
            headers = refusal.headers
        call.update(status=status, code=wire.get("Code"))
        return status, wire, headers

    def _dispatch(self, received: Received, call: Wire) -> Wire:
        self._refuse_by_fault()
        if received.method not in ("GET", "POST"):
            raise Refusal(400, "UnsupportedHTTPMethod", "This http method is not supported.")
        key = self._cloud.verifier.verify(received)
        identity = self._cloud.ram.identities[key]
        call["identity"] = identity.name
        action = call["action"]
        if action not in self._product.calls and not is_forbidden(action):
            raise Refusal(
                404, "InvalidAction.NotFound", "Specified api is not found, please check your url and method."
            )
        if received.headers["x-acs-version"] != self._product.version:
            raise Refusal(400, "InvalidVersion", "Specified parameter Version is not valid.")
        host, is_limited = self._region or self._name, self._fault("rate_limited")
        self._cloud.flow.take(host, identity.account, action, is_fault=is_limited)
        self._cloud.ram.check(key, self._name, action)
        before = len(self._cloud.world.state.changes)
        wire = self._product.calls[action](Parameters(call["params"], identity.name, identity.account))
        # Every write of Container Registry that is not refused does something; PrivateZone repeats some answers.
        is_copying = self._name == "cr" and action in GRANTED
        call["effective"] = is_copying or len(self._cloud.world.state.changes) > before
        common = {"Code": "success", "IsSuccess": True} if self._name == "cr" else {}
        return wire | common | {"RequestId": call["request_id"]}

    def _describe(self, received: Received) -> Wire:
        params = dict(parse_qsl(received.query, keep_blank_values=True))
        if received.headers.get("content-type", "").startswith(FORM):
            params.update(parse_qsl(received.body.decode(errors="replace"), keep_blank_values=True))
        return {
            "action": received.headers.get("x-acs-action", params.get("Action", "")),
            "params": params,
            "product": self._name,
            "region": self._region,
            "at_ms": self._cloud.world.now_ms(),
            "request_id": secrets.token_hex(16).upper(),
            "identity": None,
            "effective": False,
        }

    def _refuse_by_fault(self) -> None:
        if self._name == "pvtz" and self._cloud.faults.anywhere("pvtz_down"):
            raise Refusal(503, "ServiceUnavailable", "The request has failed due to a temporary failure of the server.")
        if self._fault("throttled"):
            raise throttled()

    def _fault(self, name: str) -> bool:
        """Tell whether a fault covers this host: PrivateZone by what covers everything, a region by its sites too."""
        if self._region is None:
            return name != "region_down" and self._cloud.faults.active(name)
        sites = [site.name for site in self._cloud.world.sites.values() if site.region == self._region]
        return any(self._cloud.faults.active(name, site) for site in sites)

    async def _delay(self) -> None:
        timing = self._cloud.timing
        delay = timing.latency_ms + (timing.slow_ms if self._fault("slow") else 0)
        if delay:
            await asyncio.sleep(delay / 1000)

    def _write_fault(self, name: str, call: Wire) -> bool:
        if self._region is not None:
            instance = self._cloud.world.instances.get(call["params"].get("InstanceId", ""))
            return self._cloud.faults.active(name, instance.site if instance else None)
        record_id = call["params"].get("RecordId", "")
        found = self._cloud.world.find_record(int(record_id)) if record_id.isdecimal() else None
        site = self._cloud.world.site_of_zone(found[0]) if found else None
        return self._cloud.faults.active(name, site.name if site else None)

    async def _hang_up(self, request: web.BaseRequest) -> None:
        await asyncio.sleep(self._cloud.timing.hang_ms / 1000)
        if request.transport is not None:
            request.transport.abort()
