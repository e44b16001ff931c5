"""The files in deploy/: a hardened pair of containers, a Redis that forgets nothing, no action to spare."""

import json
import re
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.adapters.alibaba.permissions import deep_actions, ram_actions, sync_actions
from bot.configuration import load_registry
from bot.settings import Settings

DEPLOY = Path(__file__).parent.parent / "deploy"
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
SERVICES = pytest.mark.parametrize("service", COMPOSE["services"].values(), ids=list(COMPOSE["services"]))


def _redis_directives() -> dict[str, str]:
    lines = (DEPLOY / "redis.conf").read_text(encoding="utf-8").splitlines()
    return dict(line.split(maxsplit=1) for line in lines if line and not line.startswith("#"))


@SERVICES
def test_a_container_can_write_nowhere_and_gain_nothing(service: dict[str, Any]) -> None:
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert all("noexec" in mount for mount in service["tmpfs"])


@SERVICES
def test_secrets_come_from_a_file_and_no_port_is_published(service: dict[str, Any]) -> None:
    assert service["env_file"].endswith(".env")
    assert "environment" not in service
    assert "ports" not in service


def test_only_the_bot_reaches_redis_and_redis_reaches_nobody() -> None:
    assert COMPOSE["services"]["redis"]["networks"] == ["store"]
    assert COMPOSE["networks"]["store"]["internal"] is True


def test_the_bot_has_longer_to_stop_than_it_needs_and_waits_for_a_healthy_redis() -> None:
    bot = COMPOSE["services"]["bot"]

    assert bot["stop_grace_period"] == "30s"
    assert bot["depends_on"] == {"redis": {"condition": "service_healthy"}}
    assert "healthcheck" in COMPOSE["services"]["redis"]


def test_redis_writes_before_it_answers_and_never_drops_a_key() -> None:
    directives = _redis_directives()

    assert directives["appendonly"] == "yes"
    assert directives["appendfsync"] == "always"
    assert directives["maxmemory-policy"] == "noeviction"


def test_the_example_policy_lets_the_bot_change_a_record_have_images_copied_and_nothing_else() -> None:
    policy = json.loads((DEPLOY / "ram-policy.json").read_text(encoding="utf-8"))
    actions = [action for statement in policy["Statement"] for action in statement["Action"]]
    reading = re.compile(r"(pvtz:Describe|cr:(Get|List|Pull))[A-Za-z]+")

    assert [action for action in actions if not reading.fullmatch(action)] == [
        "pvtz:UpdateZoneRecord",
        "cr:CreateRepositorySync",
    ]


def test_the_example_policy_grants_exactly_what_the_example_configuration_needs() -> None:
    policy = json.loads((DEPLOY / "ram-policy.json").read_text(encoding="utf-8"))
    granted = {pair for item in policy["Statement"] for pair in product(item["Action"], item["Resource"])}
    topology = load_registry(DEPLOY / "registry.example.yaml").topology()
    needed = (*ram_actions(topology), *sync_actions(topology), *deep_actions(topology))

    assert granted == {(grant.action, grant.resource) for grant in needed}


def test_the_example_configuration_is_accepted_as_it_stands() -> None:
    registry = load_registry(DEPLOY / "registry.example.yaml")

    assert list(registry.sites) == ["hangzhou", "zhangjiakou"]


def test_the_example_environment_names_only_settings_that_exist() -> None:
    text = (DEPLOY / "bot.env.example").read_text(encoding="utf-8")
    names = re.findall(r"^(?:# )?REGISTRY_BOT_([A-Z_]+)=", text, flags=re.MULTILINE)

    assert {name.lower() for name in names} <= set(Settings.model_fields)
    assert len(names) >= 6
