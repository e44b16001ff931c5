"""What a record holds after the end stands first on the card, and reaches those who were asked."""

from dataclasses import replace

import pytest

from bot import messages
from bot.domain.operation import Operation, State
from bot.domain.sighting import Sight, Sighting
from tests import builders as make

TOLD = "cross-region.registry.io in vpc-bbbbb now holds A 10.99.0.99. Change log: <!channel> did it."
SEEN = Sighting(0, Sight.FOREIGN, "A 10.99.0.99", TOLD, make.NOW, "wang")
LATE = replace(SEEN, sight=Sight.LATE, sentence="It took effect late.")
BACK = replace(SEEN, sight=Sight.RESTORED, holds="", sentence="It holds the old value again.")


def _with(*seen: Sighting, state: State = State.DONE) -> Operation:
    return make.an_operation(state, sightings=seen)


def _card(operation: Operation) -> tuple[str, str]:
    card = messages.operation_card(operation, lambda operation, verb: f"{verb}|{operation.id}", make.NOW)
    return card.text, str(card.blocks)


@pytest.mark.parametrize(
    ("state", "word"),
    [
        (State.DONE, "DONE"),
        (State.FAILED, "FAILED"),
        (State.PARTIAL, "PARTIAL"),
        (State.NEEDS_HUMAN, "NEEDS A HUMAN"),
    ],
)
def test_the_first_line_says_that_the_record_was_changed_and_what_it_holds(state: State, word: str) -> None:
    line, blocks = _card(_with(SEEN, state=state))

    assert line.startswith(f"{word}, BUT CHANGED SINCE: cross-region.registry.io in vpc-bbbbb now holds A 10.99.0.99.")
    assert line.endswith("seen 03:00 UTC · manual steps on the card")
    assert "By hand" in blocks


def test_a_late_write_of_ours_has_its_own_word() -> None:
    assert _card(_with(LATE, state=State.FAILED))[0].startswith("FAILED, BUT WRITTEN LATE: It took effect late")


def test_several_records_are_counted() -> None:
    assert "And 1 more record" in _card(_with(SEEN, replace(SEEN, change=1)))[0]


def test_a_card_reads_as_before_when_the_record_is_back() -> None:
    assert _card(_with(SEEN, BACK)) == _card(_with())


def test_what_the_change_log_says_pings_nobody_who_was_not_asked() -> None:
    notice = messages.sighting_notice(_with(SEEN), SEEN)

    assert "<!channel>" not in notice.text
    assert notice.text.endswith(f"<@{make.ON_CALL}> <@{make.APPROVER}>")
    assert notice.in_channel


@pytest.mark.parametrize(
    ("seen", "word", "has_hands"),
    [(SEEN, "CHANGED SINCE", True), (LATE, "WRITTEN LATE", True), (BACK, "BACK AS", False)],
)
def test_a_notice_has_a_word_for_each_kind_of_news(seen: Sighting, word: str, has_hands: bool) -> None:
    notice = messages.sighting_notice(_with(seen), seen)

    assert notice.text.startswith(word)
    assert ("Manual steps" in str(notice.blocks)) is has_hands


def test_show_tells_what_was_seen_among_the_steps() -> None:
    told = make.an_operation(State.DONE, sightings=(BACK,)).with_step(make.NOW, "First it was written.")

    shown = str(messages.show(told, make.NOW).blocks)

    assert shown.index("First it was written") < shown.index("It holds the old value again")
