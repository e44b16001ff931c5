"""The control API, the announcement and the command line."""

import asyncio
import json
import os
import signal
import socket
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from aiohttp import ClientSession

from simulator.app import Simulator, running
from tests.simulator.conftest import Getter, Poster

ROOT = Path(__file__).parents[2]
ZHANGJIAKOU = "vpc-bbbbb"


def value(sim: Simulator, vpc: str = ZHANGJIAKOU) -> str | None:
    record = sim.world.record_for_vpc(vpc)
    return record.value if record else None


def text(path: str) -> str:
    return Path(path).read_text(encoding="utf-8")


def test_the_announcement_names_every_section(whole: Simulator) -> None:
    announced = whole.announcement

    assert set(announced) == {"alibaba", "dns", "registries", "slack", "control", "config", "ca", "env"}
    assert set(announced["alibaba"]) == {"pvtz", "cr", "access_key_id", "access_key_secret"}
    assert set(announced["slack"]) == {"api_url", "page", "bot_token", "app_token", "signing_secret"}
    assert set(announced["dns"]) == {"vpc-aaaaa", ZHANGJIAKOU}
    assert set(announced["registries"]) == {"cri-aaaaa", "cri-bbbbb"}
    assert announced["alibaba"]["cr"].startswith("cn-hangzhou=127.0.0.1:")


def test_the_environment_points_a_bot_at_everything_but_redis(whole: Simulator) -> None:
    assert set(whole.announcement["env"]) == {
        "REGISTRY_BOT_CONFIG",
        "REGISTRY_BOT_SIGNING_KEY",
        "REGISTRY_BOT_SLACK_BOT_TOKEN",
        "REGISTRY_BOT_SLACK_APP_TOKEN",
        "REGISTRY_BOT_SLACK_SIGNING_SECRET",
        "REGISTRY_BOT_SLACK_API_URL",
        "REGISTRY_BOT_ALIBABA_PVTZ_ENDPOINT",
        "REGISTRY_BOT_ALIBABA_CR_ENDPOINT",
        "REGISTRY_BOT_ALIBABA_PROTOCOL",
        "REGISTRY_BOT_CONNECT_TO",
        "ALIBABA_CLOUD_ACCESS_KEY_ID",
        "ALIBABA_CLOUD_ACCESS_KEY_SECRET",
        "ALIBABA_CLOUD_ECS_METADATA_DISABLED",
        "SSL_CERT_FILE",
    }


def test_the_configuration_fits_the_world(whole: Simulator) -> None:
    document = yaml.safe_load(text(whole.announcement["config"]))

    view = document["sites"]["zhangjiakou"]["views"][0]
    assert view["zone"] in whole.world.zones
    assert view["resolver"] == whole.announcement["dns"][ZHANGJIAKOU]


async def test_a_site_with_two_vpcs_has_two_views_and_two_resolvers(tmp_path: Path) -> None:
    document = yaml.safe_load(text(str(ROOT / "simulator" / "seed.yaml")))
    document["sites"]["zhangjiakou"]["more_vpcs"] = ["vpc-ccccc"]
    document["zones"].append({"id": "3a", "name": document["domain"], "vpcs": ["vpc-ccccc"], "records": []})
    world = tmp_path / "world.yaml"
    world.write_text(yaml.safe_dump(document), encoding="utf-8")

    async with running(only={"dns"}, world=world) as simulator:
        config = yaml.safe_load(text(simulator.announcement["config"]))

        assert len(config["sites"]["zhangjiakou"]["views"]) == 2
        assert set(simulator.announcement["dns"]) == {"vpc-aaaaa", "vpc-bbbbb", "vpc-ccccc"}


async def test_sections_that_were_not_asked_for_are_absent() -> None:
    async with running(only={"dns"}) as simulator:
        assert set(simulator.announcement) == {"dns", "control", "config", "ca", "env"}
        assert set(simulator.announcement["env"]) == {"REGISTRY_BOT_CONFIG", "REGISTRY_BOT_SIGNING_KEY"}


