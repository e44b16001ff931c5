"""Why the target lacks an image, and which side is newer: said where it is proven, else left open."""

from dataclasses import replace
from typing import Any

import pytest

from bot.domain.both_ends import control_of
from bot.domain.differences import Cause, Explanation, Newer
from bot.domain.explaining import Explainer
from bot.domain.snapshot import SyncRule, SyncTask, Unknown
from tests.domain.stocks import ENDS, a_difference, a_feed, a_rule, a_tag, a_task, at

SILENT = Unknown("no answer within 3 s")
EARLIER = a_task(image="core/web:1", task_id="task-0", made=-1600, changed=-1599)
"""Shows that the feed reaches back far enough."""


def _explain(difference: Any, **fields: Any) -> Explanation:
    known: dict[str, Any] = {"rules": (a_rule(),), "feed": a_feed(EARLIER), "namespaces": {"core": True}} | fields
    rules = known["rules"]
    if not isinstance(rules, Unknown):
        rules = tuple(replace(rule, rule_id=f"rule-{number}") for number, rule in enumerate(rules))
    control = replace(control_of((rules,), (known["feed"],), ENDS), traced=known.get("traced", {}))
    return Explainer(ENDS, control, known["namespaces"])(difference)


@pytest.mark.parametrize(
    ("rules", "cause"),
    [
        ((), Cause.NO_RULE),
        ((a_rule(namespace="web"),), Cause.NO_RULE),
        ((a_rule(from_instance=ENDS[1], to_instance=ENDS[0]),), Cause.NO_RULE),
        ((a_rule(to_namespace="mirror"),), Cause.NO_RULE),
        ((a_rule(tag_filter="v.*"),), Cause.NO_RULE),
        ((a_rule(is_automatic=False),), Cause.BY_HAND),
        ((a_rule(created_at=at(-59)),), Cause.OLDER_THAN_RULE),
        ((a_rule(created_at=at(-59)), a_rule(is_automatic=False)), Cause.OLDER_THAN_RULE),
        ((a_rule(created_at=at(-61)), a_rule(created_at=at(-59))), Cause.UNKNOWN),
        ((a_rule(created_at=None),), Cause.UNKNOWN),
        ((a_rule(tag_filter="(?=1)1"), a_rule(created_at=at(-59))), Cause.UNKNOWN),
        ((a_rule(tag_filter="(?=1)1", created_at=at(-50)), a_rule(created_at=at(-59))), Cause.OLDER_THAN_RULE),
        ((a_rule(tag_filter="(?=1)1"),), Cause.UNKNOWN),
        (SILENT, Cause.UNKNOWN),
    ],
)
def test_rules_tell_why_an_image_never_came(rules: tuple[SyncRule, ...] | Unknown, cause: Cause) -> None:
    assert _explain(a_difference(), rules=rules).cause is cause


@pytest.mark.parametrize(("pushed", "cause"), [(-14, Cause.WAITING), (-16, Cause.UNKNOWN), (None, Cause.UNKNOWN)])
def test_a_young_push_may_be_on_its_way_and_an_old_one_is_a_riddle(pushed: float | None, cause: Cause) -> None:
    assert _explain(a_difference(a_tag(pushed=pushed))).cause is cause


@pytest.mark.parametrize(
    ("feed", "cause"),
    [
        (SILENT, Cause.UNKNOWN),
        (a_feed(a_task(image="core/web:1", made=-13), total=600), Cause.UNKNOWN),
        (a_feed(a_task(image="core/web:1", made=-1500), total=600), Cause.UNKNOWN),  # the list has no order
        (a_feed(), Cause.WAITING),
    ],
)
def test_a_young_push_is_not_said_to_be_on_its_way_where_its_task_may_have_gone_unread(feed: Any, cause: Cause) -> None:
    assert _explain(a_difference(a_tag(pushed=-14)), feed=feed).cause is cause


@pytest.mark.parametrize(
    ("namespaces", "has_repository", "cause"),
    [
        ({}, False, Cause.NO_NAMESPACE),
        ({"core": False}, False, Cause.NO_REPOSITORY),
        ({"core": False}, True, Cause.UNKNOWN),
        ({"core": True}, False, Cause.UNKNOWN),
        (None, False, Cause.UNKNOWN),
    ],
)
def test_a_target_that_makes_no_repositories_is_named(
    namespaces: dict[str, bool] | None, has_repository: bool, cause: Cause
) -> None:
    difference = a_difference(target_has_repository=has_repository)

    assert _explain(difference, namespaces=namespaces).cause is cause


