"""Registries in memory, with images that are whole until something is taken away."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bot.domain.manifests import IMAGE_TYPES, INDEX_TYPES, digest_of
from bot.domain.pulling import Absent, Content, Lack
from bot.domain.topology import Site
from bot.errors import BotError

IMAGE, INDEX = IMAGE_TYPES[0], INDEX_TYPES[0]
MISSING = Absent(Lack.MISSING, "does not have it")


def a_layer(name: str) -> str:
    """Return the digest of a layer."""
    return digest_of(name.encode())


def an_image(name: str = "one", layers: tuple[str, ...] = ("base",)) -> bytes:
    """Return the manifest of an image."""
    parts = [{"mediaType": "layer", "digest": a_layer(layer), "size": 1} for layer in layers]
    config = {"mediaType": "config", "digest": a_layer(f"config of {name}"), "size": 1}
    return json.dumps({"schemaVersion": 2, "mediaType": IMAGE, "config": config, "layers": parts}).encode()


def an_index(*children: bytes) -> bytes:
    """Return an index of images, each for a platform of its own."""
    entries = [
        {
            "mediaType": IMAGE,
            "digest": digest_of(child),
            "size": len(child),
            "platform": {"os": "linux", "architecture": f"cpu{number}"},
        }
        for number, child in enumerate(children)
    ]
    return json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": entries}).encode()


class FakeRegistry:
    """Manifests by repository and reference; `lacks` are digests that do not come, `broken` answers everything."""

    def __init__(self) -> None:
        self.at = "registry.example"
        self.held: dict[tuple[str, str], bytes] = {}
        self.lacks: set[str] = set()
        self.broken: Absent | None = None
        self.asked: list[str] = []

    def hold(self, path: str, *contents: bytes, tag: str = "") -> str:
        """Hold manifests by their digests, the last one by a tag as well; return its digest."""
        for content in contents:
            self.held[path, digest_of(content)] = content
        if tag:
            self.held[path, tag] = contents[-1]
        return digest_of(contents[-1])

    async def digest(self, repository: str, reference: str) -> str | Absent:
        """Return the digest of a manifest."""
        found = self._find("HEAD", repository, reference)
        return found if isinstance(found, Absent) else digest_of(found)

    async def manifest(self, repository: str, reference: str) -> Content | Absent:
        """Return a manifest."""
        found = self._find("GET", repository, reference)
        if isinstance(found, Absent):
            return found
        return Content(found, INDEX if b'"manifests"' in found else IMAGE)

    async def blob(self, repository: str, digest: str) -> Absent | None:
        """Return what is wrong with a layer."""
        self.asked.append(f"LAYER {repository} {digest}")
        return self.broken or (MISSING if digest in self.lacks else None)

    def _find(self, method: str, repository: str, reference: str) -> bytes | Absent:
        self.asked.append(f"{method} {repository} {reference}")
        if self.broken is not None:
            return self.broken
        found = self.held.get((repository, reference))
        return MISSING if found is None or reference in self.lacks else found


class FakePuller:
    """The way to one registry, whatever site is asked for; `refusal` is raised instead."""

    def __init__(self) -> None:
        self.registry = FakeRegistry()
        self.refusal: BotError | None = None
        self.reached: list[tuple[str, str]] = []

    @asynccontextmanager
    async def reach(self, site: Site, domain: str) -> AsyncIterator[FakeRegistry]:
        """Log in."""
        self.reached.append((site.name, domain))
        if self.refusal is not None:
            raise self.refusal
        yield self.registry
