"""What is stuck on its way to a standby: each image is told once, and once when it is over."""

from dataclasses import replace

import pytest

from bot.domain.snapshot import TaskFeed
from bot.services.subscribing import ENDS_EVERY
from tests.builders import ON_CALL
from tests.domain.stocks import a_feed, a_rule, a_tag, a_task, at
from tests.worker.watched import HZ, INC, LONG_AGO, WAY, ZJK, Watched


async def test_what_is_stuck_is_told_by_itself_and_does_not_hide_what_lags(watched: Watched) -> None:
    watched.registries.feed = a_feed(a_task("ERROR", image="core/api:2", made=-21, changed=-20))
    await watched.holds(LONG_AGO, {"1": a_tag()})
    first = await watched.looks()
    await watched.holds(LONG_AGO | {"3": a_tag("c", -20)}, {"1": a_tag()})
    second = await watched.looks()
    await watched.holds(LONG_AGO | {"3": a_tag("c", -20)}, {"1": a_tag(), "3": a_tag("c", -20)})
    third = await watched.looks()
    await watched.holds(LONG_AGO, LONG_AGO)
    last = await watched.looks()

    stuck = f"STUCK: core/api:2 since 02:38 UTC, its copy failed; it does not arrive by itself, {WAY}"
    assert first == [stuck]
    assert second[1:] == [f"LAG: core/api:3 since 02:40 UTC without a copy, limit 15 min, {WAY}"]
    assert third[2:] == [f"RECOVERED: no other critical image that a rule copies by itself waits too long, {WAY}"]
    assert last[3:] == [f"RECOVERED: core/api:2 is no longer stuck, {WAY}"]


async def test_each_image_that_gets_stuck_is_told_and_its_own_end_only_when_it_is_there(watched: Watched) -> None:
    both = LONG_AGO | {"3": a_tag("c", -21)}
    failed = [a_task("ERROR", task_id=f"task-{tag}", image=f"core/api:{tag}", made=-20, changed=-20) for tag in "23"]
    watched.registries.feed = a_feed(failed[0])
    await watched.holds(LONG_AGO, {"1": a_tag()})
    await watched.looks()
    watched.registries.feed = a_feed(*failed)
    await watched.holds(both, {"1": a_tag()})
    second = await watched.looks()
    await watched.holds(both, LONG_AGO)
    third = await watched.looks()
    await watched.holds(both, both)

    assert second[1:] == [
        f"STUCK: core/api:3 since 02:39 UTC, its copy failed; it does not arrive by itself, {WAY}",
    ]
    assert third[2:] == [f"RECOVERED: core/api:2 is no longer stuck; 1 still is, {WAY}"]
    assert (await watched.looks())[3:] == [f"RECOVERED: core/api:3 is no longer stuck, {WAY}"]


async def test_of_many_that_get_stuck_at_once_some_are_named_and_whatever_gets_stuck_later_is_named_too(
    watched: Watched,
) -> None:
    tags = {f"{number:02}": a_tag("a", -40 + number) for number in range(13)}
    arrived = dict(list(tags.items())[:4])
    watched.registries.feed = a_feed(
        *(a_task("ERROR", task_id=f"task-{tag}", image=f"core/api:{tag}", made=-20, changed=-20) for tag in tags)
    )
    await watched.holds(dict(list(tags.items())[:12]), {})
    first = await watched.looks()
    await watched.holds(tags, {})
    more = await watched.looks()
    await watched.holds(tags, {"00": tags["00"]})
    second = await watched.looks()
    await watched.holds(tags, arrived)
    watched.clock.move(ENDS_EVERY)
    third = await watched.looks()
    await watched.holds(tags, tags)
    last = await watched.looks()

    assert first[0].splitlines()[:7] == [
        f"STUCK: 12 critical images do not arrive by themselves, {WAY}",
        *(f"• core/api:0{number} since 02:2{number} UTC, its copy failed" for number in range(5)),
        "and 7 more",
    ]
    assert more[1:] == [f"STUCK: core/api:12 since 02:32 UTC, its copy failed; it does not arrive by itself, {WAY}"]
    assert second[2:] == [f"RECOVERED: core/api:00 is no longer stuck; 12 still are, {WAY}"]
    assert third[3:] == [f"RECOVERED: core/api:01, core/api:02, core/api:03 are no longer stuck; 9 still are, {WAY}"]
    assert last[4:] == [
        "RECOVERED: core/api:04, core/api:05, core/api:06, core/api:07, core/api:08 and 4 more are no longer stuck, "
        f"{WAY}"
    ]


