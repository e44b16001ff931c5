"""Logging in for pulls: a password that ends soon, and for it a token for each repository.

Where to take the password is said by the registry's challenge. A challenge may be anybody's, so the password goes to
the vendor's own token services of the instance's region only, and only where the challenge names that instance.
"""

import asyncio
import json
import re
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from aiohttp import encode_basic_auth
from yarl import URL

from bot.adapters.data_plane import instance_of
from bot.adapters.pull_wire import Wire
from bot.domain.pulling import Absent, Lack
from bot.domain.topology import Site
from bot.errors import ProviderError, Unreachable

MOST_TOKENS = 256
MARGIN = 10.0
"""Seconds before its end at which a token is not used any more."""
SHORTEST = 60.0
"""How long a token is good that does not say, by the specification of token authentication."""
_PARAMETER = re.compile(r'(\w+)="([^"]*)"')


@dataclass(frozen=True, slots=True)
class Login:
    """A name and password for one instance; neither is ever shown."""

    user: str = field(repr=False)
    password: str = field(repr=False)
    expires_at: datetime | None

    @property
    def header(self) -> str:
        """Return the Authorization header of Basic authentication."""
        return encode_basic_auth(self.user, self.password)


@dataclass(frozen=True, slots=True)
class Challenge:
    """Where tokens are to be had, and for whom."""

    realm: URL
    service: str


@dataclass(slots=True)
class _Slot:
    """One repository's token, and the turn to ask for it."""

    asking: asyncio.Lock = field(default_factory=asyncio.Lock)
    token: str = field(default="", repr=False)
    ends_at: float = 0.0


def read_challenge(header: str, site: Site) -> Challenge:
    """Read a challenge of the site's own instance. Raises Unreachable for one that the password must not follow."""
    scheme, _, rest = header.partition(" ")
    told = dict(_PARAMETER.findall(rest))
    realm, service = told.get("realm", ""), told.get("service", "")
    if scheme.lower() != "bearer" or instance_of(header) != site.instance:
        raise Unreachable(f"Whoever answers for {site.name} is not {site.instance}, so the bot does not log in there.")
    if not _is_realm(realm, site.region):
        raise Unreachable(
            f"{site.instance} names a token service that is none of the vendor's in {site.region}, so the bot does not "
            "log in there."
        )
    return Challenge(URL(realm), service)


def _is_realm(realm: str, region: str) -> bool:
    """Tell whether this is a token service of the region.

    Source: the network requirements of the vendor's Kubernetes service, which list these names, one with a hyphen.
    """
    host = rf"dockerauth(-ee)?(-vpc)?[.-]{re.escape(region)}\.aliyuncs\.com"
    return re.fullmatch(rf"https://{host}(:443)?/[A-Za-z0-9/_.-]*", realm) is not None


class Tokens:
    """Bearer tokens by repository, asked for when first needed; the latest few are kept."""

    def __init__(self, wire: Wire, challenge: Challenge, login: Callable[[], Awaitable[Login]]) -> None:
        self._wire, self._challenge, self._login = wire, challenge, login
        self._slots: OrderedDict[str, _Slot] = OrderedDict()

    async def of(self, repository: str) -> str | Absent:
        """Return a token that lets this repository be pulled."""
        slot = self._slots.setdefault(repository, _Slot())
        self._slots.move_to_end(repository)
        if len(self._slots) > MOST_TOKENS:
            self._slots.popitem(last=False)
        async with slot.asking:
            if slot.token and _now() < slot.ends_at:
                return slot.token
            return await self._fill(slot, repository)

    def forget(self, repository: str, token: str) -> None:
        """Ask anew for this repository: the registry does not take its token."""
        slot = self._slots.get(repository)
        if slot is not None and slot.token == token:
            slot.token = ""

    async def _fill(self, slot: _Slot, repository: str) -> str | Absent:
        try:
            login = await self._login()
        except ProviderError as error:
            return Absent(Lack.REFUSED, f"has no login for the bot: {error}")
        query = {"service": self._challenge.service, "scope": f"repository:{repository}:pull"}
        url = self._challenge.realm.with_query(query)
        reply = await self._wire.ask("GET", url, {"Authorization": login.header})
        if isinstance(reply, Absent):
            return Absent(reply.lack, f"has a token service that {reply.reason}")
        if reply.status in (401, 403):
            return Absent(Lack.REFUSED, "has a token service that does not take the bot's login")
        found = _parsed(reply.raw) if reply.status == 200 else None
        token = found.get("token") or found.get("access_token") if found else None
        if found is None or not isinstance(token, str):
            return Absent(Lack.SILENT, f"has a token service that gave no token (HTTP status {reply.status})")
        slot.token, slot.ends_at = token, _now() + _lifetime(found.get("expires_in")) - MARGIN
        return token


def _lifetime(told: Any) -> float:
    is_number = isinstance(told, (int, float)) and not isinstance(told, bool)
    return max(float(told), SHORTEST) if is_number else SHORTEST


def _parsed(raw: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _now() -> float:
    return asyncio.get_running_loop().time()
