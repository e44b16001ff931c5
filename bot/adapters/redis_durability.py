"""Whether this Redis may be trusted with decisions: it must keep what it acknowledged, and be the one that decides.

Asked at the start and again with every look at readiness, since an administrator may change any of it at any time.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from redis.exceptions import ResponseError

from bot.adapters.redis_link import Command, RedisLink, explained

OLDEST = (6, 2)
MAX_CLOCK_OFFSET = timedelta(seconds=5)
"""A lease ends at a moment on its owner's clock and is judged by the clock of Redis, so the two may differ only by less
than the 7 s that a lease of 30 s leaves over once a write and its reading back took all their time."""
_SETTINGS = ("appendfsync", "maxmemory-policy", "min-replicas-to-write")


@dataclass(frozen=True, slots=True)
class WriteMode:
    """May operations be written? `sentence` says why not, or what is worth knowing; empty when all is well."""

    is_allowed: bool
    sentence: str = ""


@dataclass(frozen=True, slots=True)
class Trust:
    """What an administrator vouches for: `replicas` to wait for, durability that cannot be read, or a demo's Redis."""

    replicas: int = 0
    is_durability_asserted: bool = False
    is_volatile_allowed: bool = False


@dataclass(frozen=True, slots=True)
class Server:
    """What a Redis server says of itself; a setting is None where the bot may not read it."""

    version: tuple[int, ...]
    role: str
    replicas: int
    is_aof_on: bool
    policy: str | None
    fsync: str | None
    min_replicas: int | None
    time: datetime


async def assess(link: RedisLink, now: Callable[[], datetime], trust: Trust) -> WriteMode:
    """Judge the server as it is set up at this moment. Raises StoreUnavailable when it does not answer."""
    return judge(await _look(link), now(), trust)


def judge(server: Server, now: datetime, trust: Trust) -> WriteMode:
    """Allow writes unless some rule speaks against them; the first such rule is the sentence."""
    for reason in _objections(server, now, trust):
        return WriteMode(False, reason)
    return WriteMode(True, " ".join(_notes(server, trust)))


def _objections(server: Server, now: datetime, trust: Trust) -> Iterator[str]:
    if server.version < OLDEST:
        yield "Redis is older than 6.2. Update it."
    if server.role != "master":
        yield "Redis is a read-only replica. Point REGISTRY_BOT_REDIS_URL at the primary."
    if server.policy not in (None, "noeviction"):
        yield f"Redis may drop operations when its memory is full. Set maxmemory-policy {server.policy} to noeviction."
    if abs(server.time - now) > MAX_CLOCK_OFFSET:
        offset = abs(server.time - now).total_seconds()
        yield f"The clocks of Redis and of this bot differ by {offset:.0f} s. Synchronise both with a time server."
    if not (_is_durable(server, trust) or trust.is_durability_asserted or trust.is_volatile_allowed):
        yield _volatility(server)


def _is_durable(server: Server, trust: Trust) -> bool:
    """AOF synced at every write, or AOF with replicas that must have each write and that the bot waits for."""
    is_replicated = trust.replicas >= 1 and server.replicas >= 1 and (server.min_replicas or 0) >= 1
    return server.is_aof_on and (server.fsync == "always" or is_replicated)


def _volatility(server: Server) -> str:
    if not server.is_aof_on:
        return "Redis would lose operations in a crash. Set appendonly to yes and appendfsync to always."
    if server.fsync is None:
        return (
            "Redis does not let this bot read how often it saves. Permit CONFIG GET, or, if appendfsync is always, "
            "set REGISTRY_BOT_REDIS_DURABILITY=asserted."
        )
    return (
        f"Redis would lose the last operations in a crash (appendfsync {server.fsync}). Set it to always, or run at "
        "least one replica with min-replicas-to-write 1 and set REGISTRY_BOT_REDIS_REPLICAS."
    )


def _notes(server: Server, trust: Trust) -> Iterator[str]:
    if not _is_durable(server, trust):
        if trust.is_durability_asserted:
            yield "Redis is taken as durable because REGISTRY_BOT_REDIS_DURABILITY says so."
        elif trust.is_volatile_allowed:
            yield "Redis may lose everything: REGISTRY_BOT_REDIS_ALLOW_VOLATILE is meant for demonstrations only."
    if server.replicas > trust.replicas == 0:
        yield (
            f"Redis has {server.replicas} replicas, but the bot does not wait for them: "
            "set REGISTRY_BOT_REDIS_REPLICAS, or a failover of Redis may lose a step."
        )


async def _look(link: RedisLink) -> Server:
    commands: list[Command] = [("INFO",), ("TIME",), *(("CONFIG", "GET", name) for name in _SETTINGS)]
    info, time, *settings = await link.batch(*commands)
    for reply in (info, time):
        if isinstance(reply, ResponseError):
            raise explained(reply) from reply
    said = _parsed(info)
    known = {name: _setting(reply) for name, reply in zip(_SETTINGS, settings, strict=True)}
    min_replicas = known["min-replicas-to-write"] or ("1" if int(said.get("min_slaves_good_slaves", 0)) else None)
    return Server(
        version=tuple(int(part) for part in said.get("redis_version", "0").split(".")[:2]),
        role=said.get("role", "unknown"),
        replicas=int(said.get("connected_slaves", 0)),
        is_aof_on=said.get("aof_enabled") == "1",
        policy=known["maxmemory-policy"] or said.get("maxmemory_policy"),
        fsync=known["appendfsync"],
        min_replicas=None if min_replicas is None else int(min_replicas),
        time=datetime.fromtimestamp(int(time[0]) + int(time[1]) / 1_000_000, UTC),
    )


def _parsed(info: str) -> dict[str, str]:
    pairs = (line.partition(":") for line in info.splitlines())
    return {name: value.strip() for name, separator, value in pairs if separator}


def _setting(reply: list[str] | ResponseError) -> str | None:
    """Return a setting's value; None where CONFIG is forbidden, renamed away, or does not know it."""
    return None if isinstance(reply, ResponseError) or len(reply) < 2 else reply[1]