@pytest.mark.parametrize(
    ("task", "cause"),
    [
        (a_task("PENDING"), Cause.WAITING),
        (a_task("SYNCHRONIZING"), Cause.WAITING),
        (a_task("ERROR", issue="NETWORK_ERROR"), Cause.FAILED),
        (a_task("CANCELED"), Cause.FAILED),
        (a_task("ERROR", issue="TAG_CONFLICT"), Cause.FAILED),  # the tag that it met is gone by now
        (a_task(), Cause.NOT_LANDED),
        (a_task(changed=1), Cause.WAITING),
        (a_task(changed_at=None), Cause.UNKNOWN),
    ],
)
def test_the_task_of_a_push_says_what_became_of_it(task: Any, cause: Cause) -> None:
    explanation = _explain(a_difference(), feed=a_feed(task))

    assert (explanation.cause, explanation.task_id) == (cause, "task-1")


@pytest.mark.parametrize(
    "task",
    [
        a_task(made=-66),
        a_task(made=1),
        a_task(image="core/api:2"),
        a_task(to_instance="cri-ccccc"),
        a_task(created_at=None),
    ],
)
def test_the_task_of_another_push_says_nothing(task: Any) -> None:
    assert _explain(a_difference(), feed=a_feed(task)).task_id is None


def test_the_last_of_several_tasks_counts() -> None:
    tasks = a_task("ERROR", made=-59, task_id="first"), a_task("PENDING", made=-30, task_id="second")

    assert _explain(a_difference(), feed=a_feed(*reversed(tasks))) == Explanation(Cause.WAITING, task_id="second")


def test_an_immutable_tag_is_why_a_different_one_stays() -> None:
    difference = a_difference(a_tag("a"), a_tag("b"), target_is_immutable=True)

    assert _explain(difference).cause is Cause.IMMUTABLE


def test_a_copy_that_met_an_immutable_tag_names_it() -> None:
    feed = a_feed(a_task("ERROR", issue="TAG_CONFLICT"))

    assert _explain(a_difference(a_tag("a"), a_tag("b")), feed=feed).cause is Cause.IMMUTABLE


def test_a_copy_that_failed_otherwise_does_not_hide_an_immutable_tag() -> None:
    feed = a_feed(a_task("ERROR", issue="NETWORK_ERROR"))
    difference = a_difference(a_tag("a"), a_tag("b"), target_is_immutable=True)

    assert _explain(difference, feed=feed).cause is Cause.IMMUTABLE


def test_a_copy_that_failed_for_want_of_a_namespace_names_that() -> None:
    feed = a_feed(a_task("ERROR", issue="NETWORK_ERROR"))

    assert _explain(a_difference(target_has_repository=False), feed=feed, namespaces={}) == Explanation(
        Cause.NO_NAMESPACE, task_id="task-1"
    )


@pytest.mark.parametrize(
    ("ours", "theirs", "newer"),
    [
        (-10, -20, Newer.SOURCE),
        (-20, -10, Newer.TARGET),
        (-20, -20, Newer.TARGET),
        (None, -20, Newer.UNCLEAR),
        (-20, None, Newer.UNCLEAR),
    ],
)
def test_without_copies_the_push_times_tell_who_is_newer(
    ours: float | None, theirs: float | None, newer: Newer
) -> None:
    explanation = _explain(a_difference(a_tag("a", ours), a_tag("b", theirs)))

    assert explanation.newer is newer
    assert explanation.reason


