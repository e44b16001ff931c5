"""Channels that watch a site: each concern is told once, and once when it is over, whichever bot sees it."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from bot import messages
from bot.domain.concern import MOST_WAITING, Concern, Kind, Lookout
from bot.domain.inventory import Tag
from bot.domain.snapshot import SyncRule
from bot.errors import Unreachable
from bot.services.subscribing import ROUND
from bot.worker.lookout import look_out
from tests.builders import CHANNEL, ON_CALL
from tests.domain.stocks import a_feed, a_repository, a_rule, a_tag, a_task, at
from tests.handlers.kept import keep
from tests.worker.watched import HZ, INC, LONG_AGO, WAY, ZJK, Watched


async def test_a_critical_image_that_waits_too_long_is_told_once_and_its_arrival_once(watched: Watched) -> None:
    await watched.holds(LONG_AGO, {"1": a_tag()})
    first = await watched.looks()
    again = await watched.looks()
    await watched.holds(LONG_AGO, LONG_AGO)
    after = await watched.looks()

    assert first == again == [f"LAG: core/api:2 since 02:38 UTC without a copy, limit 15 min, {WAY}"]
    assert after[1:] == [f"RECOVERED: no critical image that a rule copies by itself waits too long, {WAY}"]
    assert await watched.looks() == after


async def test_what_has_waited_less_is_not_told(watched: Watched) -> None:
    await watched.holds({"1": a_tag("a", -9)}, {})

    assert await watched.looks() == []


async def test_one_that_waits_too_long_is_told_among_very_many_that_do_not(watched: Watched) -> None:
    young = {f"a{number}": a_tag("a", -9) for number in range(MOST_WAITING + 1)}
    await watched.holds({**young, "old": a_tag("b", -22)}, {})

    assert await watched.looks() == [f"LAG: core/api:old since 02:38 UTC without a copy, limit 15 min, {WAY}"]


async def test_of_very_many_that_wait_too_long_only_so_many_are_counted_and_that_is_said(watched: Watched) -> None:
    await watched.holds({f"a{number}": a_tag("a", -22) for number in range(MOST_WAITING + 1)}, {})

    assert (await watched.looks())[0].startswith("LAG: core/api:a0 and at least 999 more since 02:38 UTC")


async def test_a_push_since_the_target_was_read_is_no_lag(watched: Watched) -> None:
    await watched.holds({"1": a_tag("a", 1)}, {})
    watched.clock.move(timedelta(hours=1))

    assert await watched.looks() == []


async def test_what_no_rule_copies_by_itself_does_not_hide_what_lags(watched: Watched) -> None:
    watched.registries.rules = (a_rule(created_at=at(-25)),)
    await watched.holds({"1": a_tag(), "2": a_tag("b", -22)}, {})

    assert await watched.looks() == [f"LAG: core/api:2 since 02:38 UTC without a copy, limit 15 min, {WAY}"]


async def test_an_image_that_only_people_copy_from_now_on_is_not_said_to_have_arrived(watched: Watched) -> None:
    await watched.holds(LONG_AGO, {"1": a_tag()})
    await watched.looks()
    watched.registries.rules = (a_rule(is_automatic=False),)

    assert (await watched.looks())[1:] == [
        f"RECOVERED: no critical image that a rule copies by itself waits too long, {WAY}"
    ]


async def test_what_cannot_be_seen_any_more_is_not_over(watched: Watched) -> None:
    await watched.holds(LONG_AGO, {"1": a_tag()})
    first = await watched.looks()
    await watched.ports.inventories.drop("cri-bbbbb", ["core/api"])
    await keep(watched.ports, ZJK, as_of=None)

    assert await watched.looks() == first


async def test_a_critical_repository_in_no_rule_is_told_and_a_new_one_too(watched: Watched) -> None:
    watched.registries.rules = (a_rule(scope="REPO", repository="api"),)
    await watched.holds(LONG_AGO, LONG_AGO, "core/api", "core/new")
    first = await watched.looks()
    await watched.holds(LONG_AGO, LONG_AGO, "core/api", "core/new", "core/newer")
    second = await watched.looks()
    watched.registries.rules = (a_rule(),)

    assert first == [f"NO RULE: critical core/new copied by no rule, {WAY}"]
    assert second[1:] == [f"NO RULE: critical core/newer copied by no rule, {WAY}"]
    assert (await watched.looks())[2:] == [f"RECOVERED: a rule copies core/new, core/newer now, or it is gone, {WAY}"]


async def test_a_rule_that_fails_in_a_row_is_told_and_its_recovery(watched: Watched) -> None:
    await watched.holds(LONG_AGO, LONG_AGO)
    failed = [a_task("ERROR", task_id=f"task-{n}", changed=-50 + n, issue="NETWORK_ERROR") for n in range(3)]
    watched.registries.feed = a_feed(*failed[:2])
    quiet = await watched.looks()
    watched.registries.feed = a_feed(*failed)
    first = await watched.looks()
    watched.registries.feed = a_feed(*failed, a_task(task_id="task-4", changed=-10))

    assert quiet == []
    assert first == [f"RULE FAILS: core, 3 copies in a row: NETWORK_ERROR, {WAY}"]
    assert (await watched.looks())[1:] == [f"RECOVERED: rules that failed copy again, or are gone, {WAY}"]


async def test_one_rule_that_copies_again_does_not_hide_another_that_still_fails(watched: Watched) -> None:
    await watched.holds(LONG_AGO, LONG_AGO)
    other = a_rule(rule_id="rule-2", name="web")
    watched.registries.rules = (a_rule(), other)
    failed = [
        a_task("ERROR", task_id=f"task-{rule}-{n}", changed=-50 + n, rule_id=rule)
        for rule in ("rule-1", "rule-2")
        for n in range(3)
    ]
    watched.registries.feed = a_feed(*failed)
    first = await watched.looks()
    watched.registries.feed = a_feed(*failed, a_task(task_id="task-4", changed=-10))

    assert len(first) == 1
    assert (await watched.looks())[1:] == [
        f"RECOVERED: rules that failed copy again, or are gone; 1 still fails, {WAY}"
    ]


@pytest.mark.parametrize("total", [0, 600])
async def test_failures_that_the_feed_tells_no_more_are_not_over(watched: Watched, total: int) -> None:
    await watched.holds(LONG_AGO, LONG_AGO)
    failed = [a_task("ERROR", task_id=f"task-{n}", changed=-50 + n) for n in range(3)]
    watched.registries.feed = a_feed(*failed)
    first = await watched.looks()
    before = [a_task(task_id="task-0", changed=-55)] if total else []
    watched.registries.feed = a_feed(*before, total=total)

    assert await watched.looks() == first


async def test_in_a_feed_that_is_told_in_part_a_copy_since_the_last_look_is_a_recovery(watched: Watched) -> None:
    await watched.holds(LONG_AGO, LONG_AGO)
    watched.registries.feed = a_feed(*(a_task("ERROR", task_id=f"task-{n}", changed=-50 + n) for n in range(3)))
    await watched.looks()
    watched.registries.feed = a_feed(a_task(task_id="task-4", changed=1.5), total=600)

    assert len(await watched.looks()) == 2


async def test_a_rule_that_is_gone_fails_no_more(watched: Watched) -> None:
    await watched.holds(LONG_AGO, LONG_AGO)
    watched.registries.feed = a_feed(*(a_task("ERROR", task_id=f"task-{n}", changed=-50 + n) for n in range(3)))
    await watched.looks()
    watched.registries.rules = (a_rule(rule_id="rule-2"),)

    assert (await watched.looks())[1:] == [f"RECOVERED: rules that failed copy again, or are gone, {WAY}"]


async def test_while_the_source_is_read_anew_nothing_in_no_rule_is_over(watched: Watched) -> None:
    watched.registries.rules = (a_rule(scope="REPO", repository="api"),)
    await watched.holds(LONG_AGO, LONG_AGO, "core/api", "core/new")
    first = await watched.looks()
    await watched.ports.inventories.drop("cri-bbbbb", ["core/new"])
    await keep(watched.ports, ZJK, as_of=None)
    await watched.looks()
    await keep(watched.ports, ZJK, unread=("core/new",))

    assert await watched.looks() == first


@pytest.mark.parametrize(
    "rule", [a_rule(tag_filter="1"), a_rule(tag_filter="["), a_rule(is_automatic=False), a_rule(to_namespace="far")]
)
async def test_a_rule_that_copies_some_of_it_or_not_by_itself_ends_no_concern(watched: Watched, rule: SyncRule) -> None:
    watched.registries.rules = ()
    await watched.holds(LONG_AGO, LONG_AGO)
    first = await watched.looks()
    watched.registries.rules = (rule,)

    assert await watched.looks() == first == [f"NO RULE: critical core/api copied by no rule, {WAY}"]


async def test_a_tag_written_at_the_target_after_the_source_was_read_is_no_lag_and_ends_none(watched: Watched) -> None:
    await watched.holds(LONG_AGO, {"1": a_tag(), "2": a_tag("c", 0.5)})
    await keep(watched.ports, HZ, a_repository(tags={"1": a_tag(), "2": a_tag("c", 0.5)}, read_at=at(1)), as_of=at(1))

    assert await watched.looks() == []


@pytest.mark.parametrize("here", [{"1": a_tag()}, {"1": a_tag(), "2": a_tag("b", None)}])
async def test_a_lag_is_not_over_while_the_source_is_silent_or_a_loss_has_no_date(
    watched: Watched, here: dict[str, Tag]
) -> None:
    await watched.holds(LONG_AGO, {"1": a_tag()})
    first = await watched.looks()
    silent_since = None if "2" in here else at(1)
    await keep(watched.ports, ZJK, a_repository(tags=here), silent_since=silent_since)

    assert await watched.looks() == first


@pytest.mark.parametrize("silent", [ZJK, HZ])
async def test_a_site_that_cannot_be_read_for_long_is_told_and_when_it_is_read_again(
    watched: Watched, silent: str
) -> None:
    await watched.holds(LONG_AGO, LONG_AGO)
    await keep(watched.ports, silent, a_repository(tags=LONG_AGO), silent_since=watched.clock.now())
    watched.clock.move(timedelta(minutes=14) - ROUND)
    soon = await watched.looks()
    watched.clock.move(ROUND)
    late = await watched.looks()
    again = await watched.looks()
    await watched.holds(LONG_AGO, LONG_AGO)

    assert soon == []
    assert late == again == [f"NOT READ: {silent} since 03:00 UTC, so what lags is not told here"]
    assert (await watched.looks())[1:] == [f"RECOVERED: {silent} is read again"]


def test_a_site_that_cannot_be_read_is_named_once_for_all_its_standbys() -> None:
    concerns = {Concern(Kind.BLIND, target, ZJK): f"{ZJK} since 03:00 UTC" for target in (HZ, "shanghai")}
    limit = timedelta(minutes=15)

    begun = messages.concerned(ZJK, Lookout(concerns), tuple(concerns), (), tuple(concerns), limit)
    over = messages.concerned(ZJK, Lookout(), (), tuple(concerns), (), limit)

    assert begun.text == f"NOT READ: {ZJK} since 03:00 UTC, so what lags is not told here"
    assert over.text == f"RECOVERED: {ZJK} is read again"


async def test_an_instance_that_tells_nothing_ends_no_concern(watched: Watched) -> None:
    await watched.holds(LONG_AGO, LONG_AGO)
    watched.registries.feed = a_feed(*(a_task("ERROR", task_id=f"task-{n}") for n in range(3)))
    first = await watched.looks()
    watched.registries.down = {ZJK, HZ}

    assert await watched.looks() == first


async def test_where_one_end_does_not_list_its_rules_and_the_other_lists_none_nothing_begins_or_ends(
    watched: Watched,
) -> None:
    await watched.holds(LONG_AGO, LONG_AGO)
    watched.registries.feed = a_feed(*(a_task("ERROR", task_id=f"task-{n}") for n in range(3)))
    first = await watched.looks()
    watched.registries.silent, watched.registries.blank = {ZJK}, {HZ}

    assert await watched.looks() == first


async def test_an_image_that_may_be_newer_at_the_target_does_not_keep_others_from_being_told(watched: Watched) -> None:
    watched.registries.feed = replace(a_feed(), total=600)
    hotfix = {"9": a_tag("h", -5)}
    ours, theirs = LONG_AGO | {"9": a_tag("i", -50)}, {"1": a_tag()} | hotfix
    await watched.holds(ours, theirs)
    await watched.looks()
    await watched.holds(ours, LONG_AGO | hotfix)
    await watched.looks()
    await watched.holds(ours | {"3": a_tag("c", -18)}, LONG_AGO | hotfix)

    assert await watched.looks() == [
        f"LAG: core/api:2 since 02:38 UTC without a copy, limit 15 min, {WAY}",
        f"RECOVERED: no critical image that a rule copies by itself waits too long, {WAY}",
        f"LAG: core/api:3 since 02:42 UTC without a copy, limit 15 min, {WAY}",
    ]


async def test_several_bots_tell_each_channel_once(watched: Watched) -> None:
    await watched.ports.operations.subscribe(ZJK, INC, ON_CALL)
    await watched.holds(LONG_AGO, {"1": a_tag()})
    watched.clock.move(ROUND)

    await asyncio.gather(*(look_out(watched.ports, f"bot-{n}") for n in range(3)))
    await watched.looks("bot-2", "bot-1")

    assert sorted(post.channel for post in watched.workspace.posts) == [CHANNEL, INC]


async def test_what_slack_did_not_take_is_told_in_the_next_round(watched: Watched) -> None:
    await watched.holds(LONG_AGO, {"1": a_tag()})
    watched.workspace.fail_next(Unreachable("Slack does not answer."))

    assert await watched.looks() == []
    assert len(await watched.looks()) == 1


async def test_what_only_a_newer_bot_knows_of_does_not_end_the_watch_of_this_one(watched: Watched) -> None:
    await watched.ports.operations.remember(f"watch/{ZJK}/{CHANNEL}", '[["novelty", "hangzhou", ""]]')
    await watched.holds(LONG_AGO, {"1": a_tag()})

    assert len(await watched.looks()) == 1


async def test_a_site_that_is_configured_no_more_is_left_out(watched: Watched) -> None:
    await watched.ports.operations.subscribe("shanghai", CHANNEL, ON_CALL)

    assert await watched.looks() == []


async def test_where_instances_are_read_more_often_so_are_watched_sites_looked_at(watched: Watched) -> None:
    watched.ports = replace(watched.ports, rules=replace(watched.ports.rules, inventory_every=timedelta(seconds=5)))
    await look_out(watched.ports, "bot-1")
    await watched.holds(LONG_AGO, {"1": a_tag()})
    watched.clock.move(timedelta(seconds=5))

    await look_out(watched.ports, "bot-2")

    assert [post.message.text.partition(":")[0] for post in watched.workspace.posts] == ["LAG"]
