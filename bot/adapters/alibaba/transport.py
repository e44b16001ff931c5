"""One call over the shared session: its turn at the gate, its deadline, its retries, and what its answer means.

A read may be repeated: once at once when a kept-alive connection turned out to be dead, a few times with a growing
pause when the vendor asks for less, and as often as that in bulk. A write is sent exactly once, whatever happens.

Nothing raised here has the request in its chain (requests carry the signature): failures of the HTTP library become
values first and errors after its `except` blocks are left.
"""

import asyncio
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import aiohttp
from yarl import URL

from bot.adapters.alibaba.answers import (
    Asked,
    Body,
    Slowed,
    is_stale_token,
    read_answer,
    require_success,
    unclear,
    unsent,
)
from bot.adapters.alibaba.credentials import Credentials, Keys
from bot.adapters.alibaba.limits import WRITES, Gate, Lane
from bot.adapters.alibaba.sdk import Signed
from bot.errors import Refused, Throttled, Unreachable

RETRIES = 3
FIRST_PAUSE, LONGEST_PAUSE = 0.2, 5.0
TURN_WITHIN = 5.0
"""Seconds for which a copy waits for its turn."""
_JITTER = secrets.SystemRandom()
_NO_TIMEOUT = aiohttp.ClientTimeout(total=None)
Sign = Callable[[Keys], Signed]


@dataclass(frozen=True, slots=True)
class Reply:
    """Bytes that came back."""

    status: int
    raw: bytes
    retry_after: str | None


@dataclass(frozen=True, slots=True)
class Lost:
    """No answer came back; `what` completes "it …"."""

    what: str
    is_unsent: bool = False
    is_stale_connection: bool = False


