"""/registry plan failover"""

import pytest

from bot.errors import UsageError
from tests.fakes import some_ports
from tests.handlers.calls import answer


async def test_a_plan_is_shown_and_nobody_is_asked() -> None:
    ports = some_ports()
    message = await answer(ports, "plan failover zhangjiakou via internet")

    assert "sim-a-registry.cn-hangzhou.cr.aliyuncs.com" in str(message.blocks)
    assert "operation.approve" not in str(message.blocks)
    assert await ports.operations.recent() == ()


@pytest.mark.parametrize("text", ["plan", "plan zhangjiakou", "plan failback zhangjiakou"])
async def test_a_plan_says_what_it_can_plan(text: str) -> None:
    with pytest.raises(UsageError, match="plan failover zhangjiakou"):
        await answer(some_ports(), text)
