"""Redis refuses or hangs under a running bot: what is read live is answered, the rest refused in time and in words."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from tests.processes.premises import premises
from tests.proxy import Proxy, proxy_to

MISSING = "Unavailable without Redis: history, open operations, freezes, last known answers."


async def _refuse(proxy: Proxy) -> None:
    await proxy.refuse()


async def _hang(proxy: Proxy) -> None:
    proxy.is_black_hole = True


@pytest.mark.covers("F02")
@pytest.mark.parametrize("fault", [_refuse, _hang], ids=["refuses", "hangs"])
async def test_without_redis_what_is_live_is_answered_and_what_is_not_is_refused_in_time(
    fault: Callable[[Proxy], Awaitable[None]], redis_url: str, tmp_path: Path
) -> None:
    async with (
        proxy_to(redis_url) as proxy,
        premises(redis_url, tmp_path, REGISTRY_BOT_REDIS_URL=proxy.url) as company,
        company.bot(),
    ):
        operation_id = company.operation_id(await company.failover())
        await fault(proxy)

        for text in ("status", "replication", "plan failover hangzhou"):
            said = await company.answer(text)
            assert MISSING in said, said
            assert "hangzhou" in said
        assert "it cannot be requested now" in said

        for text in ("actions", f"show {operation_id}"):
            said = await company.refusal(text)
            assert "`replication` and `help` still answer" in said, said

        for text in ("failover hangzhou", f"approve {operation_id}", f"cancel {operation_id}"):
            said = await company.refusal(text)
            assert "E_STORE_DOWN" in said, said

        assert "/registry status" in await company.refusal("help")
        assert company.writes() == []
