"""`registry-bot manual`: exact values where the cloud answers, and a way to each where it does not."""

from simulator.app import Simulator, running
from tests.console.terminal import Outcome, Terminal, cloud_only, registry_bot, world


async def _manual(terminal: Terminal, sim: Simulator, *words: str) -> Outcome:
    config = {"REGISTRY_BOT_CONFIG": sim.announcement["env"]["REGISTRY_BOT_CONFIG"]}
    return await terminal.registry_bot("manual", *words, environment=cloud_only(sim) | config)


async def test_the_steps_carry_live_values_to_set_and_to_restore_without_slack_and_redis(terminal: Terminal) -> None:
    async with world(only={"alibaba", "registries"}) as sim:
        outcome = await _manual(terminal, sim, "张家口")

    assert outcome.code == 0
    assert "SIMULATION" in outcome.out
    assert "zone with id b83e05d1947f4a2c9d60c71e2fa45b38" in outcome.out
    assert "--Type CNAME --Value sim-a-registry.cn-hangzhou.cr.aliyuncs.com --Ttl 60" in outcome.out
    assert "--Type A --Value 10.2.0.20 --Ttl 60" in outcome.out


async def test_the_internal_route_gives_the_address_inside_the_vpc(terminal: Terminal) -> None:
    async with world(only={"alibaba"}) as sim:
        outcome = await _manual(terminal, sim, "zhangjiakou", "--to", "hz", "--via", "internal")

    assert "Set A 10.1.0.10, TTL 60 s" in outcome.out


async def test_with_the_standbys_region_silent_the_way_back_is_known_and_the_rest_can_be_found(
    terminal: Terminal,
) -> None:
    async with world(only={"alibaba"}) as sim:
        sim.faults.set("region_down", "hangzhou", True)
        outcome = await _manual(terminal, sim, "zhangjiakou")

    assert outcome.code == 0
    assert "Present, so the way back: A 10.2.0.20, TTL 60 s (record 1152921504606847002" in outcome.out
    assert "GetInstanceEndpoint --region cn-hangzhou --InstanceId cri-aaaaa" in outcome.out


async def test_with_the_zones_silent_the_value_to_set_is_known_and_the_rest_can_be_found(terminal: Terminal) -> None:
    async with world(only={"alibaba"}) as sim:
        sim.faults.set("pvtz_down", None, True)
        outcome = await _manual(terminal, sim, "zhangjiakou")

    assert "To set: CNAME sim-a-registry.cn-hangzhou.cr.aliyuncs.com." in outcome.out
    assert "DescribeZones --Keyword cross-region.registry.io" in outcome.out


async def test_without_any_key_the_configuration_alone_gives_the_outline() -> None:
    async with running(only={"alibaba"}) as sim:
        environment = sim.announcement["env"] | {"ALIBABA_CLOUD_ACCESS_KEY_ID": ""}
        outcome = await registry_bot("manual", "zhangjiakou", environment=environment)

    assert outcome.code == 0
    assert "No Alibaba Cloud access key was found" in outcome.out
    assert "aliyun pvtz UpdateZoneRecord" in outcome.out


async def test_a_site_that_is_away_already_has_nothing_to_change(terminal: Terminal) -> None:
    async with world(only={"alibaba"}) as sim:
        zone, record = sim.world.find_record(1152921504606847002)  # type: ignore[misc]
        record.type, record.value = "CNAME", "sim-a-registry.cn-hangzhou.cr.aliyuncs.com"
        outcome = await _manual(terminal, sim, "zhangjiakou")

    assert "already points at CNAME sim-a-registry.cn-hangzhou.cr.aliyuncs.com: there is nothing" in outcome.out
    assert zone.name == "cross-region.registry.io"


async def test_an_unknown_site_or_standby_is_refused_with_the_known_ones(terminal: Terminal) -> None:
    async with world(only={"alibaba"}) as sim:
        unknown = await _manual(terminal, sim, "zhangjiakuo")
        itself = await _manual(terminal, sim, "zhangjiakou", "--to", "zhangjiakou")

    assert (unknown.code, itself.code) == (2, 2)
    assert "Did you mean zhangjiakou?" in unknown.err
    assert "Its standbys: hangzhou" in itself.err
