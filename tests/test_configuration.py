"""registry.yaml: strict, and every mistake comes at once with its path."""

import copy
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.configuration import load_registry, parse_registry
from bot.domain.access import Role
from bot.domain.topology import Route
from bot.errors import InvalidConfiguration

EXAMPLE = Path(__file__).parent.parent / "deploy" / "registry.example.yaml"
GOOD: dict[str, Any] = yaml.safe_load(EXAMPLE.read_text(encoding="utf-8"))
Change = Callable[[dict[str, Any]], object]


def _complaint(change: Change) -> str:
    document = copy.deepcopy(GOOD)
    change(document)
    return _complaint_about(yaml.safe_dump(document, allow_unicode=True))


def _complaint_about(text: str) -> str:
    with pytest.raises(InvalidConfiguration) as raised:
        parse_registry(text)
    return str(raised.value)


def test_the_example_describes_two_sites_that_stand_by_for_each_other() -> None:
    topology = load_registry(EXAMPLE).topology()

    assert topology.site("张家口").standby == ("hangzhou",)
    assert topology.site("hz").views[0].vpcs == ("vpc-aaaaa",)
    assert topology.site("hangzhou").route is Route.INTERNET
    assert topology.critical["cross-region.registry.io"] == ("core/*", "platform/base:*")


def test_durations_people_and_channels_become_the_policy() -> None:
    access = load_registry(EXAMPLE).access("T01")

    assert (access.policy.pending_for, access.policy.review_after) == (timedelta(minutes=15), timedelta(days=1))
    assert access.policy.admits_channel("C09", "inc-42")
    assert access.people.slack_ids(Role.REQUESTER) == ("U01ONCALL",)


def test_every_mistake_is_reported_at_once_with_its_path() -> None:
    def change(document: dict[str, Any]) -> None:
        document["surprise"] = 1
        document["sites"]["hangzhou"]["instance"] = "aaaaa"
        document["sites"]["zhangjiakou"]["views"][0]["vpcs"] = []
        document["people"]["approver"]["slack"] = ["Approver"]
        document["policy"]["pending_for"] = 900
        del document["policy"]["home_channel"]

    assert _complaint(change).splitlines() == [
        "registry.yaml has 6 mistakes:",
        "- sites.hangzhou.instance: must be an instance id, which begins with cri-",
        "- sites.zhangjiakou.views.0.vpcs: must not be empty",
        "- people.approver.slack.0: must be a Slack member id, which begins with U or W (not a name)",
        "- policy.home_channel: is missing",
        "- policy.pending_for: must be a number with a unit, such as 90s, 15m, 24h or 2d",
        "- surprise: is not a known key",
    ]