async def test_of_many_that_arrive_one_by_one_the_first_is_told_at_once_others_together_and_the_last_at_once(
    watched: Watched,
) -> None:
    tags = {f"{number:02}": a_tag("a", -40 + number) for number in range(14)}
    watched.registries.feed = a_feed(
        *(a_task("ERROR", task_id=f"task-{tag}", image=f"core/api:{tag}", made=-20, changed=-20) for tag in tags)
    )
    await watched.holds(tags, {})
    await watched.looks()
    told = []
    for arrived in range(1, 15):
        await watched.holds(tags, dict(list(tags.items())[:arrived]))
        told.append((await watched.looks())[1:])

    counts = [len(each) for each in told]
    assert counts == [1] * 10 + [2] * 3 + [3]
    assert told[-1] == [
        f"RECOVERED: core/api:00 is no longer stuck; 13 still are, {WAY}",
        "RECOVERED: core/api:01, core/api:02, core/api:03, core/api:04, core/api:05 and 5 more are no longer stuck; "
        f"3 still are, {WAY}",
        f"RECOVERED: core/api:11, core/api:12, core/api:13 are no longer stuck, {WAY}",
    ]


async def test_what_came_up_meanwhile_is_told_with_the_ends_that_wait(watched: Watched) -> None:
    tags = {tag: a_tag("a", -40) for tag in "1234"}
    failed = [a_task("ERROR", task_id=f"task-{tag}", image=f"core/api:{tag}", made=-20, changed=-20) for tag in tags]
    watched.registries.feed = a_feed(*failed[:3])
    await watched.holds({tag: tags[tag] for tag in "123"}, {})
    await watched.looks()
    await watched.holds({tag: tags[tag] for tag in "123"}, {"1": tags["1"]})
    await watched.looks()
    watched.registries.feed = a_feed(*failed)
    await watched.holds(tags, {tag: tags[tag] for tag in "12"})

    told = (await watched.looks())[2:]
    assert [line.partition(":")[0] for line in told[0].splitlines()] == ["STUCK", "RECOVERED"]
    assert "core/api:2 is no longer stuck; 2 still are" in told[0]


async def test_images_with_long_names_are_told_apart(watched: Watched) -> None:
    tags = {f"{'release-' * 12}{end}": a_tag(end, -22) for end in "ab"}
    watched.registries.feed = a_feed(
        *(a_task("ERROR", task_id=f"task-{tag}", image=f"core/api:{tag}", made=-20, changed=-20) for tag in tags)
    )
    await watched.holds(tags, {})
    await watched.looks()
    await watched.holds(tags, tags)

    recovered = (await watched.looks())[1]
    assert all(f"core/api:{tag}" in recovered for tag in tags)


async def test_what_is_stuck_and_pushed_anew_is_still_counted_and_what_the_target_has_newer_is_not(
    watched: Watched,
) -> None:
    failed = [a_task("ERROR", task_id=f"task-{tag}", image=f"core/api:{tag}", made=-20, changed=-20) for tag in "12"]
    watched.registries.feed = a_feed(*failed, a_task(task_id="old", image="core/old:1", made=-3000, changed=-3000))
    await watched.holds(LONG_AGO, {"0": a_tag("e", -200)})
    first = await watched.looks()
    await watched.holds(LONG_AGO | {"1": a_tag("c", 1)}, LONG_AGO | {"1": a_tag("a"), "2": a_tag("d", -5)})
    second = await watched.looks()

    assert first[0].startswith("STUCK: 2 critical images")
    assert second[1:] == [f"RECOVERED: core/api:2 is no longer stuck; 1 still is, {WAY}"]


