"""`registry-bot check` as a process: a row for everything, FAIL where something must be mended, and what to do."""

import json
from pathlib import Path
from typing import Any

import yaml

from bot.adapters.clock import SystemClock
from bot.adapters.redis_store import RedisOperations
from bot.services.freezing import of_new_store
from simulator.app import running
from tests.console.terminal import Terminal, everything, registry_bot, world


def _configured(environment: dict[str, str]) -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load(Path(environment["REGISTRY_BOT_CONFIG"]).read_text(encoding="utf-8"))
    return document


async def test_a_sound_installation_has_no_failures_and_changes_nothing(redis_url: str) -> None:
    async with running() as sim:
        before = len(sim.world.state.changes)
        outcome = await registry_bot("check", environment=everything(sim, redis_url))
        written = len(sim.world.state.changes) - before

    assert (outcome.code, outcome.rows("FAIL"), written) == (0, {}, 0)
    assert "SIMULATION" in outcome.rows("WARN")["environment"]
    assert "the first freezes everything" in outcome.rows("WARN")["redis: owner"]
    found = outcome.rows("OK")
    assert found["zone: zhangjiakou (vpc-bbbbb)"] == "b83e05d1947f4a2c9d60c71e2fa45b38, @ A 10.2.0.20, TTL 60 s"
    assert found["failover: zhangjiakou to hangzhou"] == (
        "by internet: CNAME sim-a-registry.cn-hangzhou.cr.aliyuncs.com"
    )
    assert found["change log"] == "can be read: when others change a record, the bot tells who"
    assert found["slack: token"].startswith("workspace T01SIM")
    assert {"slack: scopes", "slack: app token", "slack: home channel", "redis", "access key: main"} <= set(found)


async def test_what_is_frozen_is_a_warning_with_how_it_ends(terminal: Terminal, redis_url: str) -> None:
    store = RedisOperations(redis_url, clock=SystemClock(), workspace="T01SIM", beginning=of_new_store)
    await store.adopt()
    await store.close()
    async with world() as sim:
        begun = await terminal.registry_bot("check", environment=everything(sim, redis_url))
        frozen_here = everything(sim, redis_url) | {"REGISTRY_BOT_FREEZE": "1"}
        here = await registry_bot("check", environment=frozen_here | {"REGISTRY_BOT_REDIS_URL": "redis://127.0.0.1:1"})

    assert begun.code == 0
    said = begun.rows("WARN")["frozen"]
    assert said.startswith("all sites until two people lift it, by bot (No bot has used this Redis before")
    assert said.endswith("`/registry unfreeze all because …` and a second person lift that")
    assert here.rows("WARN")["frozen"] == "The kill switch is on (REGISTRY_BOT_FREEZE)."


async def test_wrong_keys_tokens_and_addresses_get_a_sentence_each_and_never_a_secret() -> None:
    wrong = {
        "REGISTRY_BOT_SLACK_BOT_TOKEN": "xoxb-wrong-token",
        "REGISTRY_BOT_REDIS_URL": "redis://:wrong-password@127.0.0.1:1/0",
        "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "wrong-secret",
    }
    async with running() as sim:
        outcome = await registry_bot("check", environment=sim.announcement["env"] | wrong)

    failures = outcome.rows("FAIL")
    assert outcome.code == 1
    assert "invalid_auth" in failures["slack: token"]
    assert "Check REGISTRY_BOT_REDIS_URL" in failures["redis"]
    assert "Check ALIBABA_CLOUD_ACCESS_KEY_SECRET" in failures["zone: hangzhou (vpc-aaaaa)"]
    assert "wrong-" not in outcome.out + outcome.err


async def test_a_missing_permission_a_refused_network_and_a_dead_region_are_told_apart(
    terminal: Terminal, redis_url: str
) -> None:
    async with world() as sim:
        assert sim.alibaba is not None
        environment = everything(sim, redis_url)
        sim.alibaba.cloud.ram.denied.add("pvtz:DescribeZones")
        sim.faults.set("region_down", "hangzhou", True)
        closed = environment | {"REGISTRY_BOT_ALIBABA_PVTZ_ENDPOINT": "127.0.0.1:1"}
        denied = await terminal.registry_bot("check", environment=environment)
        refused = await terminal.registry_bot("check", environment=closed)

    zone = "zone: zhangjiakou (vpc-bbbbb)"
    assert "lacks the RAM action pvtz:DescribeZones" in denied.rows("FAIL")[zone]
    assert "did not answer within 3 s" in denied.rows("FAIL")["instance: hangzhou"]
    assert "instance: zhangjiakou" in denied.rows("OK")
    assert "cannot be reached" in refused.rows("FAIL")[zone]


async def test_a_change_log_that_may_not_be_read_is_a_warning_with_what_is_lost(
    terminal: Terminal, redis_url: str
) -> None:
    async with world() as sim:
        assert sim.alibaba is not None
        sim.alibaba.cloud.ram.denied.add("pvtz:DescribeChangeLogs")
        outcome = await terminal.registry_bot("check", environment=everything(sim, redis_url))

    assert outcome.code == 0
    warned = outcome.rows("WARN")["change log"]
    assert "lacks the RAM action pvtz:DescribeChangeLogs on *" in warned
    assert "will tell that, but not who did" in warned


