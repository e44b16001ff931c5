"""Auditing rules: whether a pair can replicate, what its rules take, and what stands in the way."""

from typing import Any

import pytest

from bot.domain.both_ends import merged_feed, merged_rules
from bot.domain.comparing import MOST_LISTED, Critical
from bot.domain.differences import Side
from bot.domain.filters import Match
from bot.domain.rule_audit import Cloud, Possible, RuleUse, cloud_of, feasibility, uses
from bot.domain.rule_match import far_path, takes, takes_repository, troubles
from bot.domain.rule_reach import NamespaceGap, ReachAudit, Reached
from bot.domain.snapshot import SyncRule, TaskFeed, Unknown
from tests.builders import NOW, a_site, an_instance
from tests.domain.stocks import ENDS, SOURCE, TARGET, a_feed, a_repository, a_rule, a_side, a_tag, a_task, at

SILENT = Unknown("no answer within 3 s")
HERE, THERE = a_site(SOURCE), a_site(TARGET)


def _reached(*pairs: Any, rules: tuple[SyncRule, ...] = (), target: Side | None = None) -> Reached:
    audit = ReachAudit(a_side(), target or a_side(TARGET), Critical(["core/*"]), rules)
    for here, there in pairs:
        audit.add((here or there).path, here, there)
    return audit.reached


@pytest.mark.parametrize(
    ("rule", "path", "tag", "match"),
    [
        (a_rule(scope="INSTANCE", namespace=None), "any/name", "1", Match.YES),
        (a_rule(scope="INSTANCE", namespace=None, namespace_filter="co.*"), "core/api", "1", Match.YES),
        (a_rule(scope="INSTANCE", namespace=None, namespace_filter="co"), "core/api", "1", Match.NO),
        (a_rule(scope="INSTANCE", namespace=None, repository_filter="api|web"), "core/web", "1", Match.YES),
        (a_rule(scope="INSTANCE", namespace=None, repository_filter="core/api"), "core/api", "1", Match.NO),
        (a_rule(), "core/api", "1", Match.YES),
        (a_rule(), "core2/api", "1", Match.NO),
        (a_rule(repository_filter="a.*"), "core/api", "1", Match.YES),
        (a_rule(repository_filter="a.*"), "core/web", "1", Match.NO),
        (a_rule(tag_filter=r"v\d+"), "core/api", "v1", Match.YES),
        (a_rule(tag_filter=r"v\d+"), "core/api", "v1-rc", Match.NO),
        (a_rule(tag_filter="["), "core/api", "v1", Match.UNKNOWN),
        (a_rule(tag_filter="["), "web/api", "v1", Match.NO),
        (a_rule(scope="REPO", repository="api"), "core/api", "1", Match.YES),
        (a_rule(scope="REPO", repository="api"), "core/api/v2", "1", Match.NO),
        (a_rule(scope="REPO", repository=None), "core/api", "1", Match.UNKNOWN),
        (a_rule(scope="REPO", repository=""), "core/api", "1", Match.UNKNOWN),
        (a_rule(scope="CHART"), "core/api", "1", Match.UNKNOWN),
    ],
)
def test_a_rule_takes_what_its_scope_and_filters_say(rule: SyncRule, path: str, tag: str, match: Match) -> None:
    assert takes(rule, path, tag) is match


def test_a_tag_filter_says_nothing_of_repositories() -> None:
    assert takes_repository(a_rule(tag_filter="v"), "core/api") is Match.YES


@pytest.mark.parametrize(
    ("rule", "there"),
    [
        (a_rule(), "core/api"),
        (a_rule(to_namespace="mirror"), "mirror/api"),
        (a_rule(scope="REPO", to_namespace="mirror", to_repository="api2"), "mirror/api2"),
        (a_rule(to_repository="ignored"), "core/api"),
    ],
)
def test_a_rule_says_where_it_copies_to(rule: SyncRule, there: str) -> None:
    assert far_path(rule, "core/api") == there


def test_each_filter_that_cannot_be_evaluated_is_named_with_the_reason() -> None:
    rule = a_rule(namespace_filter="core", repository_filter="(", tag_filter="(?=v)")

    assert [pattern for pattern, why in troubles(rule) if why] == ["(", "(?=v)"]


