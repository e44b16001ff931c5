"""How `check` judges what it saw, on plain values."""

from dataclasses import replace

from bot.console.check_cloud import route_rows, site_row, view_row
from bot.console.check_slack import SCOPES, complaint, scope_rows
from bot.console.policy import policies
from bot.console.table import Mark, fail, failed, ok, render, warn
from bot.domain.snapshot import Unknown
from bot.domain.topology import Account
from tests.builders import (
    WORKSPACE,
    a_site,
    a_site_state,
    a_topology,
    a_view,
    a_view_state,
    an_identity,
    an_instance,
    endpoints,
)
from tests.test_manifest import GRANTED


def test_the_table_has_one_line_a_row_and_counts() -> None:
    text = render([ok("redis", "durable"), warn("environment", "two\nlines"), fail("zone", "gone")])

    assert text.splitlines() == [
        "OK    redis        durable",
        "WARN  environment  two lines",
        "FAIL  zone         gone",
        "",
        "3 checks: 1 failed, 1 warning.",
    ]


def test_only_a_failure_fails() -> None:
    assert failed([ok("a", ""), fail("b", "")])
    assert not failed([ok("a", ""), warn("b", "")])


def test_a_view_without_its_zone_id_is_told_which_zone_it_is() -> None:
    row = view_row(a_view_state(view=a_view(zone=None)))

    assert row.mark is Mark.FAIL
    assert "The zone bound there now is zone-b" in row.sentence


def test_an_instance_that_does_not_run_or_does_not_answer_is_a_failure() -> None:
    stopped = site_row(a_site_state(instance=an_instance(status="STOPPED")))
    silent = site_row(a_site_state(instance=Unknown("no answer within 3 s")))
    half = site_row(a_site_state(endpoints=Unknown("no answer within 3 s")))

    assert [row.mark for row in (stopped, silent, half)] == [Mark.FAIL] * 3
    assert "is STOPPED, not RUNNING" in stopped.sentence


def test_a_standby_that_lacks_the_custom_domain_cannot_take_over() -> None:
    internet = replace(endpoints().internet, custom_domains=())
    states = {"hangzhou": a_site_state(endpoints=endpoints(internet=internet))}
    [row] = route_rows(a_topology(), a_site("zhangjiakou"), states)

    assert (row.mark, row.what) == (Mark.FAIL, "failover: zhangjiakou to hangzhou")
    assert "Add the custom domain" in row.sentence


def test_a_standby_with_its_public_endpoint_off_cannot_take_over_by_the_internet() -> None:
    internet = replace(endpoints().internet, enabled=False)
    states = {"hangzhou": a_site_state(endpoints=endpoints(internet=internet))}
    [row] = route_rows(a_topology(), a_site("zhangjiakou"), states)

    assert row.mark is Mark.FAIL


def test_the_scopes_wanted_are_those_of_the_manifest() -> None:
    assert SCOPES == GRANTED


def test_missing_scopes_are_named_and_a_silent_slack_makes_no_row() -> None:
    [row] = scope_rows("commands,chat:write, users:read,channels:read")

    assert (row.mark, "lacks files:write, groups:read" in row.sentence) == (Mark.FAIL, True)
    assert scope_rows(None) == []


def test_each_kind_of_account_that_cannot_act_is_told_why() -> None:
    assert complaint(an_identity(is_deleted=True), WORKSPACE) == "is deactivated"
    assert complaint(an_identity(is_bot=True), WORKSPACE) == "is a bot"
    assert complaint(an_identity(is_guest=True), WORKSPACE) == "is a guest"
    assert complaint(an_identity(is_stranger=True), WORKSPACE) == "belongs to another organisation"
    assert complaint(an_identity(team_id="T09"), WORKSPACE) == "belongs to another organisation"
    assert complaint(an_identity(), WORKSPACE) == ""


def test_each_account_gets_a_policy_of_its_own_and_main_may_assume_the_others_roles() -> None:
    partner = Account("partner", "acs:ram::1234567890:role/registry-bot")
    topology = a_topology(a_site("hangzhou", account="partner"), a_site("zhangjiakou"))
    found = policies(replace(topology, accounts={"main": Account("main"), "partner": partner}))

    assert set(found) == {"main", "partner"}
    assert "sts:AssumeRole" in found["main"]
    assert "UpdateZoneRecord" not in found["partner"]
