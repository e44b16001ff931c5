"""What `replication` says."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from bot import messages
from bot.domain.snapshot import SyncRule, SyncTask, TaskFeed, Unknown
from bot.ports import Message
from tests import builders as make
from tests.messages.reading import words_of

NOW = make.NOW + timedelta(seconds=5)
SILENT = Unknown("no answer within 3 s")


def a_task(status: str, **fields: Any) -> SyncTask:
    created_at = make.NOW - timedelta(minutes=3)
    return replace(SyncTask("task-1", status, "core/api:2.7.1", created_at, None, "cri-bbbbb", "cri-aaaaa"), **fields)


def told(**fields: Any) -> Message:
    return messages.replication(make.a_replication(**fields), NOW)


def test_everything_copied_is_said_in_one_line() -> None:
    assert told().text == "IN STEP: all 3 critical images identical, zhangjiakou to hangzhou"


def test_missing_and_different_images_are_counted_and_listed() -> None:
    missing = tuple(f"core/api:{index}" for index in range(14))
    message = told(comparison=make.a_comparison(missing=missing, different=("core/web:1",)))

    assert message.text.startswith("BEHIND: 15 of 18 critical images differ")
    assert "3 identical, 14 missing, 1 different at hangzhou" in words_of(message)
    assert "`core/api:9` and 4 more" in words_of(message)


def test_each_source_says_its_age_and_whether_it_is_remembered() -> None:
    old = make.a_comparison(home_is_live=False, home_as_of=make.NOW - timedelta(hours=1))
    message = told(comparison=old)

    assert message.text.endswith("by a remembered list")
    assert "zhangjiakou remembered, read 1 h" in words_of(message)
    assert "hangzhou read 5 s ago" in words_of(message)


def test_a_remembered_list_of_the_standby_is_said_to_be_one_too() -> None:
    old = make.a_comparison(standby_is_live=False, standby_as_of=make.NOW - timedelta(hours=1))
    message = told(comparison=old)

    assert message.text.endswith("by a remembered list")
    assert "hangzhou remembered, read 1 h" in words_of(message)
    assert "zhangjiakou read 5 s ago" in words_of(message)


def test_tasks_are_counted_by_state_with_the_oldest_unfinished_and_what_failed() -> None:
    tasks = (a_task("SUCCESS"), a_task("PENDING"), a_task("ERROR", issue="layer timeout"))
    said = words_of(told(feed=TaskFeed(tasks, 9, make.NOW)))

    assert "1 ERROR, 1 PENDING, 1 SUCCESS" in said
    assert "Oldest unfinished: `core/api:2.7.1`, begun 3 min 5 s ago" in said
    assert "Failed: `core/api:2.7.1` layer timeout" in said
    assert "Only the newest 3 of 9 tasks were read." in said


def test_tasks_of_other_sites_are_not_counted() -> None:
    foreign = a_task("ERROR", to_instance="cri-ccccc")

    assert "*Copy tasks*: none" in words_of(told(feed=TaskFeed((foreign,), 1, make.NOW)))


def test_rules_say_scope_and_trigger_and_tags_only_where_they_choose_some() -> None:
    rule = SyncRule("rule-1", "core", "cri-bbbbb", "cri-aaaaa", "NAMESPACE", True, "core", tag_filter=".*")

    assert "• `core`, on push (core)" in words_of(told(rules=(rule,)))
    assert "• `core`, tags `v.*`, on push (core)" in words_of(told(rules=(replace(rule, tag_filter="v.*"),)))


def test_no_rule_in_this_direction_is_said() -> None:
    backwards = make.a_replication("hangzhou").rules

    assert "No rule copies in this direction" in words_of(told(rules=()))
    assert "No rule copies in this direction" in words_of(told(rules=backwards))


def test_every_unknown_part_says_why() -> None:
    message = told(comparison=SILENT, feed=SILENT, rules=SILENT)

    assert message.text == "UNKNOWN: critical images zhangjiakou to hangzhou could not be compared"
    assert words_of(message).count("*UNKNOWN*: no answer within 3 s.") == 3


def test_nothing_to_compare_is_not_called_in_step() -> None:
    assert told(comparison=make.a_comparison(identical=())).text.startswith("NOTHING COMPARED")


def test_several_pairs_are_told_one_below_the_other() -> None:
    message = messages.replications([make.a_replication("hangzhou"), make.a_replication()], NOW)

    assert message.text.splitlines() == [
        "IN STEP: all 3 critical images identical, hangzhou to zhangjiakou",
        "IN STEP: all 3 critical images identical, zhangjiakou to hangzhou",
    ]
    assert [block["type"] for block in message.blocks].count("divider") == 1
