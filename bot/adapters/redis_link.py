"""Commands to one Redis with a short time limit, and its failures as sentences.

Connections come from redis-py's pool, but commands are sent here: so that "nothing was sent" and "sent, no reply" stay
apart, and so that a script and the WAIT behind it share a connection. Nothing is retried; callers know what may be.
"""

import asyncio
import ssl
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from redis.asyncio.connection import AbstractConnection, BlockingConnectionPool, ConnectionPoolInterface
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import (
    AuthenticationError,
    AuthorizationError,
    BusyLoadingError,
    ClusterDownError,
    NoPermissionError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    ResponseError,
    TryAgainError,
)

from bot.errors import InvalidConfiguration, StoreUnavailable

CONNECT_TIMEOUT = 0.4
OPERATION_TIMEOUT = 0.6
"""Seconds; a click is answered in 1.2 s in all, so neither may be generous where a person waits."""
MAX_CONNECTIONS = 64
"""More than people who press one button at the same moment: who waits for a free connection uses up their 0.4 s."""

Word = str | bytes | int | float
Command = Sequence[Word]


class NoReply(StoreUnavailable):
    """A command was sent and no reply came: it may have been carried out."""


class RedisLink:
    """The way to one Redis server; owns its connections. Replies are texts, or bytes over an `is_binary` link."""

    def __init__(
        self,
        url: str,
        *,
        connect_timeout: float = CONNECT_TIMEOUT,
        operation_timeout: float = OPERATION_TIMEOUT,
        max_connections: int = MAX_CONNECTIONS,
        is_binary: bool = False,
    ) -> None:
        self.connect_timeout = connect_timeout
        self.operation_timeout = operation_timeout
        self._pool: ConnectionPoolInterface = _pool(url, max_connections, is_binary)

    async def call(self, *command: Word) -> Any:
        """Send one command and return its reply. Raises StoreUnavailable, or NoReply where it may have been done."""
        (reply,) = await self.batch(command)
        if isinstance(reply, ResponseError):
            raise explained(reply) from reply
        return reply

    async def batch(self, *commands: Command, patience: float = 0.0) -> list[Any]:
        """Send commands on one connection and return the replies; a refused command's reply is its ResponseError.

        `patience` is the seconds that these commands may take on top of the time limit. Raises as `call` does.
        """
        connection = await self._connection()
        try:
            async with asyncio.timeout(self.operation_timeout + patience):
                await connection.send_packed_command(connection.pack_commands(commands))
                return [await _reply(connection) for _ in commands]
        except (TimeoutError, OSError, RedisError) as error:
            raise _no_reply(error, commands) from error
        finally:
            await self._pool.release(connection)

    async def close(self) -> None:
        """Close all connections."""
        await self._pool.aclose()

    async def _connection(self) -> AbstractConnection:
        try:
            async with asyncio.timeout(self.connect_timeout):
                return await self._pool.get_connection()
        except (TimeoutError, OSError, RedisError) as error:
            raise explained(error) from error


def explained(error: Exception) -> StoreUnavailable:
    """Return what a failure means, in a sentence; nothing was recorded."""
    if isinstance(error.__context__, ssl.SSLCertVerificationError):  # redis-py makes it a lost connection
        return StoreUnavailable(f"{_MISFIT} Nothing was recorded (E_STORE_DOWN).", code="E_STORE_DOWN")
    for kind, marker, code, sentence in _FAILURES:
        if isinstance(error, kind) and marker in str(error):
            return StoreUnavailable(f"{sentence} Nothing was recorded ({code}).", code=code)
    return StoreUnavailable("Redis does not answer. Nothing was recorded (E_STORE_DOWN).", code="E_STORE_DOWN")


