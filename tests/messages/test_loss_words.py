"""What a card says of images that would be lost, when the site that has them does not answer any more."""

from datetime import timedelta
from typing import Any

import pytest

from bot import messages
from bot.domain.critical_images import weigh
from bot.domain.plan import Effect, Finding, Level
from bot.ports import Message
from tests.builders import NOW, a_comparison, a_plan, an_operation
from tests.domain.circumstances import kept
from tests.messages.reading import confirm_of, words_of

HOME = kept("zhangjiakou", 3, silent_since=NOW + timedelta(minutes=3))
AGE = "As of 02:57 UTC, 6 min before zhangjiakou could no longer be read: "
EFFECTS = {Level.FAIL: Effect.LOSS, Level.UNKNOWN: Effect.LOSS, Level.WARN: Effect.WARNS}


def card(**comparison: Any) -> Message:
    level, told = weigh(a_comparison(**comparison), NOW)
    operation = an_operation(plan=a_plan(findings=(Finding("CRITICAL_IMAGES", level, EFFECTS[level], told),)))
    return messages.operation_card(operation, lambda _operation, verb: str(verb), NOW)


def test_a_loss_is_on_the_card_with_the_age_of_what_is_known() -> None:
    drawn = card(missing=("core/late:9",), kept_home=HOME, pushed_at=NOW - timedelta(minutes=5))

    same = "3 of 4 critical images are identical at hangzhou"
    assert f"*Loss*: {AGE}{same}; missing: core/late:9 (pushed 02:55)." in words_of(drawn)
    assert f"Loss: {AGE}{same}" in confirm_of(drawn)


def test_images_that_were_all_there_when_last_seen_are_not_folded_away() -> None:
    assert (
        f"*Warning*: {AGE}3 of 3 critical images are identical at hangzhou; what was pushed since is not known."
    ) in words_of(card(kept_home=HOME))


def test_a_pass_that_was_not_finished_is_a_loss_that_nobody_can_rule_out() -> None:
    drawn = card(kept_home=kept("zhangjiakou", 3, as_of=None, repositories=1))

    doubt = "Whether hangzhou has all critical images is unknown: zhangjiakou has not been read whole yet."
    assert f"*Loss, unknown*: {doubt}" in words_of(drawn)
    assert doubt in confirm_of(drawn)


@pytest.mark.parametrize("count", [1, 7, 1_000])
def test_however_long_the_names_are_the_age_the_count_and_the_first_loss_are_told(count: int) -> None:
    lost = tuple(f"platform/{'very-long-name-' * 8}{n:04}:{'9' * 40}" for n in range(count))
    drawn = card(missing=lost, kept_home=HOME, pushed_at=NOW)

    counted = f"{AGE}3 of {count + 3:,} critical images are identical at hangzhou"
    assert f"{counted}; missing: {lost[0][:60]}" in words_of(drawn)
    assert counted in confirm_of(drawn)
