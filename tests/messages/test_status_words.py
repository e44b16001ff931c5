"""What `status` and `actions` say."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot import messages
from bot.domain.observation import Observation, Observed
from bot.domain.operation import State
from bot.domain.overview import Overview
from bot.domain.sighting import Sight, Sighting
from bot.domain.snapshot import Unknown
from tests import builders as make
from tests.messages.reading import words_of

SILENT = Unknown("no answer within 3 s")
MOVED = replace(make.a_record(), type="CNAME", value=make.PUBLIC_NAME["hangzhou"])


def an_overview(**fields: Any) -> Overview:
    sites = {name: make.a_site_state(name) for name in make.VPC}
    views = (make.a_view_state("hangzhou"), make.a_view_state("zhangjiakou"))
    return replace(Overview(make.NOW, sites, views), **fields)


def test_all_well_is_said_in_one_line() -> None:
    assert messages.overview(an_overview(), make.NOW).text == "OK: every VPC is at home"


def test_a_row_names_vpc_value_zone_and_where_pulls_go() -> None:
    said = words_of(messages.overview(an_overview(), make.NOW))

    assert "`vpc-bbbbb` pulls from *zhangjiakou*, its home" in said
    assert "cross-region.registry.io · `A 10.2.0.20` TTL 60 s · zone `zone-b`" in said
    assert "*hangzhou* `cri-aaaaa` RUNNING" in said


def test_a_view_away_from_home_is_said_first() -> None:
    message = messages.overview(an_overview(views=(make.a_view_state(records=(MOVED,)),)), make.NOW)

    assert message.text == "ATTENTION: vpc-bbbbb away from home"
    assert "`vpc-bbbbb` pulls from *hangzhou*, AWAY from its home zhangjiakou" in words_of(message)


def test_a_dead_site_is_a_row_with_its_reason_and_the_age_of_what_is_remembered() -> None:
    remembered = make.endpoints("zhangjiakou", is_live=False, as_of=make.NOW - timedelta(hours=2))
    dead = make.a_site_state("zhangjiakou", instance=SILENT, endpoints=remembered)
    sites = {"hangzhou": make.a_site_state(), "zhangjiakou": dead}
    message = messages.overview(an_overview(sites=sites), make.NOW)

    assert message.text == "ATTENTION: zhangjiakou cannot be read"
    assert "*zhangjiakou* `cri-bbbbb` *UNKNOWN*: no answer within 3 s." in words_of(message)
    assert "(addresses as of 2 h ago)" in words_of(message)


def test_a_stopped_instance_is_named_with_its_status() -> None:
    stopped = make.a_site_state("zhangjiakou", instance=make.an_instance("zhangjiakou", status="STOPPED"))

    message = messages.overview(an_overview(sites={"zhangjiakou": stopped}), make.NOW)

    assert "zhangjiakou is STOPPED" in message.text


def test_an_unknown_value_is_shown_and_never_guessed() -> None:
    strange = make.a_view_state(records=(make.a_record(value="10.9.9.9"),))
    message = messages.overview(an_overview(views=(strange,)), make.NOW)

    assert "UNKNOWN where vpc-bbbbb pulls from" in message.text
    assert "*UNKNOWN*: 10.9.9.9 belongs to no configured site. Home is zhangjiakou" in words_of(message)


def test_a_view_that_cannot_be_read_keeps_its_row() -> None:
    blind = make.a_view_state(zone=SILENT, records=SILENT)
    said = words_of(messages.overview(an_overview(views=(blind,)), make.NOW))

    assert "`vpc-bbbbb` pulls from *UNKNOWN*: no answer within 3 s." in said
    assert "zone `zone-b`" in said


def test_freeze_store_note_simulation_and_open_operations_are_told() -> None:
    overview = an_overview(
        frozen=("hangzhou",),
        store_note="Redis does not answer.",
        is_simulation=True,
        open_operations=(make.an_operation(),),
    )
    message = messages.overview(overview, make.NOW)

    assert message.text == "SIMULATION · ATTENTION: FROZEN: hangzhou · 1 operation open"
    assert "Redis does not answer." in words_of(message)
    assert "`fo-7k2m` *PENDING* from zhangjiakou to hangzhou, waits until <!date^" in words_of(message)


def test_more_views_than_fit_are_counted_with_how_to_narrow() -> None:
    said = words_of(messages.overview(an_overview(views=(make.a_view_state(),) * 25), make.NOW))

    assert "and 5 more views: narrow with `/registry status &lt;site&gt;`" in said


def test_actions_count_what_is_open_and_flag_what_went_wrong() -> None:
    failed = Observation("CONFIRMED", 0, Observed.FAILED, "No.", make.NOW)
    operations = (make.an_operation(), make.an_operation(State.DONE, observations=(failed,)))
    message = messages.actions_list(operations, make.NOW + timedelta(minutes=5))

    assert message.text == "1 open, 1 ended operation"
    assert "*DONE* from zhangjiakou to hangzhou, a check FAILED" in words_of(message)
    assert "5 min ago" in words_of(message)


@pytest.mark.parametrize(("sight", "word"), [(Sight.FOREIGN, "CHANGED SINCE"), (Sight.LATE, "WRITTEN LATE")])
def test_actions_tell_of_a_record_that_holds_something_else_now(sight: Sight, word: str) -> None:
    seen = Sighting(0, sight, "A 10.99.0.99", "It holds something else.", make.NOW)
    message = messages.actions_list((make.an_operation(State.DONE, sightings=(seen,)),), make.NOW)

    assert f"*DONE, BUT {word}* from zhangjiakou to hangzhou, asked by" in words_of(message)


def test_no_operation_at_all_is_said_in_words() -> None:
    assert messages.actions_list((), make.NOW).text == "No operations"
