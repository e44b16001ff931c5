"""What `replication` says."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot import messages
from bot.domain.comparing import Comparer, Critical
from bot.domain.differences import Side
from bot.domain.inventory import Coverage, Scan, Tag
from bot.domain.pulling import DeepReport, Findings
from bot.domain.report import Assessment
from bot.domain.rule_audit import Feasibility, PairAudit, Possible
from bot.domain.snapshot import Unknown
from bot.domain.verdict import judge, judge_so_far
from tests.builders import INSTANCE_ID, NOW, a_site
from tests.domain.stocks import TARGET, a_feed, a_repository, a_rule, a_side, a_tag, a_task, at
from tests.messages.assessments import CRITICAL, an_assessment
from tests.messages.reading import words_of

LATER = NOW + timedelta(minutes=2)
SILENT = Unknown("no answer within 3 s")


def many(count: int, pushed: float = -60) -> dict[str, Tag]:
    return {f"{index:02}": a_tag("a", pushed + index / 60) for index in range(count)}


def headline(known: Assessment) -> str:
    return messages.replication(known, LATER).text


def said(known: Assessment) -> str:
    return words_of(messages.replication(known, LATER))


def with_audit(known: Assessment, **fields: Any) -> Assessment:
    assert isinstance(known.audit, PairAudit)
    return replace(known, audit=replace(known.audit, **fields))


IN_STEP = an_assessment({"core/api": many(3)}, {"core/api": many(3)})
BEHIND = an_assessment(
    {"core/api": many(14, -12), "core/web": {"5": a_tag("b", -3)}, "web/shop": many(2)},
    {"core/web": {"5": a_tag("a", -30), "4": a_tag("c")}, "web/shop": {"00": a_tag("a"), "9": a_tag("z")}},
)


def test_everything_copied_is_said_in_one_line() -> None:
    assert headline(IN_STEP) == "IN STEP: all 3 critical images identical, zhangjiakou to hangzhou, as of 2 min ago"
    assert "Critical images" not in said(IN_STEP)
    assert headline(an_assessment({"core/api": many(1)}, {"core/api": many(1)})).startswith("IN STEP: 1 critical image")


def test_what_would_be_lost_is_said_first_with_direction_lag_and_age() -> None:
    assert headline(BEHIND) == (
        "BEHIND: 15 of 15 critical images would be lost, zhangjiakou to hangzhou, lag 12 min, as of 2 min ago"
    )


def test_losses_are_counted_and_the_last_pushes_named_with_the_reason() -> None:
    words = said(BEHIND)

    assert "*Critical images*: 0 identical, 14 missing, 1 different, 1 only there at hangzhou" in words
    assert "• `core/web:5` different, pushed 5 min ago, newer at the source" in words
    assert "• `core/api:13` missing, pushed 13 min 47 s ago, its copy is not done yet" in words
    assert "and 5 more" in words
    assert "`core/api:00`" not in words


def test_other_images_are_told_beside_critical_ones() -> None:
    words = said(BEHIND)

    assert "*All 17 images*: 1 identical, 15 missing, 1 different, 2 only there at hangzhou" in words
    assert "Lost beside critical ones: `web/shop:01`" in words
    assert "Only there: `core/web:4`, `web/shop:9`" in words


def test_images_asked_for_by_name_are_judged_and_critical_ones_among_them_told() -> None:
    known = an_assessment({"web/shop": many(2), "core/api": many(1)}, {}, repositories="*/*")

    assert headline(known).startswith("BEHIND: 3 of 3 images in `*/*` would be lost")
    assert "Critical among them: 0 identical, 1 missing at hangzhou" in said(known)


def test_where_not_all_is_named_the_command_that_does_can_be_typed_as_it_stands() -> None:
    known = an_assessment({"web/shop": many(5)}, {})

    assert "All by name: `/registry replication from zhangjiakou to hangzhou repo *`" in said(known)


def test_why_images_are_lost_is_counted() -> None:
    feed = a_feed(a_task("ERROR", image="core/api:00", issue="NETWORK_ERROR"))
    known = an_assessment({"core/api": many(10), "core/web": many(1)}, {}, feed=feed, rules=(a_rule(repository="api"),))

    assert "Why: unexplained (10) · its copy failed (1)" in said(known)
    assert "Why" not in said(an_assessment({"core/api": many(10)}, {}))


def test_pushes_that_came_after_the_target_was_read_may_have_arrived() -> None:
    known = an_assessment({"core/api": {"1": a_tag("a", 1)}}, {})

    assert "1 of them came after hangzhou was last read and may have arrived since." in said(known)


def test_each_side_says_when_it_was_read() -> None:
    sides = a_side(as_of=-9, full_as_of=at(-60)), a_side(TARGET)
    known = an_assessment({"core/api": many(1)}, {"web/shop": many(1)}, sides=sides)

    assert "zhangjiakou read 11 min ago to 2 min ago, in full 1 h 2 min ago · hangzhou read 2 min ago" in said(known)
    assert headline(known).endswith("as of 11 min ago")


def test_an_answer_that_stays_in_the_channel_says_from_when_its_ages_count() -> None:
    assert (
        said(IN_STEP)
        .splitlines()[-2]
        .endswith("· told <!date^1793674920^{date_short_pretty} {time_secs}|2026-11-03 03:02:00 UTC>")
    )


def test_a_silent_source_is_said_with_how_much_nobody_saw() -> None:
    known = an_assessment(
        {"core/api": many(1)}, {"core/api": many(1)}, sides=(a_side(as_of=-9, silent_since=at(-3)), a_side(TARGET))
    )

    assert "*Cannot be read*: zhangjiakou, for 5 min; it was last read 6 min before that." in said(known)
    assert headline(known).endswith(", as of 2 min ago, zhangjiakou cannot be read")


def test_a_side_that_has_just_fallen_silent_is_said_to_be() -> None:
    known = with_audit(IN_STEP, mute=(("zhangjiakou", "no answer within 3 s"),))

    assert "*Cannot be read*: zhangjiakou, now: no answer within 3 s." in said(known)
    assert headline(known).endswith(", as of 2 min ago, zhangjiakou cannot be read")


def test_a_side_that_was_never_read_and_answers_nothing_is_not_said_to_be_being_read() -> None:
    target = Side.of(a_site(TARGET), Coverage(INSTANCE_ID[TARGET], running=Scan(1, True, NOW)))
    known = with_audit(an_assessment(sides=(a_side(), target)), mute=((TARGET, "no valid credentials"),))

    assert headline(known) == "UNKNOWN: zhangjiakou to hangzhou, hangzhou was never read and cannot be now"


def test_the_reason_of_a_side_that_answers_nothing_is_said_once() -> None:
    silence = (("zhangjiakou", "no answer within 3 s"),)
    known = with_audit(IN_STEP, rules=(), feasibility=Feasibility(Possible.UNKNOWN, "long"), silent=silence)

    assert "• Rules not listed by zhangjiakou: no answer within 3 s." in said(known)
    assert "• Whether it is possible is unknown: long." in said(known)
    assert "• Rules not listed by zhangjiakou." in said(with_audit(known, mute=silence))
    assert "• Whether it is possible is unknown." in said(with_audit(known, mute=silence))


def test_a_loss_that_nobody_can_date_has_an_unknown_lag() -> None:
    known = an_assessment({"core/api": {"1": Tag("a" * 64)}}, {})

    assert headline(known).startswith(
        "BEHIND: 1 of 1 critical image would be lost, zhangjiakou to hangzhou, lag unknown"
    )


def test_a_star_of_a_glob_ends_no_bold_words() -> None:
    known = an_assessment({"core/api": many(1)}, {}, repositories="core*")

    assert "*BEHIND*: 1 of 1 image in `core*` would be lost" in said(known)


def test_pushes_in_no_list_are_named_by_their_tasks() -> None:
    known = replace(IN_STEP, report=replace(IN_STEP.report, unseen=(a_task("ERROR"), a_task("PENDING"))))

    assert (
        "*In no list yet*: 2 pushes since zhangjiakou was read, told by copy tasks alone: `core/api:1` ERROR"
        in said(known)
    )


def test_the_first_line_counts_the_pushes_that_no_list_knows_and_no_copy_brought() -> None:
    tasks = a_task("ERROR"), a_task("PENDING"), a_task("SUCCESS"), a_task("ERROR", image="web/shop:1")
    known = replace(IN_STEP, report=replace(IN_STEP.report, unseen=tasks))
    asked = replace(known.report.question, repositories="*")

    assert headline(known).endswith(", 2 later pushes not copied")
    assert headline(replace(known, report=replace(known.report, question=asked))).endswith(
        ", 3 later pushes not copied"
    )


def test_a_loss_that_was_written_at_the_target_since_is_said_to_be_doubtful() -> None:
    sides = a_side(as_of=-5), a_side(TARGET)
    here = a_repository(tags={"1": a_tag("a", -30)}, read_at=at(-5))
    there = a_repository(tags={"1": a_tag("b", -4)})
    comparer = Comparer(*sides, Critical(CRITICAL))
    comparer.add(here.path, here, there)
    report = replace(IN_STEP.report, source=sides[0], found=comparer.result())
    judgement = judge(report.found.critical, report.found.oldest_critical, sides, NOW)
    known = replace(IN_STEP, report=replace(report, judgement=judgement))

    assert "lag unknown" in headline(known)
    assert "1 of them were written at hangzhou after zhangjiakou was last read and may be newer there." in said(known)


@pytest.mark.parametrize(
    ("coverage", "words"),
    [
        ({}, "hangzhou was never read"),
        ({"running": Scan(1, True, NOW, 40, 120)}, "hangzhou is being read, 40 of 120 calls done"),
        ({"as_of": NOW, "unlisted": 2}, "2 repositories of hangzhou did not appear in its list"),
        ({"as_of": NOW, "unread": ("core/api",)}, "1 repository could not be compared: `core/api`"),
    ],
)
def test_an_answer_that_lacks_something_says_what(coverage: dict[str, Any], words: str) -> None:
    target = Side.of(a_site(TARGET), Coverage(INSTANCE_ID[TARGET], **coverage))
    known = an_assessment({"core/api": many(2)}, {}, sides=(a_side(), target))

    assert f"*Partial*: {words}" in said(known)
    assert headline(known).startswith(f"UNKNOWN: zhangjiakou to hangzhou, {words}")


@pytest.mark.parametrize(
    ("critical", "words"),
    [
        (1, "1 repository could not be compared: `core/app00`."),
        (5, "5 repositories could not be compared: `core/app00`, `core/app01`, `core/app02` and 2 more."),
    ],
)
def test_as_many_repositories_are_named_as_are_counted(critical: int, words: str) -> None:
    paths = [*(f"aside/app{n:02}" for n in range(30)), *(f"core/app{n:02}" for n in range(critical))]
    sides = (a_side(), a_side(TARGET, unread=tuple(paths)))

    assert words in said(an_assessment({path: many(1) for path in paths}, {}, sides=sides))


def test_while_the_verdict_is_unknown_what_is_known_of_critical_images_is_told_all_the_same() -> None:
    sides = (a_side(), a_side(TARGET, unread=("core/web",)))
    known = an_assessment({"core/api": many(2), "core/web": many(1)}, {"core/api": many(2)}, sides=sides)

    assert headline(known).startswith("UNKNOWN")
    assert "*Critical images so far*: 2 identical at hangzhou" in said(known)


@pytest.mark.parametrize(
    "coverage", [{"unlisted": 1}, {"unread": ("web/cart",)}, {"as_of": None, "running": Scan(1, True, NOW)}]
)
def test_the_images_of_a_part_are_not_called_all(coverage: dict[str, Any]) -> None:
    target = Side.of(a_site(TARGET), Coverage(INSTANCE_ID[TARGET], **({"as_of": NOW} | coverage)))
    held = {"core/api": many(2), "web/shop": many(3)}
    known = an_assessment({**held, "web/cart": many(1)}, held, sides=(a_side(), target))

    assert "*5 images compared*: 5 identical at hangzhou; 1 repository not compared" in said(known)


def test_a_loss_in_a_part_is_a_loss_and_said_to_be_in_a_part() -> None:
    known = an_assessment({"core/api": many(2)}, {}, sides=(a_side(), a_side(TARGET, unlisted=1)))
    seen = an_assessment({"core/api": many(2)}, {"core/api": {}}, sides=(a_side(), a_side(TARGET, unlisted=1)))

    assert headline(known).startswith("UNKNOWN")
    assert headline(seen).startswith("BEHIND: 2 of 2 critical images would be lost")
    assert headline(seen).endswith(", partial")


def test_without_the_store_the_reason_stands_in_the_first_line() -> None:
    report = replace(
        an_assessment().report,
        judgement=judge_so_far(IN_STEP.report.found.all, None, NOW),
        interrupted="Redis is away.",
    )

    assert headline(Assessment(report)) == (
        "UNKNOWN: zhangjiakou to hangzhou, the kept lists cannot be read: Redis is away"
    )


def test_nothing_to_compare_is_not_called_in_step() -> None:
    assert headline(an_assessment()).startswith("NOTHING COMPARED: no image matches `critical`")
    assert headline(an_assessment(repositories="x/*")).startswith("NOTHING COMPARED: no image in `x/*`")


def test_tasks_are_counted_by_state_with_the_oldest_unfinished_and_what_failed() -> None:
    tasks = (a_task(), a_task("PENDING", made=-3), a_task("ERROR", issue="layer timeout"), a_task("ERROR", issue="x"))
    known = an_assessment(feed=replace(a_feed(*tasks), total=9))

    assert "1 PENDING, 1 SUCCESS" in said(known)
    assert "Oldest unfinished: `core/api:1`, begun 5 min ago" in said(known)
    assert "Failed: 1 layer timeout (`core/api:1`), 1 x (`core/api:1`)" in said(known)
    assert "Only 4 of 9 tasks were read." in said(known)


def test_tasks_of_other_sites_are_not_counted() -> None:
    assert "*Copy tasks*: none" in said(an_assessment(feed=a_feed(a_task("ERROR", to_instance="cri-ccccc"))))


def test_rules_that_do_their_work_take_one_line() -> None:
    known = an_assessment({"core/api": many(1)}, {"core/api": many(1)}, feed=a_feed(a_task()))

    assert "*Rules*: 1 on push, last copy 1 h ago" in said(known)
    assert "• " not in said(known)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, "Rule `core`: namespace `core`, on push, last copy 1 h ago"),
        ({"scope": "REPO", "repository": "api"}, "Rule `core`: repository `core/api`, on push"),
        (
            {"scope": "INSTANCE", "namespace_filter": "co.*", "repository_filter": ".*"},
            "Rule `core`: namespaces `co.*`, on push",
        ),
        ({"scope": "INSTANCE", "tag_filter": "v.*"}, "Rule `core`: all namespaces tags `v.*`, on push"),
        ({"tag_filter": "v.*", "is_automatic": False}, ": namespace `core` tags `v.*`, by hand, last copy"),
        ({"rule_id": "another", "is_cross_account": True}, "on push, between accounts, no finished copy is listed"),
        ({"scope": "CHART"}, ": scope `CHART`, on push"),
    ],
)
def test_each_rule_is_told_in_small_print(fields: dict[str, Any], words: str) -> None:
    assert words in said(an_assessment(rules=(a_rule(**fields),), feed=a_feed(a_task())))


def test_of_many_rules_the_first_are_told() -> None:
    rules = tuple(a_rule(rule_id=f"rule-{n}") for n in range(7))

    assert said(an_assessment(rules=rules)).endswith(" · and 2 more rules")


def test_no_rule_in_this_direction_is_said() -> None:
    known = an_assessment(rules=())
    why = "no answer within 3 s"
    half = with_audit(known, rules=Unknown(why), reached=Unknown(why), silent=((TARGET, why),))

    assert "*Rules*: none copies in this direction" in said(known)
    assert f"*Rules*: *UNKNOWN*: {why}." in said(half)
    assert f"Rules not listed by hangzhou: {why}." in said(half)
    assert "What the rules cover" not in said(half)


def test_a_direction_that_cannot_be_is_said_in_the_first_line_too() -> None:
    known = with_audit(IN_STEP, feasibility=Feasibility(Possible.NO, "edition Enterprise_Basic cannot be a source"))

    assert headline(known).endswith(". Nothing can be replicated this way")
    assert "*Not possible*: edition Enterprise_Basic cannot be a source." in said(known)


def test_what_rules_leave_open_is_named_the_failing_first() -> None:
    rules = (a_rule(scope="REPO", repository="api", tag_filter="v.*"), a_rule(rule_id="rule-2", tag_filter="["))
    feed = a_feed(a_task("ERROR", image="core/api:v1", issue="NETWORK_ERROR"))
    sides = a_side(), a_side(TARGET, namespaces={})
    known = an_assessment({"core/api": many(1), "core/web": many(1)}, {}, rules=rules, feed=feed, sides=sides)
    lines = [line for line in said(known).splitlines() if line.startswith("• ") and "missing, pushed" not in line]

    assert lines == [
        "• Rule `core` *fails*: 1 copy: NETWORK_ERROR",
        "• Namespace `core` is missing at hangzhou: 2 critical repositories cannot arrive",
        "• 2 of 2 critical repositories depend on a filter that cannot be read: `core/api`, `core/web`",
        lines[-1],
    ]
    assert lines[-1].startswith("• Rule `core` has the filter `[`")


def test_critical_repositories_in_no_rule_are_named() -> None:
    known = an_assessment({f"core/{n}": many(1) for n in range(5)}, {}, rules=(a_rule(scope="REPO", repository="0"),))

    assert "• 4 of 5 critical repositories in no rule: `core/1`, `core/2`, `core/3` and 1 more" in said(known)


def test_every_unknown_part_says_why() -> None:
    words = said(an_assessment(feed=SILENT, rules=SILENT))

    assert "*Copy tasks* *UNKNOWN*: no answer within 3 s." in words
    assert "*Rules*: *UNKNOWN*: no answer within 3 s." in words


def test_several_directions_are_told_one_below_the_other() -> None:
    message = messages.replications([IN_STEP, BEHIND], LATER)

    assert [line.partition(":")[0] for line in message.text.splitlines()] == ["BEHIND", "IN STEP"]
    assert [block["type"] for block in message.blocks].count("divider") == 1
    assert "and 12 more" in words_of(message)


def test_of_directions_that_are_as_bad_the_one_that_loses_more_and_can_be_mended_is_told_first() -> None:
    less = an_assessment({"core/api": many(2)}, {"core/api": many(1)})
    impossible = with_audit(IN_STEP, feasibility=Feasibility(Possible.NO, "another cloud"))

    told = messages.replications([impossible, IN_STEP, less, BEHIND], LATER).text.splitlines()

    assert [line[:10] for line in told] == ["BEHIND: 15", "BEHIND: 1 ", "IN STEP: a", "IN STEP: a"]
    assert [line.endswith("Nothing can be replicated this way") for line in told] == [False, False, False, True]


def test_answers_given_one_by_one_are_told_in_the_same_order_behind_those_given_in_the_channel() -> None:
    less = an_assessment({"core/api": many(2)}, {"core/api": many(1)})
    found = Findings(tags=4, sound=3, flawed=1, layers=9)
    broken = replace(IN_STEP, deep=DeepReport(a_side(TARGET), LATER, "hz.example.com", found, 2, 2))
    elsewhere = messages.published(BEHIND, None)
    answers = [(messages.replication(each, LATER), each) for each in (IN_STEP, less, BEHIND, broken)]

    told = messages.worst_first([*answers, (elsewhere, None)]).text.splitlines()

    assert [line[:10] for line in told] == ["zhangjiako", "BROKEN: 1 ", "BEHIND: 15", "BEHIND: 1 ", "IN STEP: a"]


def test_the_worst_direction_can_be_asked_for_in_full_word_by_word() -> None:
    some = an_assessment({"core/api": many(4)}, {}, repositories="core/*")

    of_one_domain = replace(some, report=replace(some.report, question=replace(some.report.question, domain="a.io")))

    words = words_of(messages.replications([some, some], LATER))
    narrowed = words_of(messages.replications([of_one_domain] * 2, LATER))

    assert "One direction in full: `/registry replication from zhangjiakou to hangzhou repo core/*`" in words
    assert "/registry replication from zhangjiakou to hangzhou domain a.io repo core/*`" in narrowed


def test_of_other_directions_the_rules_are_told_with_what_stands_in_their_way() -> None:
    impossible = with_audit(IN_STEP, rules=(), feasibility=Feasibility(Possible.NO, "another cloud")).audit
    assert isinstance(IN_STEP.audit, PairAudit)
    assert isinstance(impossible, PairAudit)

    message = messages.replications([IN_STEP, BEHIND], LATER, [IN_STEP.audit, *[impossible] * 13])

    words = words_of(message)
    assert "*Rules of other directions*\n• zhangjiakou to hangzhou: 1 on push, no finished copy is listed" in words
    assert "stays where it is. · *Not possible*: another cloud." in words
    assert "and 2 more directions" in words


def test_a_comparison_under_way_says_how_far_it_is() -> None:
    report = replace(BEHIND.report, done=600, total=1200, is_final=False)

    assert messages.comparing(Assessment(report), LATER).text == (
        "COMPARING zhangjiakou to hangzhou: 600 of 1,200 repositories, 15 losses so far"
    )


def test_a_comparison_that_has_not_counted_yet_gives_no_number() -> None:
    report = replace(an_assessment().report, done=0, total=0, is_final=False)

    assert messages.comparing(Assessment(report), LATER).text == "COMPARING zhangjiakou to hangzhou"
