"""What speaks for and against a failover: each rule from both sides, with its sentence and its weight."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.domain.plan import Effect, Finding, Level, Verdict, verdict
from bot.domain.preflight import RULES, Circumstances, preflight
from bot.domain.snapshot import InternetEndpoint, SyncTask, TaskFeed, Unknown
from bot.domain.topology import Route
from tests.builders import (
    HOME_ADDRESS,
    INSTANCE_ID,
    NOW,
    PUBLIC_NAME,
    a_change,
    a_record,
    a_replication,
    a_site,
    a_site_state,
    a_snapshot,
    a_view_state,
    an_answer,
    an_instance,
    endpoints,
)
from tests.domain.circumstances import (
    CASES,
    GONE,
    INTERNET,
    SILENT,
    circumstances,
    closed_to_all_but,
    compared,
    moved,
    standby,
)

MOVED_ALREADY = {"views": (a_view_state(records=(a_record(value=HOME_ADDRESS["hangzhou"]),)),)}


def _found(code: str, given: Circumstances) -> Finding | None:
    return next((finding for finding in preflight(given) if finding.code == code), None)


@pytest.mark.parametrize(("code", "snapshot", "level", "effect", "sentence"), CASES)
def test_a_rule_says_how_it_came_out_and_what_that_does_to_the_verdict(
    code: str, snapshot: dict[str, Any], level: Level, effect: Effect, sentence: str
) -> None:
    assert _found(code, circumstances(snapshot)) == Finding(code, level, effect, sentence)


def test_every_rule_is_seen_from_at_least_one_side() -> None:
    assert {case[0] for case in CASES} == {rule.code for rule in RULES}


@pytest.mark.parametrize(
    ("code", "circumstances"),
    [
        ("CERTIFICATE", circumstances({"standby_answer": SILENT})),
        ("CERTIFICATE", circumstances({"standby_answer": an_answer(certificate_expires_at=None)})),
        ("ACCESS_LIST", circumstances()),
        ("ACCESS_LIST", circumstances(closed_to_all_but(), route=Route.INTERNAL)),
        ("ACCESS_LIST", circumstances(standby(endpoints=GONE))),
        ("REPLICATION", circumstances({"replication": Unknown("no answer")})),
        ("REPLICATION", circumstances({"replication": a_replication(feed=Unknown("no answer"))})),
        ("WAY_BACK", circumstances()),
        ("WAY_BACK", circumstances(standby(instance=GONE))),
        ("ANTI_FLAP", circumstances()),
        ("ANTI_FLAP", circumstances(moved(timedelta(minutes=5), away="hangzhou"))),
        ("ANTI_FLAP", circumstances(moved(timedelta(minutes=5)))),
        ("ANTI_FLAP", circumstances(moved(timedelta(seconds=1)) | MOVED_ALREADY)),
        ("ANTI_FLAP", circumstances(moved(timedelta(seconds=1), record="record-x"))),
        ("ANTI_FLAP", circumstances(moved(timedelta(seconds=1), away="hangzhou", record="record-x"))),
        ("CHANGES_AN_HOUR", circumstances(moved(timedelta(0), timedelta(minutes=59), timedelta(minutes=60)))),
        ("CHANGES_AN_HOUR", circumstances(moved(*[timedelta(0)] * 3, record="record-x"))),
    ],
)
def test_a_rule_that_does_not_apply_says_nothing(code: str, circumstances: Circumstances) -> None:
    assert _found(code, circumstances) is None


def test_an_access_list_cannot_be_judged_without_the_egress_of_the_failed_site() -> None:
    finding = _found("ACCESS_LIST", circumstances(closed_to_all_but("10.0.0.0/8"), away=a_site(egress=())))

    assert finding is not None
    assert (finding.level, finding.effect) == (Level.UNKNOWN, Effect.LOSS)
    assert "registry.yaml names no egress of zhangjiakou" in finding.sentence


def test_an_access_list_admits_addresses_of_the_sixth_version_too() -> None:
    both = circumstances(closed_to_all_but("10.0.0.0/8", "2001:db8::/32"), away=a_site(egress=("2001:db8::7",)))

    assert getattr(_found("ACCESS_LIST", both), "level", None) is Level.PASS


def test_every_egress_must_be_admitted() -> None:
    away = a_site(egress=("203.0.113.7/32", "203.0.113.0/28"))
    finding = _found("ACCESS_LIST", circumstances(closed_to_all_but("203.0.113.7"), away=away))

    assert finding is not None
    assert finding.sentence == "The access list of hangzhou does not admit 203.0.113.0/28 of zhangjiakou."


def test_a_present_value_of_no_site_blocks_when_every_site_has_answered() -> None:
    change = replace(a_change(), existing=a_record(value="203.0.113.99"))
    finding = _found("CURRENT_VALUE", circumstances(changes=(change,)))

    assert finding is not None
    assert (finding.level, finding.effect) == (Level.FAIL, Effect.BLOCKS)
    assert "203.0.113.99 belongs to no configured site" in finding.sentence


def test_a_present_value_of_no_site_only_warns_while_a_site_is_silent() -> None:
    change = replace(a_change(), existing=a_record(value="203.0.113.99"))
    sites = {**a_snapshot().sites, "zhangjiakou": a_site_state("zhangjiakou", endpoints=Unknown("no answer"))}
    finding = _found("CURRENT_VALUE", circumstances({"sites": sites}, changes=(change,)))

    assert finding is not None
    assert (finding.level, finding.effect) == (Level.UNKNOWN, Effect.WARNS)


def test_a_home_whose_instance_is_stopped_is_down_even_if_something_answers() -> None:
    stopped = a_site_state("zhangjiakou", instance=an_instance("zhangjiakou", status="STOPPED"))
    finding = _found("HOME_DOWN", circumstances({"sites": {**a_snapshot().sites, "zhangjiakou": stopped}}))

    assert finding is not None
    assert (finding.level, finding.sentence) == (Level.PASS, "The instance at zhangjiakou is STOPPED.")


def test_copies_between_other_instances_do_not_count() -> None:
    task = SyncTask("1", "ERROR", "core/api:1", NOW, NOW, INSTANCE_ID["hangzhou"], INSTANCE_ID["zhangjiakou"])
    finding = _found("REPLICATION", circumstances({"replication": a_replication(feed=TaskFeed((task,), 1, NOW))}))

    assert finding is not None
    assert finding.level is Level.PASS


def test_a_standby_that_carries_none_of_two_names_is_missing_both() -> None:
    internet = InternetEndpoint(True, "RUNNING", PUBLIC_NAME["hangzhou"], ())
    both = circumstances(standby(endpoints=endpoints(internet=internet)), domains=("a.io", "b.io"))

    assert "the custom name a.io, b.io" in getattr(_found("CUSTOM_DOMAIN", both), "sentence", "")


@pytest.mark.parametrize(
    ("snapshot", "expected"),
    [
        ({"home_answer": SILENT}, Verdict.GO),
        ({}, Verdict.GO),
        (compared(missing=("a:1",)), Verdict.GO_WITH_LOSS),
        ({"standby_answer": Unknown("no vantage point")}, Verdict.GO_WITH_LOSS),
        ({"standby_answer": SILENT}, Verdict.NO_GO),
        ({"standby_answer": SILENT, **compared(missing=("a:1",))}, Verdict.NO_GO),
    ],
)
def test_any_block_is_no_go_any_loss_is_go_with_loss_and_warnings_alone_are_go(
    snapshot: dict[str, Any], expected: Verdict
) -> None:
    assert verdict(preflight(circumstances(snapshot))) is expected


def test_custom_names_cannot_be_seen_behind_a_public_endpoint_that_is_off() -> None:
    internet = InternetEndpoint(False, None, None, ())
    private = circumstances(standby(endpoints=endpoints(internet=internet)), route=Route.INTERNAL)
    finding = _found("CUSTOM_DOMAIN", private)

    assert finding is not None
    assert (finding.level, finding.effect) == (Level.UNKNOWN, Effect.LOSS)


def test_a_custom_name_that_is_listed_is_carried_also_behind_a_public_endpoint_that_is_off() -> None:
    listed = standby(endpoints=endpoints(internet=replace(INTERNET, enabled=False)))

    assert getattr(_found("CUSTOM_DOMAIN", circumstances(listed, route=Route.INTERNAL)), "level", None) is Level.PASS


@pytest.mark.parametrize(("is_on", "route"), [(True, Route.INTERNAL), (False, Route.INTERNET)])
def test_a_custom_name_that_is_not_listed_blocks_where_it_would_be_seen_or_is_pulled_by(
    is_on: bool, route: Route
) -> None:
    bare = standby(endpoints=endpoints(internet=InternetEndpoint(is_on, "RUNNING", PUBLIC_NAME["hangzhou"], ())))
    finding = _found("CUSTOM_DOMAIN", circumstances(bare, route=route))

    assert finding is not None
    assert (finding.level, finding.effect) == (Level.FAIL, Effect.BLOCKS)


def test_nobody_is_left_behind_while_the_other_views_pull_from_elsewhere() -> None:
    assert _found("LEFT_BEHIND", circumstances({"bystanders": (a_view_state("hangzhou"),)})) is None
    assert _found("LEFT_BEHIND", circumstances({"bystanders": (a_view_state("hangzhou", records=GONE),)})) is None
    assert _found("ALREADY_THERE", circumstances()) is None
    assert _found("OPPOSED", circumstances()) is None
