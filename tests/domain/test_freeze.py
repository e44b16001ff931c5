"""What a freeze stops, how long, and how it is told; and the words in which people ask for one."""

from datetime import datetime, timedelta

import pytest

from bot.domain.freeze import SET_BY_HAND, Switches, lifting, scopes_of, stopping
from bot.domain.freeze_words import LONGEST, parse_freeze, parse_unfreeze
from bot.domain.plan import Kind
from bot.errors import UnknownSite, UsageError
from tests.builders import NOW, ON_CALL, a_freeze, a_plan, a_topology

HOUR = timedelta(hours=1)
TOPOLOGY = a_topology()


@pytest.mark.parametrize(
    ("scope", "is_stopped"), [("all", True), ("zhangjiakou", True), ("hangzhou", True), ("x", False)]
)
def test_a_move_is_stopped_by_a_freeze_of_all_of_where_it_leaves_and_of_where_it_goes(
    scope: str, is_stopped: bool
) -> None:
    freeze = a_freeze(scope=scope)

    assert stopping([freeze], a_plan().stopped_by) == ((freeze,) if is_stopped else ())


def test_whoever_is_stopped_hears_what_to_type_except_where_no_command_can_lift_it() -> None:
    freezes = (a_freeze(scope="all"), SET_BY_HAND, a_freeze(scope="hangzhou"))

    assert lifting(freezes) == (
        "To lift it: `/registry unfreeze all because …`, `/registry unfreeze hangzhou because …`, "
        "and a second person's approval. "
    )
    assert lifting([SET_BY_HAND]) == ""


def test_what_was_told_already_is_not_told_beside_it_again() -> None:
    every, here, there = (a_freeze(scope=scope) for scope in ("all", "zhangjiakou", "hangzhou"))
    seen = Switches((every, here), (every, there), "The kill switch is on.", "Redis does not answer.")

    assert seen.besides(()) == seen
    assert seen.besides(("all",)) == Switches((here,), (there,), seen.switch, seen.unknown)
    assert seen.besides((seen.switch,)) == Switches(seen.freezes, seen.local, "", seen.unknown)


@pytest.mark.parametrize(
    ("scope", "until", "words"),
    [
        ("all", None, "all sites until two people lift it"),
        ("zhangjiakou", NOW + HOUR, "zhangjiakou until 04:00 UTC"),
    ],
)
def test_a_freeze_is_named_in_a_few_words(scope: str, until: datetime | None, words: str) -> None:
    assert a_freeze(scope=scope, until=until).named_until(NOW) == words


def test_lifting_a_freeze_is_stopped_by_none() -> None:
    assert stopping([a_freeze()], a_plan(kind=Kind.UNFREEZE).stopped_by) == ()


def test_the_scopes_of_a_move_are_all_and_both_sites() -> None:
    assert scopes_of("zhangjiakou", "hangzhou") == ("all", "zhangjiakou", "hangzhou")


@pytest.mark.parametrize(("until", "is_over"), [(None, False), (NOW, True), (NOW + HOUR, False)])
def test_a_freeze_is_over_at_the_moment_that_it_names(until: datetime | None, is_over: bool) -> None:
    assert a_freeze(until=until).is_over(NOW) is is_over


@pytest.mark.parametrize(
    ("held", "wanted", "outlasts"),
    [
        (None, NOW + HOUR, True),
        (NOW + 2 * HOUR, NOW + HOUR, True),
        (NOW + HOUR, NOW + HOUR, False),
        (NOW + HOUR, NOW + 2 * HOUR, False),
        (NOW + HOUR, None, False),
        (None, None, False),
    ],
)
def test_a_freeze_outlasts_one_that_would_end_earlier(
    held: datetime | None, wanted: datetime | None, outlasts: bool
) -> None:
    assert a_freeze(until=held).outlasts(a_freeze(until=wanted)) is outlasts


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({}, f"All sites are frozen by <@{ON_CALL}> since 03:00 UTC, until two people lift it: storage migration."),
        (
            {"scope": "hangzhou", "until": NOW + HOUR, "reason": "Wartung."},
            f"hangzhou is frozen by <@{ON_CALL}> since 03:00 UTC, until 04:00 UTC: Wartung.",
        ),
        (
            {"until": NOW + timedelta(days=1), "reason": ""},
            f"All sites are frozen by <@{ON_CALL}> since 03:00 UTC, until 2026-11-04 03:00 UTC.",
        ),
    ],
)
def test_a_freeze_is_told_with_who_since_when_until_when_and_why(fields: dict[str, object], told: str) -> None:
    assert a_freeze(**fields).told(NOW) == told