@pytest.mark.parametrize(
    ("region", "cloud"),
    [
        ("cn-hangzhou", Cloud.PUBLIC),
        ("ap-southeast-1", Cloud.PUBLIC),
        ("cn-shanghai-finance-1", Cloud.FINANCE),
        ("cn-hangzhou-finance", Cloud.FINANCE),
        ("cn-north-2-gov-1", Cloud.GOVERNMENT),
    ],
)
def test_a_region_id_tells_its_cloud(region: str, cloud: Cloud) -> None:
    assert cloud_of(region) is cloud


@pytest.mark.parametrize(
    ("target", "instance", "possible", "word"),
    [
        (THERE, an_instance(SOURCE), Possible.YES, ""),
        (THERE, an_instance(SOURCE, edition="Enterprise_Basic"), Possible.NO, "Enterprise_Basic"),
        (THERE, SILENT, Possible.UNKNOWN, "no answer"),
        (a_site(TARGET, region="cn-hangzhou-finance"), an_instance(SOURCE), Possible.NO, "finance"),
        (a_site(TARGET, region="cn-hangzhou-finance"), SILENT, Possible.NO, "finance"),
        (a_site(TARGET, instance=HERE.instance), an_instance(SOURCE), Possible.NO, "same instance"),
    ],
)
def test_a_pair_can_replicate_or_the_reason_is_named(target: Any, instance: Any, possible: Possible, word: str) -> None:
    found = feasibility(HERE, target, instance)

    assert found.possible is possible
    assert word in found.reason


def test_a_rule_that_both_ends_list_is_one_with_what_either_tells() -> None:
    from_source, from_target = a_rule(created_at=None), a_rule(namespace=None, is_cross_account=True)
    other = a_rule(rule_id="rule-2")

    merged = merged_rules([(from_source,), (from_target, other)], ENDS)

    assert merged == (a_rule(is_cross_account=True), other)


def test_one_end_that_answers_is_enough() -> None:
    assert merged_rules([SILENT, (a_rule(),)], ENDS) == (a_rule(),)
    assert merged_feed([a_feed(a_task()), SILENT]) == a_feed(a_task())


def test_when_no_end_answers_nothing_is_known() -> None:
    assert merged_rules([SILENT, SILENT], ENDS) == SILENT
    assert merged_feed([SILENT, SILENT]) == SILENT


@pytest.mark.parametrize("listed", [(), (a_rule(from_instance=ENDS[1], to_instance=ENDS[0]),)])
def test_that_no_rule_is_known_takes_both_ends(listed: tuple[SyncRule, ...]) -> None:
    assert merged_rules([SILENT, listed], ENDS) == merged_rules([listed, SILENT], ENDS) == SILENT
    assert merged_rules([listed, ()], ENDS) == ()


def test_a_task_that_both_ends_list_counts_once_as_it_was_last() -> None:
    before, after = a_feed(a_task("PENDING"), as_of=at(-1)), a_feed(a_task(), a_task(task_id="task-2"))

    merged = merged_feed([after, before])

    assert isinstance(merged, TaskFeed)
    assert {task.task_id: task.status for task in merged.tasks} == {"task-1": "SUCCESS", "task-2": "SUCCESS"}
    assert (merged.total, merged.as_of, merged.is_partial) == (2, at(-1), False)


def test_a_feed_is_partial_when_a_part_of_it_is() -> None:
    merged = merged_feed([a_feed(a_task(), total=600), a_feed(a_task())])

    assert isinstance(merged, TaskFeed)
    assert merged.is_partial


def test_a_rule_shows_its_use() -> None:
    feed = a_feed(
        a_task(changed=-58),
        a_task("ERROR", changed=-70, issue="NETWORK_ERROR"),
        a_task("ERROR", changed=-50, issue="TAG_CONFLICT"),
        a_task("ERROR", changed=-40, issue="TAG_CONFLICT"),
        a_task("PENDING"),
        a_task("ERROR", rule_id="rule-2"),
    )

    (use,) = _uses((a_rule(), a_rule(rule_id="back", from_instance=ENDS[1], to_instance=ENDS[0])), feed)

    assert use == RuleUse(a_rule(), (), at(-58), unfinished=1, failed=2, issues=("TAG_CONFLICT",))
    assert use.is_failing


