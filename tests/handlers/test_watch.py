"""/registry watch and unwatch"""

import pytest

from bot.errors import UnknownSite, UsageError, UserError
from bot.ports import Channel
from tests.builders import CHANNEL
from tests.fakes import FakeWorkspace, some_ports
from tests.handlers.calls import answer


async def test_a_channel_watches_a_site_until_somebody_ends_it() -> None:
    ports = some_ports()

    first = await answer(ports, "watch zjk")
    again = await answer(ports, "watch zhangjiakou")
    kept = await ports.operations.subscriptions()
    listed = await answer(ports, "watch")
    ended = await answer(ports, "unwatch zjk")

    assert first.text.startswith(
        "This channel now watches zhangjiakou: critical images that a standby lacks for more than"
    )
    assert again.text.startswith("This channel already watches zhangjiakou")
    assert kept == {"zhangjiakou": (CHANNEL,)}
    assert [told.in_channel for told in (first, again, listed, ended)] == [True, False, False, True]
    assert listed.text.startswith("This channel watches zhangjiakou.")
    assert ended.text == "This channel no longer watches zhangjiakou."
    assert await ports.operations.subscriptions() == {}


async def test_a_channel_that_watches_nothing_says_how_to_begin() -> None:
    assert "`/registry watch <site>`" in (await answer(some_ports(), "watch")).text.replace("&lt;", "<").replace(
        "&gt;", ">"
    )
    assert (await answer(some_ports(), "unwatch zjk")).text == "This channel did not watch zhangjiakou."


@pytest.mark.parametrize("channel", [Channel(CHANNEL, "ops", False, False), Channel("C09", "elsewhere", True, False)])
async def test_a_channel_without_the_bot_cannot_watch(channel: Channel) -> None:
    ports = some_ports(workspace=FakeWorkspace(channel))

    with pytest.raises(UserError, match="/invite @registry"):
        await answer(ports, "watch zjk")

    assert await ports.operations.subscriptions() == {}


async def test_a_name_that_is_no_site_is_told() -> None:
    with pytest.raises(UnknownSite, match="Did you mean zhangjiakou"):
        await answer(some_ports(), "watch zhangjiakuo")
    with pytest.raises(UsageError, match="/registry unwatch hangzhou"):
        await answer(some_ports(), "unwatch")