def test_a_freeze_past_the_bot_is_told_with_who_can_end_it() -> None:
    assert "whoever looks after Redis must remove it there" in SET_BY_HAND.told(NOW)


@pytest.mark.parametrize("field", ["freezes", "local", "switch", "unknown"])
def test_any_of_them_turns_the_kill_switch_on_and_not_knowing_does_too(field: str) -> None:
    value = (a_freeze(),) if field in ("freezes", "local") else "why"

    assert Switches(**{field: value}).is_on  # type: ignore[arg-type]
    assert not Switches().is_on


@pytest.mark.parametrize(
    ("words", "until"),
    [
        ("", None),
        ("until 2h", NOW + 2 * HOUR),
        ("for 90m", NOW + timedelta(minutes=90)),
        ("until 3d", NOW + timedelta(days=3)),
        ("until 45s", NOW + timedelta(seconds=45)),
        ("until 14:30", NOW.replace(hour=14, minute=30)),
        ("until 14:30 utc", NOW.replace(hour=14, minute=30)),
        ("until 14:30z", NOW.replace(hour=14, minute=30)),
        ("until 2:59", NOW.replace(hour=2, minute=59) + timedelta(days=1)),
        ("until 03:00", NOW + timedelta(days=1)),
        ("until 2026-11-24t08:00", NOW.replace(day=24, hour=8)),
        ("until 2026-11-24t08:00:30z", NOW.replace(day=24, hour=8, second=30)),
    ],
)
def test_a_time_is_read_as_a_span_a_time_of_day_or_a_moment_in_utc(words: str, until: datetime | None) -> None:
    wish = parse_freeze(("all", *words.split()), "why", TOPOLOGY, NOW)

    assert (wish.scope, wish.until, wish.reason) == ("all", until, "why")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("until", "'until' wants one time after it"),
        ("until 2h 3h", "'until' wants one time after it"),
        ("till 2h", "'till' is not understood"),
        ("until tomorrow", "'tomorrow' is not a time"),
        ("until 25:00", "'25:00' is not a time"),
        ("until 2026-11-31t08:00", "'2026-11-31t08:00' is not a time"),
        ("until 2026-11-03t02:59", "is over; it is 2026-11-03 03:00 UTC"),
        ("until 0h", "is over"),
        ("until 367d", "is more than a year away"),
        ("until ٢h", "is not a time"),
    ],
)
def test_a_time_that_cannot_be_meant_is_refused_with_those_that_can(words: str, told: str) -> None:
    with pytest.raises(UsageError, match="A time is 2h, 14:30 or 2026-11-24T08:00, all in UTC") as refused:
        parse_freeze(("all", *words.split()), "why", TOPOLOGY, NOW)
    assert told in str(refused.value)


def test_the_longest_freeze_with_an_end_is_a_year() -> None:
    assert parse_freeze(("all", "until", "366d"), "why", TOPOLOGY, NOW).until == NOW + LONGEST


@pytest.mark.parametrize(
    ("word", "scope"), [("zhangjiakou", "zhangjiakou"), ("zjk", "zhangjiakou"), ("杭州", "hangzhou")]
)
def test_a_site_is_named_by_name_or_alias(word: str, scope: str) -> None:
    assert parse_freeze((word,), "why", TOPOLOGY, NOW).scope == scope
    assert parse_unfreeze((word,), "why", TOPOLOGY) == (scope, "why")


@pytest.mark.parametrize("word", ["shanghai", "а11", "all,"])
def test_other_words_name_no_site(word: str) -> None:
    with pytest.raises(UnknownSite):
        parse_freeze((word,), "why", TOPOLOGY, NOW)


def test_a_site_that_is_no_longer_configured_can_still_be_thawed() -> None:
    assert parse_unfreeze(("shanghai",), "why", TOPOLOGY, ("shanghai",)) == ("shanghai", "why")


def test_no_freeze_and_no_lift_goes_without_a_reason() -> None:
    with pytest.raises(UsageError, match="/registry freeze all until 2h because …"):
        parse_freeze(("all", "until", "2h"), "", TOPOLOGY, NOW)
    with pytest.raises(UsageError, match="/registry unfreeze all because …"):
        parse_unfreeze(("all",), "", TOPOLOGY)


def test_what_is_frozen_and_lifted_must_be_named() -> None:
    with pytest.raises(UsageError, match="What is to be frozen"):
        parse_freeze((), "why", TOPOLOGY, NOW)
    with pytest.raises(UsageError, match="Name one site, or all"):
        parse_unfreeze(("all", "sites"), "why", TOPOLOGY)
