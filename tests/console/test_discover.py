"""`registry-bot discover`: its output loads, says what it saw, and `check` says what is left to fill in."""

from pathlib import Path

from bot.configuration import parse_registry
from simulator.app import running
from tests.console.terminal import Terminal, cloud_only, everything, registry_bot, world

REGIONS = ("--region", "cn-hangzhou", "--region", "cn-zhangjiakou")


async def test_the_file_loads_and_check_names_the_placeholders_that_are_left(tmp_path: Path, redis_url: str) -> None:
    async with running() as sim:
        found = await registry_bot("discover", *REGIONS, environment=cloud_only(sim))
        (tmp_path / "registry.yaml").write_text(found.out, encoding="utf-8")
        environment = everything(sim, redis_url) | {"REGISTRY_BOT_CONFIG": str(tmp_path / "registry.yaml")}
        checked = await registry_bot("check", environment=environment)

    topology = parse_registry(found.out).topology()
    view = topology.site("zhangjiakou").views[0]
    assert (found.code, found.err) == (0, "")
    assert (view.vpcs, view.zone) == (("vpc-bbbbb",), "b83e05d1947f4a2c9d60c71e2fa45b38")
    assert topology.site("hangzhou").internal_vpc == "vpc-aaaaa"
    assert "# sim-a, Basic edition, RUNNING" in found.out
    assert "hangzhou admits 203.0.113.7/32 now" in found.out
    assert set(checked.rows("FAIL")) == {"slack: home channel", "slack: people"}
    assert "is still a placeholder" in checked.rows("WARN")["slack: person requester"]


async def test_a_domain_that_nobody_carries_yet_gets_a_file_to_complete(terminal: Terminal) -> None:
    async with world(only={"alibaba"}) as sim:
        found = await terminal.registry_bot(
            "discover", "--region", *REGIONS[1::2], "--domain", "new.example.com", environment=cloud_only(sim)
        )

    topology = parse_registry(found.out).topology()
    assert found.code == 0
    assert "it does not carry new.example.com yet" in found.out
    assert {view.zone for view in topology.views} == {None}


async def test_one_region_alone_gets_a_sentence_and_no_file(terminal: Terminal) -> None:
    async with world(only={"alibaba"}) as sim:
        outcome = await terminal.registry_bot("discover", "--region", "cn-hangzhou", environment=cloud_only(sim))

    assert (outcome.code, outcome.out) == (2, "")
    assert "Name the other region with --region as well." in outcome.err


async def test_an_unknown_access_key_gets_a_sentence_and_no_file(terminal: Terminal) -> None:
    async with running(only={"alibaba"}) as sim:
        outcome = await terminal.registry_bot("discover", *REGIONS, environment=cloud_only(sim))

    assert (outcome.code, outcome.out) == (1, "")
    assert "does not know the bot's access key" in outcome.err
