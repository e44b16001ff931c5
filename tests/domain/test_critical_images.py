"""What a plan says of critical images: how old each side is, what would be lost, and what nobody can tell."""

from datetime import timedelta
from typing import Any

import pytest

from bot.domain.critical_images import weigh
from bot.domain.inventory import Scan
from bot.domain.plan import Level
from tests.builders import NOW, a_comparison
from tests.domain.circumstances import kept

SILENT = NOW + timedelta(minutes=3)
"""From when on zhangjiakou could not be read."""
LATER = NOW + timedelta(minutes=5)
LOSS: dict[str, Any] = {"identical": ("a:1",), "missing": ("b:1",)}
FIRST_PASS = Scan(1, True, NOW, pages_done=40, pages_total=120)


def test_a_loss_is_told_with_the_age_of_the_list_the_first_failure_and_the_time_of_each_push() -> None:
    home = kept("zhangjiakou", 3, silent_since=SILENT)
    comparison = a_comparison(**LOSS, different=("c:1",), kept_home=home, pushed_at=NOW - timedelta(minutes=5))

    assert weigh(comparison, LATER) == (
        Level.FAIL,
        "As of 02:57 UTC, 6 min before zhangjiakou could no longer be read: 1 of 3 critical images are identical at "
        "hangzhou; missing: b:1 (pushed 02:55); different: c:1 (pushed 02:55).",
    )


@pytest.mark.parametrize(
    ("sides", "level", "sentence"),
    [
        ({}, Level.PASS, "3 of 3 critical images are identical at hangzhou."),
        (
            {"kept_standby": kept("hangzhou", 2)},
            Level.WARN,
            "3 of 3 critical images are identical at hangzhou (as of 02:58 UTC, 7 min before hangzhou "
            "could no longer be read); what was pushed since is not known.",
        ),
        (
            {"kept_home": kept("zhangjiakou", 3), "kept_standby": kept("hangzhou", 2, silent_since=SILENT)},
            Level.WARN,
            "As of 02:57 UTC, 8 min before zhangjiakou could no longer be read: 3 of 3 critical images are identical "
            "at hangzhou (as of 02:58 UTC, 5 min before hangzhou could no longer be read); "
            "what was pushed since is not known.",
        ),
        (
            {"kept_home": kept("zhangjiakou", 24 * 60 - 10)},
            Level.WARN,
            "As of 2026-11-02 03:10 UTC, 23 h before zhangjiakou could no longer be read: "
            "3 of 3 critical images are identical at hangzhou; what was pushed since is not known.",
        ),
        (
            {"identical": (), "kept_home": kept("zhangjiakou", 3, silent_since=NOW - timedelta(seconds=150))},
            Level.WARN,
            "As of 02:57 UTC, less than a minute before zhangjiakou could no longer be read: "
            "no image at zhangjiakou matches `critical` in registry.yaml, so none was compared.",
        ),
    ],
)
def test_images_that_are_all_there_pass_only_where_both_sides_answered(
    sides: dict[str, Any], level: Level, sentence: str
) -> None:
    assert weigh(a_comparison(**sides), LATER) == (level, sentence)


@pytest.mark.parametrize(
    ("home", "gap"),
    [
        (
            kept("zhangjiakou", 3, as_of=None, repositories=1, running=FIRST_PASS),
            "zhangjiakou has not been read whole yet (40 of 120 pages)",
        ),
        (kept("zhangjiakou", 3, as_of=None, repositories=1), "zhangjiakou has not been read whole yet"),
        (kept("zhangjiakou", 3, unlisted=2), "the repository list of zhangjiakou came 2 short"),
        (
            kept("zhangjiakou", 3, unread=("core/x", "core/y")),
            "critical repositories that could not be read on both sides: 2 (core/x, core/y)",
        ),
        (kept("zhangjiakou", 25 * 60), "zhangjiakou was last read 25 h ago"),
        (kept("zhangjiakou", 72 * 60), "zhangjiakou was last read 3 days ago"),
    ],
)
def test_what_is_not_known_whole_and_lately_names_a_loss_but_does_not_deny_one(home: Any, gap: str) -> None:
    level, sentence = weigh(a_comparison(kept_home=home), NOW)
    lost_level, lost = weigh(a_comparison(**LOSS, kept_home=home), NOW)

    assert level is Level.UNKNOWN
    assert sentence.startswith(f"Whether hangzhou has all critical images is unknown: {gap}. As of ")
    assert sentence.endswith(": 3 of 3 critical images are identical at hangzhou.")
    assert lost_level is Level.FAIL
    assert lost.endswith(f"identical at hangzhou; not known: {gap}; missing: b:1.")


def test_where_nothing_could_be_compared_nothing_is_counted() -> None:
    home = kept("zhangjiakou", 3, unread=("core/x",))

    assert weigh(a_comparison(identical=(), kept_home=home), NOW) == (
        Level.UNKNOWN,
        "Whether hangzhou has all critical images is unknown: "
        "critical repositories that could not be read on both sides: 1 (core/x).",
    )


def test_a_push_after_the_standby_was_read_may_have_arrived() -> None:
    standby = kept("hangzhou", 3)
    comparison = a_comparison(
        **LOSS, kept_home=kept("zhangjiakou", 0), kept_standby=standby, pushed_at=NOW - timedelta(minutes=1)
    )

    assert weigh(comparison, NOW)[1].endswith(
        "missing: b:1 (pushed 02:59); 1 pushed after hangzhou was read, so they may be there by now."
    )


def test_an_image_that_was_written_at_the_standby_after_the_home_was_read_may_be_a_newer_one() -> None:
    comparison = a_comparison(
        different=("b:1", "c:1"), kept_home=kept("zhangjiakou", 3), written_at=NOW - timedelta(minutes=1)
    )

    level, told = weigh(comparison, NOW)

    assert level is Level.FAIL
    assert told.endswith(
        "different: b:1, c:1; 2 written at hangzhou after zhangjiakou was read, so they may be newer there."
    )


def test_thousands_are_written_so_that_they_can_be_read() -> None:
    comparison = a_comparison(
        identical=tuple(f"i:{n}" for n in range(1_204)), missing=tuple(f"m:{n}" for n in range(7))
    )

    assert weigh(comparison, NOW)[1] == (
        "1,204 of 1,211 critical images are identical at hangzhou; missing: m:0, m:1, m:2, m:3, m:4 and 2 more."
    )
