"""/registry replication"""

from dataclasses import replace

import pytest

from bot.errors import StoreUnavailable, UnknownSite, UsageError
from tests.builders import DOMAIN, a_site, a_topology, an_instance
from tests.domain.stocks import a_repository, a_tag, at
from tests.fake_inventories import FakeInventories
from tests.fakes import FakeRegistries, some_ports
from tests.handlers.calls import answer
from tests.handlers.kept import keep
from tests.messages.reading import words_of


async def test_without_words_every_site_is_compared_with_its_first_standby() -> None:
    message = await answer(some_ports(), "replication")

    assert "hangzhou to zhangjiakou" in message.text
    assert "zhangjiakou to hangzhou" in message.text


async def test_of_directions_that_nobody_would_fail_over_in_the_rules_are_told() -> None:
    shanghai = replace(a_site("hangzhou"), name="shanghai", instance="cri-ccccc", aliases=())
    rules = replace(some_ports().rules, topology=a_topology(a_site("hangzhou"), a_site(), shanghai))

    registries = FakeRegistries()
    registries.instances["shanghai"] = an_instance("hangzhou")

    message = await answer(some_ports(rules=rules, registries=registries), "replication")

    said = words_of(message)
    assert len(message.text.splitlines()) == 3
    for way in ("hangzhou to shanghai", "zhangjiakou to shanghai", "shanghai to hangzhou"):
        assert f"• {way}: none copies in this direction" in said


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


async def test_a_repository_that_only_one_pair_could_have_is_looked_for_in_every_pair() -> None:
    ports = some_ports()
    await keep(ports, "hangzhou", a_repository("core/api", {"1": a_tag()}))
    await keep(ports, "zhangjiakou")

    message = await answer(ports, "replication repo core/*")

    assert message.text.splitlines()[0].startswith("BEHIND: 1 of 1 image in `core/*` would be lost")


async def test_a_repository_that_nobody_has_is_told_with_what_is_near_it() -> None:
    ports = some_ports()
    await keep(ports, "hangzhou", a_repository("core/api", {"1": a_tag()}))

    with pytest.raises(UsageError, match="Nearly: core/api"):
        await answer(ports, "replication repo core/apu")


async def test_a_domain_chooses_what_is_critical_and_an_unknown_one_is_told() -> None:
    ports = some_ports()

    assert "hangzhou" in (await answer(ports, f"replication from zjk domain {DOMAIN}")).text
    with pytest.raises(UsageError, match=f"Known domains: {DOMAIN}"):
        await answer(ports, "replication domain other.registry.io")


async def test_a_dead_source_is_answered_for_from_what_is_kept() -> None:
    ports = some_ports(registries=FakeRegistries("zhangjiakou"))
    await keep(ports, "zhangjiakou", a_repository("core/api", {"1": a_tag(), "2": a_tag("b", -9)}), silent_since=at(-3))
    await keep(ports, "hangzhou", a_repository("core/api", {"1": a_tag()}))

    message = await answer(ports, "replication from zjk to hz")

    assert message.text.startswith("BEHIND: 1 of 2 critical images would be lost, zhangjiakou to hangzhou, lag 9 min")
    assert "*Cannot be read*: zhangjiakou, for 3 min" in str(message.blocks)


async def test_without_the_store_both_sites_are_asked_and_the_answer_says_so() -> None:
    inventories = FakeInventories()
    inventories.down = StoreUnavailable("Redis does not answer.")

    message = await answer(some_ports(inventories=inventories), "replication from zjk to hz")

    assert message.text.startswith("IN STEP: all 3 critical images identical")
    assert "*Asked of both sites just now*, of what counts alone: Redis does not answer." in str(message.blocks)


async def test_without_the_store_and_the_source_rules_and_tasks_are_told_all_the_same() -> None:
    inventories = FakeInventories()
    inventories.down = StoreUnavailable("Redis does not answer.")
    ports = some_ports(inventories=inventories, registries=FakeRegistries("zhangjiakou"))

    message = await answer(ports, "replication from zjk to hz")

    assert message.text.startswith("UNKNOWN: zhangjiakou to hangzhou, the kept lists cannot be read")
    assert "*Rules*: 1 on push" in str(message.blocks)
