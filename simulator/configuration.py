"""Write what points a bot at the simulated world: a registry.yaml that fits it, and the environment."""

import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from simulator.canary import secret
from simulator.model import MAIN, Site
from simulator.world import World

PEOPLE = {
    "oncall": {"slack": ["U01ONCALL"], "roles": ["requester", "approver"]},
    "approver": {"slack": ["U01APPROVER"], "roles": ["approver"]},
    "second": {"slack": ["U02APPROVER"], "roles": ["approver"]},
}
POLICY = {
    "approvals": 1,
    "pending_for": "15m",
    "soak": "10m",
    "anti_flap": "5m",
    "review_after": "24h",
    "replication_lag": "15m",
    "channels": ["C01OPS", "inc-*"],
    "home_channel": "C01OPS",
}
HEADER = "# Fits the simulated company that is running now; the resolvers' ports change with every start.\n"

Wire = dict[str, Any]


def write_configuration(path: Path, world: World, resolvers: Mapping[str, str]) -> None:
    """Write a registry.yaml for this world."""
    document: Wire = {
        "bot_vpc": None,
        "internal_ranges": ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"],
        "domains": {world.domain: {"critical": world.state.critical}},
        "accounts": {name: _account(name, number) for name, number in world.state.accounts.items()},
        "sites": {site.name: _site(world, site, resolvers) for site in world.sites.values()},
        "people": PEOPLE,
        "policy": POLICY,
    }
    path.write_text(HEADER + yaml.safe_dump(document, sort_keys=False, allow_unicode=True), encoding="utf-8")


def environment(announcement: Mapping[str, Any], dial: Mapping[str, str], trust: Path) -> dict[str, str]:
    """Name every variable that points a bot at the sections that were started, but Redis."""
    env = {"REGISTRY_BOT_CONFIG": announcement["config"], "REGISTRY_BOT_SIGNING_KEY": secret(16)}
    if alibaba := announcement.get("alibaba"):
        env |= {
            "REGISTRY_BOT_ALIBABA_PVTZ_ENDPOINT": alibaba["pvtz"],
            "REGISTRY_BOT_ALIBABA_CR_ENDPOINT": alibaba["cr"],
            "REGISTRY_BOT_ALIBABA_PROTOCOL": "http",
            "ALIBABA_CLOUD_ACCESS_KEY_ID": alibaba["access_key_id"],
            "ALIBABA_CLOUD_ACCESS_KEY_SECRET": alibaba["access_key_secret"],
            "ALIBABA_CLOUD_ECS_METADATA_DISABLED": "true",
        }
    if dial:
        env["REGISTRY_BOT_CONNECT_TO"] = ",".join(f"{name}={address}" for name, address in dial.items())
        env["SSL_CERT_FILE"] = str(trust)
    if slack := announcement.get("slack"):
        env |= {
            "REGISTRY_BOT_SLACK_API_URL": slack["api_url"],
            "REGISTRY_BOT_SLACK_BOT_TOKEN": slack["bot_token"],
            "REGISTRY_BOT_SLACK_APP_TOKEN": slack["app_token"],
            "REGISTRY_BOT_SLACK_SIGNING_SECRET": slack["signing_secret"],
        }
    return env


def write_trust(path: Path, authority: Path) -> Path:
    """Write a bundle of the system's authorities and the world's, for a bot that also talks to servers outside."""
    system = ssl.get_default_verify_paths().cafile
    known = Path(system).read_bytes() + b"\n" if system else b""
    path.write_bytes(known + authority.read_bytes())
    return path


def _account(name: str, number: str) -> Wire:
    return {} if name == MAIN else {"role_arn": f"acs:ram::{number}:role/registry-bot"}


def _site(world: World, site: Site, resolvers: Mapping[str, str]) -> Wire:
    return {
        "region": site.region,
        "aliases": site.aliases,
        "account": world.instances[site.instance].account,
        "instance": site.instance,
        "internal_vpc": site.vpc,
        "standby": site.standby,
        "route": "internet",
        "egress": site.egress,
        "views": _views(world, site, resolvers),
    }


def _views(world: World, site: Site, resolvers: Mapping[str, str]) -> list[Wire]:
    views = []
    for zone in world.zones.values():
        if zone.name == world.domain and world.site_of_zone(zone) is site:
            view = {"domain": zone.name, "vpcs": list(zone.vpcs), "zone": zone.id}
            resolver = next((resolvers[vpc] for vpc in zone.vpcs if vpc in resolvers), None)
            views.append(view | ({"resolver": resolver} if resolver else {}))
    return views