class Transport:
    """The way to one endpoint for one account in one lane."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        credentials: Credentials,
        gate: Gate,
        *,
        lane: Lane,
        deadline: float,
        region: str | None,
        hear: Callable[[str | None], None],
    ) -> None:
        self._session = session
        self._hear = hear
        self._credentials = credentials
        self._gate = gate
        self._lane = lane
        self._deadline = deadline
        self._region = region
        self._product = f"Container Registry in {region}" if region else "PrivateZone"

    async def send(self, action: str, query: Mapping[str, str], sign: Sign) -> Body:
        """Return the answer of one call, within the deadline.

        A single call's deadline includes waiting for its turn; in bulk only the call itself is timed.
        """
        asked = Asked(self._product, action, self._region, query, self._lane in WRITES)
        try:
            if self._lane in (Lane.BULK, Lane.SCAN):
                async with self._gate.turn(self._lane):
                    return await self._bulk(asked, sign)
            if self._lane is Lane.COPY:
                return await self._paced_write(asked, sign)
            async with asyncio.timeout(self._deadline), self._gate.turn(self._lane):
                return await self._answer(asked, sign)
        except TimeoutError:
            raise unclear(asked, f"did not answer within {self._deadline:g} s") from None

    async def _bulk(self, asked: Asked, sign: Sign) -> Body:
        """Answer at the pace that the vendor allows: being asked for less slows a bulk reading down, and never ends it.

        Whoever waits for it sets the time that it may take in all; here, each attempt has the deadline of one call.
        """
        clock = asyncio.get_running_loop().time
        pause, is_renewed = FIRST_PAUSE, False
        while True:
            await self._gate.spend(self._lane)
            try:
                async with self._gate.bulk_slot(), asyncio.timeout(self._deadline):
                    sent_at = clock()
                    return self._judge(asked, await self._exchange_fresh(sign))
            except Slowed as slowed:
                self._gate.slow_down(sent_at)
                await asyncio.sleep((slowed.retry_after or pause) * _JITTER.uniform(1, 1.5))
                pause = min(2 * pause, LONGEST_PAUSE)
            except Refused as refused:
                if is_renewed or not is_stale_token(refused):
                    raise
                await self._credentials.renew()
                is_renewed = True

    async def _answer(self, asked: Asked, sign: Sign) -> Body:
        if asked.is_write:
            return await self._write(asked, sign)
        clock = asyncio.get_running_loop().time
        ends_at = clock() + self._deadline
        for attempt in range(1 + RETRIES):
            await self._gate.spend(self._lane)
            try:
                return self._judge(asked, await self._exchange_fresh(sign))
            except Slowed as slowed:
                self._gate.drain()
                wait = slowed.retry_after or FIRST_PAUSE * 2**attempt
                wait *= _JITTER.uniform(1, 1.5)
                if attempt == RETRIES or clock() + wait >= ends_at:
                    raise
                await asyncio.sleep(wait)
            except Refused as refused:
                if attempt or not is_stale_token(refused):
                    raise
                await self._credentials.renew()
        raise AssertionError("the last attempt returns or raises")

    async def _write(self, asked: Asked, sign: Sign) -> Body:
        """Send exactly once. Without keys nothing is sent, which is a clear no."""
        await self._require_keys()
        await self._gate.spend(self._lane)
        return self._judge(asked, await self._exchange(sign))

    async def _paced_write(self, asked: Asked, sign: Sign) -> Body:
        """Send exactly once, when bulk calls have their turn; raise Throttled where that does not come soon."""
        await self._require_keys()
        try:
            async with asyncio.timeout(TURN_WITHIN):
                await self._gate.spend(Lane.BULK)
        except TimeoutError:
            raise Throttled(f"{asked} had no turn within {TURN_WITHIN:g} s, so nothing was sent.") from None
        sent_at = asyncio.get_running_loop().time()
        async with asyncio.timeout(self._deadline), self._gate.bulk_slot():
            try:
                return self._judge(asked, await self._exchange(sign))
            except Slowed:
                self._gate.slow_down(sent_at)
                raise

    async def _require_keys(self) -> None:
        try:
            await self._credentials.keys()
        except Unreachable as keyless:
            raise Refused(f"{keyless} Nothing was sent and nothing was changed.") from None

    def _judge(self, asked: Asked, outcome: Reply | Lost) -> Body:
        if isinstance(outcome, Lost):
            raise unsent(asked, outcome.what) if outcome.is_unsent else unclear(asked, outcome.what)
        body = read_answer(asked, outcome.status, outcome.raw, outcome.retry_after)
        if self._region is not None:
            require_success(asked, body)
        return body

    async def _exchange_fresh(self, sign: Sign) -> Reply | Lost:
        """Send once more when the connection had been closed while idle; for reads only."""
        outcome = await self._exchange(sign)
        if isinstance(outcome, Lost) and outcome.is_stale_connection:
            return await self._exchange(sign)
        return outcome

    async def _exchange(self, sign: Sign) -> Reply | Lost:
        signed = sign(await self._credentials.keys())
        url = URL(signed.url, encoded=True)
        try:
            async with self._session.request(
                signed.method, url, headers=signed.headers, allow_redirects=False, timeout=_NO_TIMEOUT
            ) as response:
                self._hear(response.headers.get("Date"))
                raw = await response.read()
                return Reply(response.status, raw, response.headers.get("x-acs-retry-after"))
        except aiohttp.ClientError as error:
            return next(lost for kind, lost in _LOST.items() if isinstance(error, kind))


_LOST: dict[type[aiohttp.ClientError], Lost] = {
    aiohttp.ClientConnectorCertificateError: Lost("shows a certificate that the bot does not trust", is_unsent=True),
    aiohttp.ClientConnectorError: Lost("cannot be reached", is_unsent=True),
    aiohttp.ServerDisconnectedError: Lost("closed the connection without an answer", is_stale_connection=True),
    aiohttp.ClientConnectionResetError: Lost("broke the connection off", is_stale_connection=True),
    aiohttp.ClientOSError: Lost("broke the connection off", is_stale_connection=True),
    aiohttp.ClientError: Lost("did not answer in HTTP"),
}
"""The first kind that fits tells what happened."""
