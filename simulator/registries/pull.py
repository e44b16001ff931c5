"""A workload in a VPC that pulls an image link by link, over real DNS, TLS and HTTP, and says where it got stuck."""

import hashlib
import re
import socket
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import dns.asyncresolver
from aiohttp.abc import AbstractResolver, ResolveResult
from dns.exception import DNSException

from simulator.world import World

LINK_SECONDS = 2.0
CHALLENGE = re.compile(r'(\w+)="([^"]*)"')


class PullFailed(Exception):
    """A pull got stuck; `link` is the part of the way that broke: name, network, token, manifest or layer."""

    def __init__(self, link: str, reason: str) -> None:
        super().__init__(f"{link}: {reason}")
        self.link = link


@dataclass(frozen=True, slots=True)
class Pulled:
    """A pull that ended well: who answered, and what came."""

    instance: str
    digest: str
    layers: int


@dataclass(frozen=True, slots=True)
class Workload:
    """Something in `vpc` that pulls: its resolver, its login, and the loopback port behind every `host:443`."""

    world: World
    vpc: str
    resolver: str
    dial: Mapping[str, str]
    login: str
    ca: Path

    async def pull(self, repo: str, tag: str) -> Pulled:
        """Pull an image by the custom domain, or raise PullFailed."""
        address = await self._resolve()
        self._reach(address)
        async with self._session(address) as session:
            challenge = await self._challenge(session)
            token = await self._token(session, challenge, repo)
            headers = {"Authorization": f"Bearer {token}"}
            digest, manifest = await self._manifest(session, headers, repo, tag)
            if "manifests" in manifest:  # an index: go on with the image of the first platform
                _, manifest = await self._manifest(session, headers, repo, manifest["manifests"][0]["digest"])
            for layer in manifest["layers"]:
                await self._layer(session, headers, repo, layer["digest"])
        return Pulled(challenge["service"].rpartition(":")[2], digest, len(manifest["layers"]))

    async def _resolve(self) -> str:
        resolver = dns.asyncresolver.Resolver(configure=False)
        host, _, port = self.resolver.partition(":")
        resolver.nameservers, resolver.port, resolver.lifetime = [host], int(port), LINK_SECONDS
        try:
            return str((await resolver.resolve(self.world.domain, "A"))[0])
        except DNSException as error:
            raise PullFailed("name", str(error)) from error

    def _reach(self, address: str) -> None:
        """Ask the world what loopback cannot show: routes between VPCs, and access lists by source address."""
        instance = self.world.instance_answering(address)
        if instance is None or not self.world.reaches(self.vpc, address):
            raise PullFailed("network", f"no route from {self.vpc} to {address}")
        if address == instance.endpoint.address and not self.world.admits(instance, self.vpc):
            raise PullFailed("network", f"the access list of {instance.id} does not admit {self.vpc}")

    @asynccontextmanager
    async def _session(self, address: str) -> AsyncIterator[aiohttp.ClientSession]:
        connector = aiohttp.TCPConnector(
            resolver=_Dial(self.dial, {self.world.domain: address}),
            ssl=ssl.create_default_context(cafile=self.ca),
            use_dns_cache=False,
            force_close=True,
        )
        async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(LINK_SECONDS)) as session:
            yield session

    async def _challenge(self, session: aiohttp.ClientSession) -> dict[str, str]:
        async with _link("network"), session.get(f"https://{self.world.domain}/v2/") as response:
            if response.status != 401:
                raise PullFailed("network", f"/v2/ answered {response.status}")
            return dict(CHALLENGE.findall(response.headers["WWW-Authenticate"]))

    async def _token(self, session: aiohttp.ClientSession, challenge: dict[str, str], repo: str) -> str:
        query = {"service": challenge["service"], "scope": f"repository:{repo}:pull"}
        headers = {"Authorization": self.login}
        async with _link("token"), session.get(challenge["realm"], params=query, headers=headers) as response:
            response.raise_for_status()
            return str((await response.json())["token"])

    async def _manifest(
        self, session: aiohttp.ClientSession, headers: dict[str, str], repo: str, tag: str
    ) -> tuple[str, dict[str, list[dict[str, str]]]]:
        url = f"https://{self.world.domain}/v2/{repo}/manifests/{tag}"
        async with _link("manifest"), session.get(url, headers=headers) as response:
            response.raise_for_status()
            _compare("manifest", response.headers["Docker-Content-Digest"], await response.read())
            return response.headers["Docker-Content-Digest"], await response.json(content_type=None)

    async def _layer(self, session: aiohttp.ClientSession, headers: dict[str, str], repo: str, digest: str) -> None:
        url = f"https://{self.world.domain}/v2/{repo}/blobs/{digest}"
        async with _link("layer"), session.get(url, headers=headers) as response:
            response.raise_for_status()
            _compare("layer", digest, await response.read())


@dataclass(frozen=True, slots=True)
class _Dial(AbstractResolver):
    """Find the loopback port behind a name, by the address that DNS gave for it where there is one."""

    dial: Mapping[str, str]
    resolved: Mapping[str, str]

    async def resolve(
        self,
        host: str,
        port: int = 0,
        family: socket.AddressFamily = socket.AF_INET,  # noqa: ARG002
    ) -> list[ResolveResult]:
        where = self.dial.get(f"{self.resolved.get(host, host)}:{port}")
        if where is None:
            raise OSError(f"nothing is known to listen at {host}:{port}")
        address, _, number = where.partition(":")
        return [ResolveResult(hostname=host, host=address, port=int(number), family=socket.AF_INET, proto=0, flags=0)]

    async def close(self) -> None:
        """Hold nothing open, so there is nothing to close."""


@asynccontextmanager
async def _link(name: str) -> AsyncIterator[None]:
    try:
        yield
    except (aiohttp.ClientError, OSError) as error:
        raise PullFailed(name, f"{type(error).__name__}: {error}") from error


def _compare(link: str, digest: str, content: bytes) -> None:
    if digest != "sha256:" + hashlib.sha256(content).hexdigest():
        raise PullFailed(link, f"what came is not {digest}")
