"""One instance on the network: the public endpoint, the links into VPCs, and the services that stand beside it."""

import ssl
from collections.abc import Callable

from aiohttp import web

from simulator.certificates import Authority
from simulator.faults import Faults
from simulator.model import Instance
from simulator.registries.api import KnownLogins, registry_app, service_of, services_app
from simulator.registries.door import Door, Verdict
from simulator.registries.shelf import Shelf
from simulator.registries.tokens import Tokens
from simulator.world import World

CLOSING_SECONDS = 0.5


class Front:
    """Run one instance behind three doors, since what closes one of them need not close the others."""

    def __init__(
        self, name: str, world: World, faults: Faults, authority: Authority, tokens: Tokens, login: str
    ) -> None:
        self._name = name
        self._world = world
        self._faults = faults
        self.site = self._instance().site
        instance, is_on, shelf = self._instance, self._is_on, Shelf()
        logins = KnownLogins(login, world.logins)
        self._apps = [
            _runner(registry_app(instance, tokens, shelf, lambda: instance().bucket_host, is_on)),
            _runner(registry_app(instance, tokens, shelf, lambda: instance().internal_bucket_host, is_on)),
            _runner(services_app(self._services, tokens, shelf, logins, is_on)),
        ]
        context, beside = self._contexts(authority)
        self.internet = Door(context, lambda: _protocol(self._apps[0]), self._at_the_public_endpoint)
        self.internal = Door(context, lambda: _protocol(self._apps[1]), self._at_the_links)
        self.services = Door(beside, lambda: _protocol(self._apps[2]), self._in_the_region)
        self._doors = [self.internet, self.internal, self.services]

    async def start(self, host: str, next_port: Callable[[], int]) -> None:
        for app, door in zip(self._apps, self._doors, strict=True):
            await app.setup()
            await door.open(host, next_port())

    async def close(self) -> None:
        for app, door in zip(self._apps, self._doors, strict=True):
            await door.close()
            await app.cleanup()

    def cut(self) -> None:
        """Break every connection to this instance and to what stands beside it."""
        for door in self._doors:
            door.cut()

    def dial(self) -> dict[str, str]:
        """Return where on loopback each name and address of this instance is found."""
        instance = self._instance()
        linked = [instance.vpc_domain, *(link.address for link in instance.links)]
        beside = [instance.realm_host, instance.bucket_host, instance.internal_bucket_host]
        return {
            **dict.fromkeys([instance.public_domain, instance.endpoint.address], self.internet.address),
            **dict.fromkeys(linked, self.internal.address),
            **dict.fromkeys(beside, self.services.address),
        }

    def _contexts(self, authority: Authority) -> tuple[ssl.SSLContext, ssl.SSLContext]:
        """Make the TLS of the registry, with the customer's certificate for the custom domains, and of the rest."""
        instance = self._instance()
        own = authority.server_context([instance.public_domain, instance.vpc_domain])
        if instance.custom_domains:
            valid = authority.server_context(instance.custom_domains)
            expired = authority.server_context(instance.custom_domains, expired=True)
            own.sni_callback = self._certificate_for(valid, expired)
        beside = authority.server_context([instance.realm_host, instance.bucket_host, instance.internal_bucket_host])
        return own, beside

    def _certificate_for(
        self, valid: ssl.SSLContext, expired: ssl.SSLContext
    ) -> Callable[[ssl.SSLObject, str | None, ssl.SSLContext], None]:
        def choose(tls: ssl.SSLObject, name: str | None, _context: ssl.SSLContext) -> None:
            if name in self._instance().custom_domains:
                tls.context = expired if self._is_on("certificate_expired") else valid

        return choose

    def _at_the_public_endpoint(self) -> Verdict:
        shut = self._is_on("acl_closed") or not self._instance().endpoint.enabled
        return self._at_the_registry(not shut)

    def _at_the_links(self) -> Verdict:
        return self._at_the_registry(any(link.status == "RUNNING" for link in self._instance().links))

    def _at_the_registry(self, reachable: bool) -> Verdict:
        if self._is_on("region_down"):
            return Verdict.SILENT
        return Verdict.OPEN if reachable and self._instance().status == "RUNNING" else Verdict.RESET

    def _in_the_region(self) -> Verdict:
        return Verdict.SILENT if self._is_on("region_down") else Verdict.OPEN

    def _is_on(self, fault: str) -> bool:
        return self._faults.active(fault, self.site)

    def _services(self) -> set[str]:
        """List the services that this region's realm hands out tokens for."""
        region = self._instance().region
        return {service_of(each) for each in self._world.instances.values() if each.region == region}

    def _instance(self) -> Instance:
        return self._world.instances[self._name]


def _runner(app: web.Application) -> web.AppRunner:
    return web.AppRunner(app, access_log=None, shutdown_timeout=CLOSING_SECONDS)


def _protocol(runner: web.AppRunner) -> web.RequestHandler:
    assert runner.server is not None, "doors open after the application is set up"
    return runner.server()