def _no_reply(error: Exception, commands: Sequence[Command]) -> StoreUnavailable:
    if isinstance(error, (AuthenticationError, AuthorizationError, BusyLoadingError)):
        return explained(error)  # redis-py files these replies under lost connections
    if all(command[0] in _READS for command in commands):
        return NoReply("Redis did not answer in time. Ask again in a moment (E_STORE_DOWN).", code="E_STORE_DOWN")
    return NoReply(
        "Redis did not answer in time, so nobody knows whether this was recorded. Look before you repeat it "
        "(E_STORE_DOWN).",
        code="E_STORE_DOWN",
    )


async def _reply(connection: AbstractConnection) -> Any:
    try:
        return await connection.read_response()
    except ResponseError as refusal:
        return refusal


def _pool(url: str, max_connections: int, is_binary: bool) -> BlockingConnectionPool:
    # What redis-py says of an address that it cannot read may quote the password, hence `from None`. RESP 2 and no
    # driver info: no handshake beyond AUTH and SELECT, whatever an access list permits.
    with suppress(ValueError):
        return BlockingConnectionPool.from_url(
            url,
            max_connections=max_connections,
            timeout=None,
            decode_responses=not is_binary,
            encoding_errors="backslashreplace",  # bytes that nobody of ours wrote must be seen, not stop the reader
            protocol=2,
            driver_info=None,
            socket_timeout=None,
            retry=Retry(NoBackoff(), 0),
        )
    raise InvalidConfiguration(
        "REGISTRY_BOT_REDIS_URL is not the address of a Redis server. It looks like redis://user:password@host:6379/0, "
        "with special characters of the password percent-encoded."
    )


_READS = frozenset(("CONFIG", "EXISTS", "GET", "INFO", "MGET", "SMEMBERS", "TIME", "XRANGE", "XREVRANGE")) | frozenset(
    ("HEXISTS", "HGET", "HGETALL", "HMGET", "ZRANGE", "ZRANGEBYSCORE", "ZREVRANGE")
)
"""Commands that record nothing, so that nobody has to be told that they might have."""
_REFUSED_LOGIN = "Redis does not accept this bot's user or password. Check REGISTRY_BOT_REDIS_URL."
_MISFIT = "Redis shows a certificate that this bot does not trust. Check REGISTRY_BOT_REDIS_URL and SSL_CERT_FILE."
_READ_ONLY = "Redis is a read-only replica just now. Point REGISTRY_BOT_REDIS_URL at the primary."
_FULL = "Redis is out of memory and refuses writes. Raise its maxmemory, or make room."
_FAILURES: tuple[tuple[type[Exception] | tuple[type[Exception], ...], str, str, str], ...] = (
    ((AuthenticationError, AuthorizationError), "", "E_STORE_LOGIN", _REFUSED_LOGIN),
    (ResponseError, "NOAUTH", "E_STORE_LOGIN", _REFUSED_LOGIN),
    (ResponseError, "WRONGPASS", "E_STORE_LOGIN", _REFUSED_LOGIN),
    (NoPermissionError, "", "E_STORE_LOGIN", "Redis does not permit its user a command that this bot needs."),
    (BusyLoadingError, "", "E_STORE_DOWN", "Redis is still loading its data. Try again in a moment."),
    (ReadOnlyError, "", "E_STORE_READ_ONLY", _READ_ONLY),
    (ResponseError, "READONLY", "E_STORE_READ_ONLY", _READ_ONLY),
    (OutOfMemoryError, "", "E_STORE_FULL", _FULL),
    (ResponseError, "OOM ", "E_STORE_FULL", _FULL),
    (ResponseError, "NOREPLICAS", "E_STORE_NOT_DURABLE", "Redis has too few replicas in touch and refuses writes."),
    (ResponseError, "MISCONF", "E_STORE_FULL", "Redis cannot save to its disk and refuses writes."),
    (ResponseError, "BUSY", "E_STORE_DOWN", "Redis is busy with a long script. Try again in a moment."),
    ((ClusterDownError, TryAgainError), "", "E_STORE_DOWN", "The Redis cluster is not whole. Try again in a moment."),
    (ResponseError, "", "E_STORE_DOWN", "Redis refused a command of this bot."),
)
