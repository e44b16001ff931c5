"""Redis hanging, refusing and lying down at the worst moment: a sentence in time, and never two effects."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

from bot.adapters.redis_keys import AUDIT
from bot.adapters.redis_link import CONNECT_TIMEOUT, MAX_CONNECTIONS, OPERATION_TIMEOUT, RedisLink
from bot.adapters.redis_store import RedisOperations
from bot.errors import InvalidConfiguration, StoreUnavailable
from bot.ports import Commit, IndexMove
from tests.adapters.stores import opened
from tests.builders import an_operation
from tests.proxy import Proxy, proxy_to
from tests.secrets import marked

AT_MOST = CONNECT_TIMEOUT + OPERATION_TIMEOUT + 0.2
FIRST = Commit(an_operation(), "first", {"event": "tested"}, index=IndexMove.TAKE)
PASSWORD = marked("Password")


@pytest.fixture
async def proxy(redis_url: str) -> AsyncIterator[Proxy]:
    async with proxy_to(redis_url) as proxy:
        yield proxy


@pytest.fixture
async def store(proxy: Proxy) -> AsyncIterator[RedisOperations]:
    """Return a store behind the proxy, with its connection already in use."""
    async with opened(proxy.url) as store:
        await store.adopt()
        yield store


async def entries(url: str) -> int:
    async with opened(url) as store:
        return int(await store.link.call("XLEN", AUDIT))


async def version_in(url: str) -> int:
    async with opened(url) as store:
        return (await store.get("fo-7k2m")).version


async def test_a_refusing_redis_is_a_sentence_and_nothing_was_recorded(store: RedisOperations, proxy: Proxy) -> None:
    await proxy.refuse()
    await asyncio.sleep(0.01)

    with pytest.raises(StoreUnavailable, match=r"Redis does not answer. Nothing was recorded \(E_STORE_DOWN\)"):
        await store.get("fo-7k2m")


async def test_a_store_that_was_never_there_is_a_sentence_too(proxy: Proxy) -> None:
    await proxy.refuse()

    async with opened(proxy.url) as store:
        with pytest.raises(StoreUnavailable, match="does not answer"):
            await store.commit(FIRST)


@pytest.mark.covers("F02")
async def test_a_hanging_redis_is_given_up_in_time(store: RedisOperations, proxy: Proxy) -> None:
    proxy.is_black_hole = True
    started = time.monotonic()

    with pytest.raises(StoreUnavailable, match=r"^Redis did not answer in time\. Ask again in a moment \(E_S"):
        await store.get("fo-7k2m")

    assert time.monotonic() - started < AT_MOST


async def test_a_hanging_redis_leaves_open_whether_a_small_write_was_recorded(
    store: RedisOperations, proxy: Proxy
) -> None:
    proxy.is_black_hole = True

    with pytest.raises(StoreUnavailable, match="nobody knows whether this was recorded"):
        await store.remember("x", "1")


async def test_a_commit_into_a_black_hole_says_that_it_may_have_been_recorded(
    store: RedisOperations, proxy: Proxy, redis_url: str
) -> None:
    proxy.is_black_hole = True
    started = time.monotonic()

    with pytest.raises(StoreUnavailable, match="may have been recorded: look with `/registry show fo-7k2m`"):
        await store.commit(FIRST)

    assert time.monotonic() - started < AT_MOST
    assert await entries(redis_url) == 0


@pytest.mark.covers("F03", "F04")
async def test_a_commit_whose_reply_is_lost_is_recognised_by_its_token(
    store: RedisOperations, proxy: Proxy, redis_url: str
) -> None:
    proxy.replies_to_lose = 1

    assert (await store.commit(FIRST)).version == 1
    assert (await version_in(redis_url), await entries(redis_url)) == (1, 1)


async def test_a_commit_that_is_cut_off_after_it_took_effect_is_recognised_too(
    store: RedisOperations, proxy: Proxy, redis_url: str
) -> None:
    proxy.resets_instead_of_reply = 1

    assert (await store.commit(FIRST)).version == 1
    assert await entries(redis_url) == 1


async def test_when_the_second_reply_is_lost_as_well_the_sentence_says_so(
    store: RedisOperations, proxy: Proxy, redis_url: str
) -> None:
    proxy.replies_to_lose = 2

    with pytest.raises(StoreUnavailable, match="may have been recorded"):
        await store.commit(FIRST)

    assert await entries(redis_url) == 1
    assert (await store.commit(FIRST)).version == 1


async def test_a_late_reply_is_never_taken_for_anothers(store: RedisOperations, proxy: Proxy) -> None:
    proxy.delay = OPERATION_TIMEOUT + 0.1
    with pytest.raises(StoreUnavailable):
        await store.remember("name", "late")
    proxy.delay = 0.0

    await store.remember("name", "new")

    assert await store.recall("name") == "new"


async def test_a_cancelled_call_leaves_no_reply_behind(store: RedisOperations, proxy: Proxy) -> None:
    proxy.delay = 0.05
    call = asyncio.ensure_future(store.freezes())
    await asyncio.sleep(0.01)
    call.cancel()
    await asyncio.gather(call, return_exceptions=True)

    assert await store.recall("name") is None


async def test_a_connection_that_died_in_its_sleep_is_replaced(store: RedisOperations, proxy: Proxy) -> None:
    proxy.reset()
    await asyncio.sleep(0.01)

    assert (await store.commit(FIRST)).version == 1


async def test_a_slow_redis_is_slow_and_nothing_worse(store: RedisOperations, proxy: Proxy) -> None:
    proxy.delay = 0.4

    assert (await store.commit(FIRST)).version == 1


async def test_more_callers_than_connections_wait_their_turn(redis_url: str) -> None:
    async with opened(redis_url, connect_timeout=5, operation_timeout=5) as store:
        await store.remember("name", "value")

        assert set(await asyncio.gather(*(store.recall("name") for _ in range(3 * MAX_CONNECTIONS)))) == {"value"}


REFUSALS = {
    ("CONFIG", "SET", "min-replicas-to-write", 1): "too few replicas",
    ("CONFIG", "SET", "maxmemory", 1): "out of memory",
    ("REPLICAOF", "127.0.0.1", 1): "read-only replica",
}


@pytest.mark.covers("F07", "F09", "F13")
@pytest.mark.parametrize(("fault", "sentence"), REFUSALS.items(), ids=REFUSALS.values())
async def test_a_redis_that_refuses_writes_is_read_and_half_of_nothing_is_written(
    own_redis: str, fault: tuple[Any, ...], sentence: str
) -> None:
    async with opened(own_redis) as store:
        first = await store.commit(FIRST)
        await store.link.call(*fault)

        with pytest.raises(StoreUnavailable, match=rf"{sentence}.*Nothing was recorded"):
            await store.commit(Commit(first, "second", {}, index=IndexMove.RELEASE, due_at=first.created_at))

        assert await store.get("fo-7k2m") == first
        assert await store.link.call("XLEN", AUDIT) == 1


@pytest.mark.covers("F10")
async def test_a_busy_redis_is_a_sentence(own_redis: str) -> None:
    async with opened(own_redis) as store, opened(own_redis, operation_timeout=5) as other:
        await store.link.call("CONFIG", "SET", "lua-time-limit", 1)
        endless = asyncio.ensure_future(other.link.call("EVAL", "while true do end", 0))
        await asyncio.sleep(0.05)

        with pytest.raises(StoreUnavailable, match="busy with a long script"):
            await store.get("fo-7k2m")

        await store.link.call("SCRIPT", "KILL")
        await asyncio.gather(endless, return_exceptions=True)


CANNED = {
    "-LOADING Redis is loading the dataset in memory": "still loading",
    "-CLUSTERDOWN The cluster is down": "not whole",
    "-MISCONF Errors writing to the AOF file": "cannot save",
    "-ERR Error running script (call to f_1): @user_script:9: -OOM command not allowed": "out of memory",
    "-ERR something nobody has heard of": "refused a command",
}


@pytest.mark.covers("F10")
@pytest.mark.parametrize(("line", "sentence"), CANNED.items(), ids=CANNED.values())
async def test_what_redis_says_becomes_a_sentence(line: str, sentence: str) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(65536):
            writer.write(f"{line}\r\n".encode())
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, opened(f"redis://127.0.0.1:{port}/0") as store:
        with pytest.raises(StoreUnavailable, match=rf"({sentence}).*Nothing was recorded"):
            await store.get("fo-7k2m")


def with_password(url: str, password: str, user: str = "") -> str:
    return url.replace("redis://", f"redis://{user}:{password}@")


def everything_said(error: BaseException | None) -> str:
    said = ""
    while error is not None:
        said += f"{error!r} {error}"
        error = error.__cause__ or error.__context__
    return said


@pytest.mark.covers("F17")
async def test_a_wrong_password_is_named_but_never_shown(own_redis: str) -> None:
    async with opened(own_redis) as admin:
        await admin.link.call("CONFIG", "SET", "requirepass", "the right one")

    for url in (own_redis, with_password(own_redis, PASSWORD)):
        async with opened(url) as store:
            with pytest.raises(StoreUnavailable, match=r"user or password\. Check REGISTRY_BOT_REDIS_URL") as refused:
                await store.get("fo-7k2m")
            assert PASSWORD not in everything_said(refused.value)


@pytest.mark.covers("F17")
async def test_a_missing_permission_is_named(own_redis: str) -> None:
    async with opened(own_redis) as admin:
        await admin.link.call("ACL", "SETUSER", "bot", "on", f">{PASSWORD}", "~*", "+get")

    async with opened(with_password(own_redis, PASSWORD, "bot")) as store:
        with pytest.raises(StoreUnavailable, match="does not permit its user a command"):
            await store.get("fo-7k2m")


@pytest.mark.parametrize(
    "url", [f"http://:{PASSWORD}@host", f"redis://:{PASSWORD}/x@host:6379", "", "redis://host:port"]
)
def test_an_address_that_is_none_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(InvalidConfiguration, match="REGISTRY_BOT_REDIS_URL is not the address") as refused:
        RedisLink(url)

    assert PASSWORD not in everything_said(refused.value)