async def test_without_our_slack_the_bot_trusts_the_systems_authorities_too() -> None:
    async with running(only={"registries"}) as simulator:
        own, trusted = text(simulator.announcement["ca"]), text(simulator.announcement["env"]["SSL_CERT_FILE"])

        assert own in trusted


async def test_an_unknown_section_is_refused() -> None:
    with pytest.raises(ValueError, match="No section is called 'mail'"):
        async with running(only={"mail"}):
            pass


async def test_the_world_shows_who_pulls_from_where_and_the_readers_key(get: Getter) -> None:
    shown = await get("world")

    assert [view["instance"] for view in shown["views"]] == ["cri-aaaaa", "cri-bbbbb"]
    assert set(shown["reader"]) == {"access_key_id", "access_key_secret"}
    assert "2.7.1" in shown["instances"][0]["repositories"]["core/api"]


async def test_a_fault_is_switched_and_listed(whole: Simulator, post: Poster, get: Getter) -> None:
    await post("faults", name="region_down", target="zhangjiakou", on=True)

    assert whole.faults.active("region_down", "zhangjiakou")
    assert {"name": "region_down", "target": "zhangjiakou", "on": True} in await get("faults")


async def test_a_third_party_edits_the_record_once_and_leaves_a_trace(whole: Simulator, post: Poster) -> None:
    await post("faults", name="third_party_edit", target="zhangjiakou", on=True)

    assert (value(whole), value(whole, "vpc-aaaaa")) == ("10.99.0.99", "10.1.0.10")
    assert [line.creator for line in whole.world.state.changes] == ["console-user"]


@pytest.mark.parametrize(
    ("path", "wire", "said"),
    [
        ("faults", {"name": "sloth", "on": True}, "No fault is called 'sloth'"),
        ("faults", {"name": "slow", "target": "mars", "on": True}, "No site is called 'mars'"),
        ("faults", {"on": True}, "name is needed"),
        ("faults", {"name": "slow", "on": "yes"}, "on must be true or false"),
        ("push", {"instance": "cri-zzzzz", "repo": "core/api", "tag": "1"}, "No instance is called"),
        ("delete", {"instance": "cri-aaaaa", "repo": "core/api", "tag": "none"}, "has no core/api:none"),
        ("latency", {"ms": "fast"}, "whole milliseconds"),
        ("record", {"site": "mars"}, "No site is called"),
        ("record", {"site": "hangzhou", "act": "burn"}, "act is rewrite, add or remove"),
        ("record", {"site": "hangzhou", "colour": "red"}, "'colour' cannot be changed"),
        ("record", {"site": "hangzhou", "ttl": "60"}, "ttl is 60 now and cannot become '60'"),
        ("slack/command", {"user": "U01ONCALL"}, "channel is needed"),
    ],
)
async def test_what_cannot_be_done_is_said_in_a_sentence(
    post: Poster, path: str, wire: dict[str, Any], said: str
) -> None:
    assert said in (await post(path, **wire))["error"]


async def test_a_body_that_is_not_json_is_said_so(whole: Simulator) -> None:
    url = f"{whole.announcement['control']}/control/faults"
    async with ClientSession() as session, session.post(url, data="name=slow") as response:
        answer = await response.json()

    assert (response.status, "not JSON" in answer["error"]) == (400, True)


async def test_a_page_of_another_origin_cannot_touch_the_world(whole: Simulator) -> None:
    url, headers = f"{whole.announcement['control']}/control/reset", {"Origin": "http://evil.example"}
    async with ClientSession() as session, session.post(url, headers=headers) as response:
        assert response.status == 403


async def test_records_are_rewritten_added_and_removed(whole: Simulator, post: Poster) -> None:
    await post("record", site="zhangjiakou", type="CNAME", value="odd.example", ttl=30)
    assert value(whole) == "odd.example"

    await post("record", site="zhangjiakou", act="add", value="10.3.3.3")
    assert len(whole.world.view(ZHANGJIAKOU).records) == 2  # type: ignore[union-attr]

    for _ in range(2):
        await post("record", site="zhangjiakou", act="remove")
    assert value(whole) is None


