"""Asking a registry for images as a pull does, without pulling them."""

from contextlib import AbstractAsyncContextManager
from typing import Protocol

from bot.domain.pulling import Absent, Content
from bot.domain.topology import Site


class Registry(Protocol):
    """The registry of one instance, logged in to, while its context lasts.

    What does not come is a value, so that one broken image does not end the reading of the others. Any number of calls
    may be begun at once; how many of them are under way is for the adapter to say.
    """

    @property
    def at(self) -> str:
        """The host name that is asked."""
        ...

    async def digest(self, repository: str, reference: str) -> str | Absent:
        """Return the digest, with its prefix, of the manifest that a tag or a digest names, without fetching it."""
        ...

    async def manifest(self, repository: str, reference: str) -> Content | Absent:
        """Fetch a manifest."""
        ...

    async def blob(self, repository: str, digest: str) -> Absent | None:
        """Return what is wrong with a layer, without fetching it; nothing when it is there."""
        ...


class Puller(Protocol):
    """The way to the registries' data plane."""

    def reach(self, site: Site, domain: str) -> AbstractAsyncContextManager[Registry]:
        """Log in to the registry of a site's instance at its own public domain, for as long as the context lasts.

        Raises Refused, Throttled or Unreachable.
        """
        ...