def test_a_rule_without_tasks_is_not_failing() -> None:
    (use,) = _uses((a_rule(),), SILENT)

    assert use == RuleUse(a_rule())
    assert not use.is_failing


def _uses(rules: tuple[SyncRule, ...], feed: TaskFeed | Unknown) -> tuple[RuleUse, ...]:
    found = uses(rules, feed, ENDS)
    assert not isinstance(found, Unknown)
    return found


@pytest.mark.parametrize(
    ("rules", "where"),
    [
        ((), "uncovered"),
        ((a_rule(tag_filter="v.*"),), "partly"),
        ((a_rule(is_automatic=False),), "by_hand"),
        ((a_rule(tag_filter="["),), "unsure"),
        ((a_rule(to_namespace="mirror"),), "elsewhere"),
        ((a_rule(), a_rule(is_automatic=False), a_rule(tag_filter="[")), None),
        ((a_rule(tag_filter="v.*"), a_rule(tag_filter="1")), None),
    ],
)
def test_a_repository_is_filed_under_what_its_rules_leave_out(rules: tuple[SyncRule, ...], where: str | None) -> None:
    repository = a_repository(tags={"v1": a_tag(), "1": a_tag()})

    reached = _reached((repository, repository), rules=rules)

    kinds = ("uncovered", "partly", "by_hand", "unsure", "elsewhere")
    assert {kind: getattr(reached, kind).names for kind in kinds if getattr(reached, kind).count} == (
        {where: ["core/api"]} if where else {}
    )


def test_only_critical_repositories_of_the_source_count() -> None:
    plain, empty, extra = a_repository("web/shop", {"1": a_tag()}), a_repository("core/empty"), a_repository("core/x")

    assert _reached((plain, None), (empty, None), (None, extra)) == Reached()


def test_an_image_older_than_its_rule_that_is_not_there_will_never_come() -> None:
    tags = {"old": a_tag(pushed=-60), "arrived": a_tag(pushed=-60), "young": a_tag(pushed=-10)}

    reached = _reached(
        (a_repository(tags=tags), a_repository(tags={"arrived": a_tag()})), rules=(a_rule(created_at=at(-30)),)
    )

    assert reached.older.names == ["core/api:old"]


def test_a_tag_that_differs_at_an_immutable_target_will_conflict() -> None:
    here = a_repository(tags={"1": a_tag("a"), "2": a_tag("a"), "3": a_tag("a")})
    there = a_repository(tags={"1": a_tag("b"), "2": a_tag("a")}, is_immutable=True)

    assert _reached((here, there), rules=(a_rule(),)).conflicts.names == ["core/api:1"]


@pytest.mark.parametrize(
    ("namespaces", "gaps"),
    [
        ({"core": True}, {}),
        ({"core": False}, {"core": NamespaceGap("core", exists=True, lacking=1)}),
        ({}, {"core": NamespaceGap("core", exists=False, lacking=1)}),
    ],
)
def test_a_namespace_that_makes_no_repositories_is_a_gap(
    namespaces: dict[str, bool], gaps: dict[str, NamespaceGap]
) -> None:
    api, web = a_repository(tags={"1": a_tag()}), a_repository("core/web", {"1": a_tag()})

    assert _reached((api, api), (web, None), target=a_side(TARGET, namespaces=namespaces)).gaps == gaps


def test_of_a_target_that_was_never_read_nothing_is_said() -> None:
    target = a_side(TARGET, as_of=None)

    reached = _reached((a_repository(tags={"1": a_tag()}), None), rules=(a_rule(created_at=NOW),), target=target)

    assert reached == Reached(repositories=1)


def test_lists_of_names_stay_short() -> None:
    reached = _reached(*((a_repository(f"core/{n}", {"1": a_tag()}), None) for n in range(100)))

    assert reached.uncovered.count == 100
    assert len(reached.uncovered.names) == MOST_LISTED


def test_an_image_that_an_older_rule_may_take_is_not_said_to_be_older_than_all() -> None:
    images = a_repository(tags={"old": a_tag(pushed=-60)})
    unreadable = a_rule(tag_filter="[", created_at=at(-600))

    reached = _reached((images, None), rules=(a_rule(created_at=at(-10)), unreadable))

    assert reached.older.names == []