@pytest.mark.parametrize(
    ("feed", "newer"),
    [
        (a_feed(EARLIER, a_task(made=-25, changed=-10)), Newer.UNCLEAR),
        (a_feed(EARLIER, a_task(made=-15, changed=-9)), Newer.UNCLEAR),
        (a_feed(EARLIER, a_task(made=-15, from_instance="cri-ccccc", changed=-9)), Newer.UNCLEAR),
        (a_feed(EARLIER, a_task("PENDING", made=-25)), Newer.UNCLEAR),
        (a_feed(EARLIER, a_task("ERROR", made=-25, changed=-10)), Newer.TARGET),
        (a_feed(EARLIER, a_task(made=-95, changed=-90)), Newer.TARGET),
        (a_feed(EARLIER, total=900), Newer.UNCLEAR),
        (a_feed(EARLIER, as_of=at(-11)), Newer.UNCLEAR),
        (a_feed(a_task(image="core/web:1", made=-9)), Newer.UNCLEAR),
        (a_feed(a_task(image="core/web:1", made=-1449)), Newer.UNCLEAR),
        (a_feed(a_task(image="core/web:1", made=-1451)), Newer.TARGET),
        (a_feed(), Newer.UNCLEAR),
        (SILENT, Newer.UNCLEAR),
    ],
)
def test_a_target_is_newer_only_when_no_copy_explains_it(feed: Any, newer: Newer) -> None:
    assert _explain(a_difference(a_tag("a", -20), a_tag("b", -10)), feed=feed).newer is newer


def test_the_copy_that_may_have_written_an_image_is_named() -> None:
    feed = a_feed(EARLIER, a_task(made=-25, changed=-10, task_id="late"))

    assert _explain(a_difference(a_tag("a", -20), a_tag("b", -10)), feed=feed).task_id == "late"


BACK = a_rule(from_instance=ENDS[1], to_instance=ENDS[0])
"""A rule that copies to the source."""


def _back(**fields: Any) -> SyncTask:
    """Return a task that copied the image to the source."""
    return a_task(from_instance=ENDS[1], to_instance=ENDS[0], task_id="back", **fields)


@pytest.mark.parametrize(
    ("rules", "feed", "newer"),
    [
        ((), a_feed(EARLIER, _back(made=-25, changed=-10)), Newer.UNCLEAR),
        ((), a_feed(EARLIER, _back(made=-90, changed=-85)), Newer.SOURCE),
        ((), a_feed(total=900), Newer.SOURCE),
        ((), SILENT, Newer.SOURCE),
        ((BACK,), a_feed(EARLIER), Newer.SOURCE),
        ((BACK,), a_feed(EARLIER, _back(made=-25, changed=-10)), Newer.UNCLEAR),
        ((BACK,), a_feed(EARLIER, _back(status="PENDING", made=-25)), Newer.UNCLEAR),
        ((BACK,), a_feed(EARLIER, total=900), Newer.UNCLEAR),
        ((BACK,), a_feed(EARLIER, as_of=at(-11)), Newer.UNCLEAR),
        ((BACK,), SILENT, Newer.UNCLEAR),
        ((a_rule(from_instance="cri-ccccc", to_instance=ENDS[0]),), a_feed(EARLIER, total=900), Newer.UNCLEAR),
        ((replace(BACK, tag_filter="v.*"),), a_feed(EARLIER, total=900), Newer.SOURCE),
        ((replace(BACK, tag_filter="(?=1)1"),), a_feed(EARLIER, total=900), Newer.UNCLEAR),
        (SILENT, a_feed(EARLIER, total=900), Newer.UNCLEAR),
        (SILENT, a_feed(EARLIER), Newer.SOURCE),
    ],
)
def test_a_source_is_newer_only_when_its_image_cannot_be_a_late_copy(rules: Any, feed: Any, newer: Newer) -> None:
    explanation = _explain(a_difference(a_tag("a", -10), a_tag("b", -20)), rules=rules, feed=feed)

    assert explanation.newer is newer
    assert not explanation.is_untraced


def test_the_tasks_of_an_image_that_were_asked_for_say_what_a_part_of_the_feed_does_not() -> None:
    part = a_feed(EARLIER, total=900)
    missing, different = a_difference(), a_difference(a_tag("a", -20), a_tag("b", -10))
    failed = {"core/api:1": a_feed(a_task("ERROR"))}
    late = {"core/api:1": a_feed(a_task(made=-25, changed=-10))}
    none: dict[str, Any] = {"core/api:1": a_feed()}
    cut = {"core/api:1": a_feed(total=400)}

    assert _explain(missing, feed=part, traced=failed).cause is Cause.FAILED
    assert _explain(missing, feed=SILENT, traced=failed).cause is Cause.FAILED
    assert _explain(different, feed=part, traced=late).task_id == "task-1"
    assert _explain(different, feed=part, traced=none).newer is Newer.TARGET
    assert _explain(different, feed=part, traced=cut).newer is Newer.UNCLEAR
    assert _explain(different, feed=part, traced={"core/web:1": a_feed()}).newer is Newer.UNCLEAR
