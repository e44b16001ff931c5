"""Comparing two inventories: by digest, for known moments only, and with short lists of the images that count."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.domain.comparing import MOST_LISTED, Comparer, Critical
from bot.domain.differences import Cause, Difference, Differences, Explanation, Newer, Side
from bot.domain.inventory import Repository, Scan
from bot.domain.verdict import Verdict, judge, judge_so_far
from tests.builders import NOW
from tests.domain.stocks import API, SOURCE, TARGET, a_repository, a_side, a_tag, at

Pair = tuple[Repository | None, Repository | None]
CRITICAL = Critical(["core/*", "platform/base:v*"])


def _found(*pairs: Pair, source: Side | None = None, target: Side | None = None, **fields: Any) -> Differences:
    comparer = Comparer(source or a_side(SOURCE), target or a_side(TARGET), CRITICAL, **fields)
    for here, there in pairs:
        comparer.add((here or there or a_repository()).path, here, there)
    return comparer.result()


def _images(differences: Iterable[Difference]) -> list[str]:
    return [difference.image for difference in differences]


def _verdict(found: Differences, source: Side, target: Side) -> Verdict:
    return judge(found.critical, found.oldest_critical, (source, target), NOW).verdict


def test_every_image_is_one_of_four() -> None:
    here = a_repository(tags={"same": a_tag("a"), "gone": a_tag("b"), "other": a_tag("c")})
    there = a_repository(tags={"same": a_tag("a"), "other": a_tag("d"), "only": a_tag("e")})

    found = _found((here, there))

    assert (found.all.identical, found.all.missing, found.all.different, found.all.extra) == (1, 1, 1, 1)
    assert _images(found.missing) == ["core/api:gone"]
    assert _images(found.different) == ["core/api:other"]
    assert _images(found.extra) == ["core/api:only"]
    assert (found.all.compared, found.all.lost) == (3, 2)


def test_what_a_copy_by_hand_would_bring_is_counted() -> None:
    here, there = a_repository(tags={"1": a_tag("a"), "2": a_tag("b")}), a_repository(tags={"2": a_tag("c")})
    elsewhere = a_repository("other/api", {"1": a_tag()})

    found = _found((here, there), (elsewhere, None))

    assert (found.all.lost, found.all.copyable, found.critical.copyable) == (3, 1, 1)


@pytest.mark.parametrize(
    ("path", "tag", "is_critical"),
    [
        ("core/api", "1", True),
        ("platform/base", "v1", True),
        ("platform/base", "1", False),
        ("web/core", "1", False),
    ],
)
def test_critical_images_are_counted_apart(path: str, tag: str, is_critical: bool) -> None:
    found = _found((a_repository(path, {tag: a_tag()}), None))

    assert (found.all.missing, found.critical.missing) == (1, is_critical)
    assert found.missing[0].is_critical is is_critical


@pytest.mark.parametrize(("path", "touched"), [("core/x", True), ("platform/base", True), ("web/core", False)])
def test_a_repository_is_touched_when_any_of_its_tags_may_be_critical(path: str, touched: bool) -> None:
    assert CRITICAL.touches(path) is touched


def test_a_short_list_has_critical_images_first_and_then_the_newest() -> None:
    plain = a_repository("web/shop", {"new": a_tag(pushed=-1), "old": a_tag(pushed=-9), "undated": a_tag(pushed=None)})
    core = a_repository(tags={"old": a_tag(pushed=-99), "new": a_tag(pushed=-50)})

    found = _found((plain, None), (core, None))

    assert _images(found.missing) == [
        "core/api:new",
        "core/api:old",
        "web/shop:new",
        "web/shop:old",
        "web/shop:undated",
    ]


def test_a_short_list_stays_short_while_every_image_is_counted_and_handed_on() -> None:
    heard: list[Difference] = []
    tags = {f"{n}": a_tag(pushed=-n) for n in range(500)}

    found = _found((a_repository(tags=tags), None), each=heard.append)

    assert _images(found.missing) == [f"core/api:{n}" for n in range(MOST_LISTED)]
    assert found.all.missing == len(heard) == 500


def test_lag_is_the_age_of_the_oldest_critical_push_that_the_target_lacks() -> None:
    core = a_repository(tags={"old": a_tag(pushed=-30), "new": a_tag(pushed=-3), "undated": a_tag(pushed=None)})
    plain = a_repository("web/shop", {"older": a_tag(pushed=-300)})

    found = _found((core, None), (plain, None))
    judgement = judge(found.critical, found.oldest_critical, (a_side(), a_side(TARGET)), NOW)

    assert judgement.lag == timedelta(minutes=30)
    assert judgement.oldest is not None
    assert judgement.oldest.image == "core/api:old"
    assert found.oldest is not None
    assert found.oldest.image == "web/shop:older"
    assert found.critical.undated == 1


def test_what_the_target_overwrote_later_is_no_lag() -> None:
    here, there = a_repository(tags={"1": a_tag("a", -30)}), a_repository(tags={"1": a_tag("b", -10)})

    found = _found((here, there), explain=lambda _: Explanation(newer=Newer.TARGET))

    assert found.oldest_critical is None
    assert found.critical.different == 1


def test_what_was_written_at_the_target_after_the_source_was_read_is_no_lag() -> None:
    here, there = a_repository(tags={"1": a_tag("a", -30)}), a_repository(tags={"1": a_tag("b", -4)})

    found = _found((replace(here, read_at=at(-5)), there), source=a_side(as_of=-5))

    assert found.oldest_critical is None
    assert (found.critical.different, found.critical.overtaken) == (1, 1)


def test_losses_are_counted_by_cause() -> None:
    core = a_repository(tags={"1": a_tag(), "2": a_tag()})

    found = _found((core, None), explain=lambda _: Explanation(Cause.NO_RULE))

    assert found.critical.causes == {Cause.NO_RULE: 2}


def test_a_push_after_the_target_was_looked_at_may_have_arrived_since() -> None:
    core = a_repository(tags={"before": a_tag(pushed=-11), "after": a_tag(pushed=-9)})

    found = _found((core, None), target=a_side(TARGET, as_of=-10))

    assert (found.critical.missing, found.critical.unsettled) == (2, 1)
    assert {each.tag: each.is_unsettled for each in found.missing} == {"before": False, "after": True}


def test_the_moments_of_both_sides_are_told() -> None:
    early, late = a_repository(read_at=at(-8)), a_repository("core/web", read_at=at(5))

    found = _found((early, early), (late, None), source=a_side(as_of=-3), target=a_side(TARGET, as_of=-5))

    assert found.source_span is not None
    assert found.target_span is not None
    assert (found.source_span.first, found.source_span.last) == (at(-3), at(5))
    assert (found.target_span.first, found.target_span.last) == (at(-5), at(-5))


def test_a_side_that_was_never_read_makes_no_losses() -> None:
    target = a_side(TARGET, as_of=None)

    found = _found((a_repository(tags={"1": a_tag(), "2": a_tag()}), None), target=target)

    assert (found.all.missing, found.all.unjudged, found.all.unread) == (0, 2, 1)
    assert found.unread == (API,)
    assert _verdict(found, a_side(), target) is Verdict.UNKNOWN


def test_of_what_could_not_be_compared_critical_repositories_are_named_first() -> None:
    pairs = [(a_repository(path, {"1": a_tag()}), None) for path in ("aside/x", API, "other/y")]

    found = _found(*pairs, target=a_side(TARGET, as_of=None))

    assert (found.critical.unread, found.unread) == (1, (API, "aside/x", "other/y"))


def test_a_source_that_is_half_read_makes_no_extras() -> None:
    source = a_side(as_of=None, running=Scan(1, True, NOW, 40, 120))

    found = _found((None, a_repository(tags={"1": a_tag()})), source=source)

    assert (found.all.extra, found.all.unjudged) == (0, 1)


def test_what_is_read_of_half_read_sides_is_compared() -> None:
    source, target = a_side(as_of=None), a_side(TARGET, as_of=None)
    here, there = a_repository(tags={"1": a_tag("a")}), a_repository(tags={"1": a_tag("b")}, read_at=at(-5))

    found = _found((here, there), source=source, target=target)

    assert found.different[0].place.source_at == NOW
    assert found.different[0].place.target_at == at(-5)
    assert _verdict(found, source, target) is Verdict.BEHIND


def test_a_repository_that_could_not_be_read_is_unknown_and_not_empty() -> None:
    target = a_side(TARGET, unread=(API,))

    found = _found((a_repository(tags={"1": a_tag()}), None), target=target)

    assert found.critical.unjudged == 1
    assert _verdict(found, a_side(), target) is Verdict.UNKNOWN


def test_a_repository_that_could_not_be_read_again_is_as_old_as_its_last_reading() -> None:
    target = a_side(TARGET, unread=(API,))

    found = _found((a_repository(tags={"1": a_tag()}), a_repository(read_at=at(-70))), target=target)

    assert found.missing[0].place.target_at == at(-70)
    assert found.missing[0].is_unsettled


def test_after_a_list_that_came_short_what_was_not_found_may_be_there() -> None:
    target = a_side(TARGET, unlisted=1)
    here, there = a_repository(tags={"1": a_tag()}), a_repository("core/web", {"1": a_tag()})

    found = _found((here, None), (there, there), target=target)

    assert (found.critical.unjudged, found.critical.identical) == (1, 1)
    assert _verdict(found, a_side(), target) is Verdict.UNKNOWN


def test_a_source_whose_list_came_short_is_not_said_to_be_in_step() -> None:
    source, both = a_side(unlisted=1), a_repository(tags={"1": a_tag()})

    assert _verdict(_found((both, both), source=source), source, a_side(TARGET)) is Verdict.UNKNOWN


@pytest.mark.parametrize(
    ("side", "namespaces"),
    [
        (a_side(), {"core": True}),
        (a_side(as_of=None), None),
        (a_side(namespaces={}), {}),
        (a_side(namespaces={}, trouble="The namespaces could not be read."), None),
        (a_side(namespaces={}, running=Scan(1, True, NOW)), None),
        (a_side(trouble="A repository could not be read."), {"core": True}),
    ],
)
def test_no_namespaces_are_believed_only_without_trouble(side: Side, namespaces: dict[str, bool] | None) -> None:
    assert side.namespaces == namespaces


def test_a_critical_repository_that_neither_side_could_read_leaves_the_verdict_open() -> None:
    source, target = a_side(unread=(API,)), a_side(TARGET)

    found = _found((None, None), source=source, target=target)

    assert _verdict(found, source, target) is Verdict.UNKNOWN


@pytest.mark.parametrize(
    ("letters", "verdict"), [("aa", Verdict.IN_STEP), ("ab", Verdict.BEHIND), ("", Verdict.NOTHING_COMPARED)]
)
def test_with_both_sides_known_the_verdict_is_plain(letters: str, verdict: Verdict) -> None:
    here = a_repository(tags={"1": a_tag(letters[0])} if letters else {})
    there = a_repository(tags={"1": a_tag(letters[1])} if letters else {})

    assert _verdict(_found((here, there)), a_side(), a_side(TARGET)) is verdict


def test_in_step_is_not_said_before_the_end() -> None:
    found = _found((a_repository(tags={"1": a_tag()}), a_repository(tags={"1": a_tag()})))

    assert judge_so_far(found.critical, found.oldest_critical, NOW).verdict is Verdict.UNKNOWN


def test_a_loss_is_said_as_soon_as_it_is_seen() -> None:
    found = _found((a_repository(tags={"1": a_tag()}), None))

    assert judge_so_far(found.critical, found.oldest_critical, NOW).verdict is Verdict.BEHIND


def test_a_silent_side_tells_for_how_long_before_its_silence_nobody_looked() -> None:
    assert a_side(as_of=-9, silent_since=at(-3)).blind_for == timedelta(minutes=6)
    assert a_side(as_of=-3, silent_since=at(-9)).blind_for == timedelta()
    assert a_side(as_of=-9).blind_for is None


@pytest.mark.parametrize(
    ("side", "is_started"),
    [
        (a_side(), True),
        (a_side(as_of=None), False),
        (a_side(as_of=None, running=Scan(1, True, NOW, 1, 9)), True),
        (a_side(as_of=None, repositories=3), True),
    ],
)
def test_a_side_is_started_once_anything_of_it_is_known(side: Side, is_started: bool) -> None:
    assert side.is_started is is_started