async def test_what_ended_as_newer_at_the_target_is_not_told_again_when_the_feed_does_not_prove_it_any_more(
    watched: Watched,
) -> None:
    failed = a_task("ERROR", image="core/api:2", made=-20, changed=-20)
    proving = a_feed(failed, a_task(task_id="old", image="core/old:1", made=-3000, changed=-3000))
    watched.registries.feed = proving
    await watched.holds(LONG_AGO, {"1": a_tag()})
    await watched.looks()
    await watched.holds(LONG_AGO, {"1": a_tag(), "2": a_tag("d", -5)})
    over = await watched.looks()

    for feed in (replace(proving, total=1000), a_feed(), proving):
        watched.registries.feed = feed
        await watched.holds(LONG_AGO, {"1": a_tag(), "2": a_tag("d", -5)})
        assert await watched.looks() == over
    assert [text.partition(":")[0] for text in over] == ["STUCK", "RECOVERED"]


async def test_a_stuck_image_that_only_people_copy_from_now_on_is_still_stuck(watched: Watched) -> None:
    watched.registries.feed = a_feed(a_task("ERROR", image="core/api:2", made=-21, changed=-20))
    await watched.holds(LONG_AGO, {"1": a_tag()})
    first = await watched.looks()
    watched.registries.feed, watched.registries.rules = a_feed(), (a_rule(is_automatic=False),)

    assert await watched.looks() == first
    assert len(first) == 1


@pytest.mark.parametrize("feed", [a_feed(), a_feed(a_task("PENDING", task_id="task-2", image="core/api:2", made=1))])
async def test_what_is_stuck_is_not_over_while_it_is_copied_anew_or_its_failure_is_told_no_more(
    watched: Watched, feed: TaskFeed
) -> None:
    failed = a_task("ERROR", image="core/api:2", made=-21, changed=-20)
    watched.registries.feed = a_feed(failed)
    await watched.holds(LONG_AGO, {"1": a_tag()})
    first = await watched.looks()
    watched.registries.feed = feed
    await watched.holds(LONG_AGO, {"1": a_tag()})

    assert await watched.looks() == first
    watched.registries.feed = a_feed(failed)
    assert await watched.looks() == first
    assert [text.partition(":")[0] for text in first] == ["STUCK"]


async def test_a_channel_that_watches_later_is_told_that_a_copy_was_tried_before(watched: Watched) -> None:
    watched.registries.feed = a_feed(a_task("ERROR", image="core/api:2", made=-21, changed=-20))
    await watched.holds(LONG_AGO, {"1": a_tag()})
    await watched.looks()
    await watched.ports.operations.subscribe(ZJK, INC, ON_CALL)
    watched.registries.feed = a_feed(a_task("PENDING", task_id="task-2", image="core/api:2", made=1))
    await watched.holds(LONG_AGO, {"1": a_tag()})

    assert (await watched.looks())[1:] == [
        f"STUCK: core/api:2 since 02:38 UTC, an earlier copy did not bring it, {WAY}"
    ]


async def test_what_is_stuck_is_not_over_while_no_tasks_are_told(watched: Watched) -> None:
    watched.registries.rules = (a_rule(created_at=at(-5)),)
    watched.registries.feed = a_feed(a_task("ERROR", image="core/api:2", made=-21, changed=-20))
    await watched.holds(LONG_AGO, {"1": a_tag()})
    first = await watched.looks()
    watched.registries.mute = {ZJK, HZ}

    assert await watched.looks() == first
    assert len(first) == 1


async def test_what_was_stuck_and_is_copied_again_has_not_recovered_before_it_is_there(watched: Watched) -> None:
    failed = a_task("ERROR", image="core/api:2", made=-21, changed=-20)
    watched.registries.feed = a_feed(failed)
    await watched.holds(LONG_AGO, {"1": a_tag()})
    await watched.looks()
    watched.registries.feed = a_feed(failed, a_task("PENDING", task_id="task-2", image="core/api:2", made=0))
    await watched.holds(LONG_AGO, {"1": a_tag()})
    second = await watched.looks()
    await watched.holds(LONG_AGO, LONG_AGO)
    last = await watched.looks()

    assert len(second) == 1
    assert last[1:] == [f"RECOVERED: core/api:2 is no longer stuck, {WAY}"]