@pytest.mark.covers("A09", "A10", "A11", "A34")
@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda d: d["sites"].pop("hangzhou"), "sites: must have at least 2 entries"),
        (lambda d: d["sites"]["hangzhou"].update(standby=[]), "sites.hangzhou.standby: must not be empty"),
        (lambda d: d["sites"]["hangzhou"].update(standby=["qingdao"]), "no site is called 'qingdao'"),
        (lambda d: d["sites"]["hangzhou"].update(standby=["hangzhou"]), "a site cannot stand by for itself"),
        (lambda d: d["sites"]["hangzhou"].update(account="other"), "no account is called 'other'"),
        (lambda d: d["sites"]["hangzhou"].update(aliases=["zjk"]), "sites.zhangjiakou: 'zjk' already means hangzhou"),
        (lambda d: d["sites"]["hangzhou"].update(aliases=["HZ"]), "write it as one lower-case word"),
        (lambda d: d["sites"]["hangzhou"].update(aliases=["via"]), "'via' is a word of the commands"),
        (lambda d: d["sites"]["hangzhou"].update(instance="cri-bbbbb"), "cri-bbbbb already is the home of hangzhou"),
        (lambda d: d["sites"]["hangzhou"].update(egress=["203.0.113.7/24"]), "must be a CIDR range"),
        (lambda d: d["sites"]["hangzhou"].update(route="tunnel"), "must be 'internet' or 'internal'"),
        (
            lambda d: (d["sites"]["hangzhou"].update(route="internal"), d["sites"]["zhangjiakou"].pop("internal_vpc")),
            "sites.hangzhou.route: internal needs internal_vpc at the standby zhangjiakou",
        ),
        (
            lambda d: d["sites"]["hangzhou"].update(views=d["sites"]["zhangjiakou"]["views"]),
            "cross-region.registry.io in vpc-bbbbb already is a view of sites.hangzhou.views.0",
        ),
        (
            lambda d: d["sites"]["hangzhou"]["views"][0].update(zone=d["sites"]["zhangjiakou"]["views"][0]["zone"]),
            "already belongs to sites.hangzhou.views.0",
        ),
        (lambda d: d["sites"]["hangzhou"]["views"][0].update(zone=1234), "put it in quotes"),
        (lambda d: d["sites"]["hangzhou"]["views"][0].update(domain="other.example.com"), "is not among domains"),
        (lambda d: d["sites"]["hangzhou"]["views"][0].update(resolver="dns.example.com"), "must be an IPv4 address"),
        (lambda d: d["sites"]["hangzhou"]["views"][0].update(resolver="10.0.0.1:x"), "'x' is no port"),
        (lambda d: d["sites"]["hangzhou"]["views"][0].update(resolver="100.100.2.136"), "for the VPC that asks"),
        (lambda d: d["people"]["approver"].update(slack=["U01ONCALL"]), "U01ONCALL already is"),
        (lambda d: d["people"].pop("approver"), "E_NO_SECOND_PERSON"),
        (lambda d: d["people"]["approver"].update(roles=[]), "E_NO_SECOND_PERSON"),
        (lambda d: d["people"]["approver"].update(slack=["*"]), "must be a Slack member id"),
        (lambda d: d["people"]["approver"].update(slack=[]), "people.approver.slack: must not be empty"),
        (lambda d: d["people"]["approver"].update(roles=["*"]), "people.approver.roles"),
        (lambda d: d["people"]["approver"].update(slack=["S01ONCALL"]), "must be a Slack member id"),
        (lambda d: d.update(people={}), "people: must not be empty"),
        (lambda d: d["sites"]["hangzhou"].update(endpoint="a.example"), "sites.hangzhou.endpoint: is not a known key"),
        (lambda d: d.pop("people"), "people: is missing"),
        (lambda d: d["policy"].update(approvals=2), "2 others with the role approver"),
        (lambda d: d["policy"].update(channels=[]), "policy.channels: must not be empty"),
        (lambda d: d["policy"].update(pending_for="0s"), "must be longer than nothing"),
        (lambda d: d["policy"].update(soak="400d"), "must not be longer than 365d"),
        (lambda d: d.update(internal_ranges=[]), "internal_ranges: must not be empty"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_its_reason(change: Change, said: str) -> None:
    assert said in _complaint(change)


def test_the_resolver_of_a_vpc_may_be_asked_from_inside_that_vpc() -> None:
    document = copy.deepcopy(GOOD)
    document["bot_vpc"] = "vpc-aaaaa"
    document["sites"]["hangzhou"]["views"][0]["resolver"] = "100.100.2.136"

    assert parse_registry(yaml.safe_dump(document)).topology().bot_vpc == "vpc-aaaaa"


def test_duplicate_keys_are_mistakes_with_their_lines() -> None:
    said = _complaint_about("policy: {}\npolicy: {approvals: 1, approvals: 2}\n")

    assert "- line 2: the key 'policy' is there twice" in said
    assert "- line 2: the key 'approvals' is there twice" in said


@pytest.mark.parametrize("text", ["sites: [", "\x00", "? [a]\n: 1\n", "--- 1\n--- 2\n", "a: &a [*a]", "[]", "", "{}"])
def test_text_that_is_no_configuration_gets_a_sentence(text: str) -> None:
    assert _complaint_about(text).startswith("registry.yaml ")


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidConfiguration, match=r"nowhere.yaml cannot be read: No such file"):
        load_registry(tmp_path / "nowhere.yaml")


def test_a_file_that_is_not_text_is_named(tmp_path: Path) -> None:
    (tmp_path / "registry.yaml").write_bytes(b"\xff\xfe\xff")

    with pytest.raises(InvalidConfiguration, match="it is not UTF-8 text"):
        load_registry(tmp_path / "registry.yaml")
