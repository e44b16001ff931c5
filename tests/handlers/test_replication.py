"""/registry replication"""

import pytest

from bot.errors import UnknownSite, UsageError
from tests.fakes import some_ports
from tests.handlers.calls import answer


async def test_without_words_every_site_is_compared_with_its_first_standby() -> None:
    message = await answer(some_ports(), "replication")

    assert "hangzhou to zhangjiakou" in message.text
    assert "zhangjiakou to hangzhou" in message.text


@pytest.mark.parametrize(
    "text", ["replication from zjk to hz", "replication from zjk", "replication to hz", "replication to hz from zjk"]
)
async def test_one_direction_can_be_named_from_either_end(text: str) -> None:
    message = await answer(some_ports(), text)

    assert "zhangjiakou to hangzhou" in message.text
    assert "hangzhou to zhangjiakou" not in message.text


@pytest.mark.parametrize(
    "text", ["replication zjk", "replication from", "replication from zjk from hz", "replication away zjk"]
)
async def test_other_words_get_the_usage(text: str) -> None:
    with pytest.raises(UsageError, match="from <site> to <site>"):
        await answer(some_ports(), text)


async def test_a_site_is_not_compared_with_itself() -> None:
    with pytest.raises(UsageError, match="two different sites"):
        await answer(some_ports(), "replication from zjk to zjk")


async def test_an_unknown_site_gets_candidates() -> None:
    with pytest.raises(UnknownSite, match="Did you mean zhangjiakou"):
        await answer(some_ports(), "replication from zhangjiakuo")
