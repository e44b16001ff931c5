"""/registry status"""

import pytest

from bot.errors import UnknownSite, UsageError
from tests.fakes import some_ports
from tests.handlers.calls import answer


async def test_status_is_for_the_asker_alone() -> None:
    message = await answer(some_ports(), "status")

    assert "vpc-aaaaa" in str(message.blocks)
    assert "vpc-bbbbb" in str(message.blocks)
    assert not message.in_channel


@pytest.mark.parametrize("text", ["status here", "status zjk here", "status here zjk"])
async def test_status_here_is_for_everybody(text: str) -> None:
    assert (await answer(some_ports(), text)).in_channel


async def test_status_here_stays_private_in_a_direct_message() -> None:
    message = await answer(some_ports(), "status here", channel_id="D1", channel_name="directmessage")

    assert not message.in_channel


@pytest.mark.parametrize("name", ["zhangjiakou", "zjk", "张家口", "vpc-bbbbb"])
async def test_status_of_one_site_leaves_the_other_views_out(name: str) -> None:
    message = await answer(some_ports(), f"status {name}")

    assert "vpc-bbbbb" in str(message.blocks)
    assert "vpc-aaaaa" not in str(message.blocks)


async def test_status_takes_one_name() -> None:
    with pytest.raises(UsageError, match="Name one site"):
        await answer(some_ports(), "status hangzhou zhangjiakou")


async def test_a_look_alike_name_is_refused() -> None:
    with pytest.raises(UnknownSite):
        await answer(some_ports(), "status hаngzhou")  # a Cyrillic а
