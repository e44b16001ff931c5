"""Which channels are told of which site: kept until somebody ends it."""

from tests.builders import CHANNEL, ON_CALL
from tests.contracts.conftest import Observed


async def test_a_channel_is_subscribed_once_and_until_that_is_ended(store: Observed) -> None:
    begun = [await store.subscribe("zhangjiakou", CHANNEL, ON_CALL) for _ in range(2)]
    kept = await store.subscriptions()
    ended = [await store.unsubscribe("zhangjiakou", CHANNEL) for _ in range(2)]

    assert (begun, ended) == ([True, False], [True, False])
    assert kept == {"zhangjiakou": (CHANNEL,)}
    assert await store.subscriptions() == {}


async def test_every_site_has_its_own_channels(store: Observed) -> None:
    for site, channel in (("hangzhou", "C2"), ("zhangjiakou", "C2"), ("hangzhou", "C1")):
        await store.subscribe(site, channel, ON_CALL)

    assert await store.subscriptions() == {"hangzhou": ("C1", "C2"), "zhangjiakou": ("C2",)}