async def test_zones_are_bound_otherwise_copied_and_removed(whole: Simulator, post: Poster) -> None:
    await post("zone", site="zhangjiakou", vpcs=[ZHANGJIAKOU, "vpc-ccccc"])
    await post("zone", site="zhangjiakou", copies=1)
    named = [zone for zone in whole.world.zones_for_vpc(ZHANGJIAKOU) if zone.name == whole.world.domain]
    assert [zone.vpcs for zone in named] == [[ZHANGJIAKOU, "vpc-ccccc"]] * 2
    assert len({record.id for zone in named for record in zone.records}) == 2

    for _ in named:
        await post("zone", site="zhangjiakou", remove=True)
    assert whole.world.view(ZHANGJIAKOU) is None


async def test_an_instance_its_endpoint_and_its_links_change(whole: Simulator, post: Poster) -> None:
    await post("instance", site="hangzhou", status="STOPPED", public=False, link_status="CREATING")

    instance = whole.world.instances["cri-aaaaa"]
    assert (instance.status, instance.endpoint.enabled, instance.links[0].status) == ("STOPPED", False, "CREATING")


async def test_a_push_is_answered_with_its_digest(whole: Simulator, post: Poster) -> None:
    answer = await post("push", instance="cri-bbbbb", repo="core/api", tag="3.0.0")

    tag = whole.world.instances["cri-bbbbb"].tag("core/api", "3.0.0")
    assert tag is not None
    assert answer["result"]["digest"] == tag.image.digest


async def test_a_reset_makes_everything_fresh_but_keys_and_ports(whole: Simulator, post: Poster) -> None:
    before = dict(whole.announcement)
    await post("record", site="zhangjiakou", value="10.3.3.3")
    await post("faults", name="slow", on=True)
    await post("latency", ms=50)
    await post("ram", deny=["cr:ListInstance"])

    await post("reset")

    assert whole.alibaba is not None
    assert (value(whole), whole.faults.anywhere("slow"), whole.announcement) == ("10.2.0.20", False, before)
    assert (whole.alibaba.cloud.timing.latency_ms, whole.alibaba.cloud.ram.denied) == (0, set())


async def test_calls_are_counted(whole: Simulator, get: Getter) -> None:
    async with ClientSession() as session:
        await session.post(
            f"http://{whole.announcement['alibaba']['pvtz']}/", headers={"x-acs-action": "DescribeZones"}
        )

    shown = await get("calls")

    assert shown["counts"] == {"DescribeZones": 1}
    assert (shown["calls"][0]["params"], shown["calls"][0]["status"]) == ({}, 400)


async def test_a_command_is_typed_and_messages_are_read(post: Poster, get: Getter) -> None:
    answer = await post("slack/command", user="U01ONCALL", channel="C01OPS", text="/registry help")

    assert answer["status"] == "dispatch_failed"  # no bot is connected
    assert isinstance(await get("slack/messages/C01OPS"), list)


async def test_people_change_at_run_time(post: Poster) -> None:
    assert (await post("slack/user", id="U01APPROVER", deleted=True))["result"]["deleted"] is True


async def command(*arguments: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "simulator", *arguments, stdout=-1, stderr=-1, cwd=ROOT, env={**os.environ}
    )


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
async def test_the_command_prints_one_line_and_ends_on_a_signal(ending: signal.Signals) -> None:
    process = await command("--only", "dns")
    assert process.stdout is not None
    announced = json.loads(await process.stdout.readline())
    directory = Path(announced["ca"]).parent

    process.send_signal(ending)
    rest, complaints = await process.communicate()

    assert (process.returncode, rest, complaints) == (0, b"", b"")
    assert not directory.exists()


async def test_a_busy_port_is_said_in_a_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        process = await command("--only", "alibaba", "--port-base", str(taken.getsockname()[1]))
        _, complaints = await process.communicate()

    assert process.returncode == 1
    assert complaints.startswith(b"A port cannot be opened")
    assert len(complaints.splitlines()) == 1


async def test_a_broken_world_file_is_said_in_a_sentence(tmp_path: Path) -> None:
    world = tmp_path / "world.yaml"
    world.write_text("domain: [", encoding="utf-8")

    process = await command("--world", str(world))
    _, complaints = await process.communicate()

    assert (process.returncode, len(complaints.splitlines())) == (1, 1)