async def test_a_right_to_copy_that_lacks_is_a_warning_and_asking_copies_nothing(
    terminal: Terminal, redis_url: str
) -> None:
    async with world() as sim:
        assert sim.alibaba is not None
        before = len(sim.world.tasks)
        sound = await terminal.registry_bot("check", environment=everything(sim, redis_url))
        sim.alibaba.cloud.ram.denied.add("cr:CreateRepositorySync")
        lacking = await terminal.registry_bot("check", environment=everything(sim, redis_url))
        begun = len(sim.world.tasks) - before

    assert (sound.rows("FAIL"), lacking.rows("FAIL")) == ({}, {})
    assert (sound.code, lacking.code, begun) == (0, 0, 0)
    assert sound.rows("OK")["copies: zhangjiakou"] == "may be asked for, by `/registry sync`"
    assert sound.rows("OK")["copies: hangzhou"] == "none, as its edition cannot be a source"
    warned = lacking.rows("WARN")["copies: zhangjiakou"]
    assert "lacks the RAM action cr:CreateRepositorySync on acs:cr:cn-zhangjiakou:" in warned
    assert warned.endswith("Only `/registry sync` needs it.")


async def test_without_an_access_key_one_row_says_so_instead_of_many(redis_url: str) -> None:
    async with running() as sim:
        environment = everything(sim, redis_url)
        del environment["ALIBABA_CLOUD_ACCESS_KEY_ID"]
        outcome = await registry_bot("check", environment=environment)

    assert "Set ALIBABA_CLOUD_ACCESS_KEY_ID" in outcome.rows("FAIL")["access key: main"]
    assert not any(what.startswith(("zone", "instance")) for what in outcome.rows("FAIL"))


async def test_mistakes_of_the_environment_and_of_the_file_come_in_one_run(terminal: Terminal, tmp_path: Path) -> None:
    (tmp_path / "registry.yaml").write_text("policy: {approvals: 9}\n")
    outcome = await terminal.registry_bot("check", environment={"REGISTRY_BOT_CONFIG": str(tmp_path / "registry.yaml")})

    assert outcome.code == 1
    assert "REGISTRY_BOT_REDIS_URL: is not set" in outcome.out
    assert "policy.approvals: must be at most 5" in outcome.out
    assert "sites: is missing" in outcome.out


async def test_people_who_cannot_act_and_channels_without_the_bot_are_named(
    terminal: Terminal, tmp_path: Path, redis_url: str
) -> None:
    async with world() as sim:
        environment = everything(sim, redis_url)
        document = _configured(environment)
        document["people"] = {
            "oncall": {"slack": ["U01ONCALL"], "roles": ["requester", "approver"]},
            "guest": {"slack": ["U01GUEST"], "roles": ["approver"]},
            "left": {"slack": ["U01LEFT"], "roles": ["approver"]},
            "nobody": {"slack": ["U0NOBODY"], "roles": ["approver"]},
        }
        document["policy"] |= {"home_channel": "C03GENERAL", "channels": ["C04SHARED"]}
        (tmp_path / "registry.yaml").write_text(yaml.safe_dump(document, allow_unicode=True), encoding="utf-8")
        environment["REGISTRY_BOT_CONFIG"] = str(tmp_path / "registry.yaml")
        outcome = await terminal.registry_bot("check", environment=environment)

    assert "is a guest" in outcome.rows("WARN")["slack: person guest"]
    assert "is deactivated" in outcome.rows("WARN")["slack: person left"]
    assert "could not be looked up" in outcome.rows("WARN")["slack: person nobody"]
    assert "nobody could complete a failover" in outcome.rows("FAIL")["slack: people"]
    assert "/invite @registry" in outcome.rows("FAIL")["slack: home channel"]
    assert "shared with another organisation" in outcome.rows("WARN")["slack: channel C04SHARED"]


async def test_the_policy_is_json_for_exactly_this_configuration(terminal: Terminal) -> None:
    async with world(only={"alibaba"}) as sim:
        environment = {"REGISTRY_BOT_CONFIG": sim.announcement["env"]["REGISTRY_BOT_CONFIG"]}
        outcome = await terminal.registry_bot("check", "--policy", environment=environment)

    statements = json.loads(outcome.out)["Statement"]
    granted = {(action, resource) for s in statements for action in s["Action"] for resource in s["Resource"]}
    assert outcome.code == 0
    assert {resource for action, resource in granted if action == "pvtz:UpdateZoneRecord"} == {
        "acs:pvtz::*:zone/4f1c2a7be0d94c58a6b3170f5d2e8c91",
        "acs:pvtz::*:zone/b83e05d1947f4a2c9d60c71e2fa45b38",
    }
    assert {"cr:ListSyncRule", "cr:GetRepositorySync", "cr:ListRepositoryTag"} <= {action for action, _ in granted}
