"""What is said of pulls of a target's images: what came whole first, then what did not, and what was not looked at."""

from dataclasses import replace

from bot.domain.pulling import DeepReport, Findings, Flaw, Trouble
from bot.messages.pulls import broken, looking, pull_lines
from tests.builders import NOW
from tests.domain.stocks import TARGET, a_side

SOUND = DeepReport(a_side(TARGET), NOW, "hz.example.com", Findings(tags=4, sound=4, layers=9), 2, 2, is_final=True)


def _flaw(tag: str, trouble: Trouble = Trouble.NO_LAYER) -> Flaw:
    return Flaw("core/api", tag, trouble, "sha256:abc", "abc", NOW, NOW)


def test_sound_images_take_one_line_that_names_what_was_asked() -> None:
    assert broken(SOUND) == ""
    assert pull_lines(SOUND, NOW) == [
        "*Pulls from hangzhou*: 4 of 4 tags sound; 9 layers looked at, asked of `hz.example.com`, just now"
    ]


def test_broken_images_come_before_the_verdict_and_are_named() -> None:
    found = Findings(tags=4, sound=3, flawed=1, layers=9, flaws=(_flaw("1"),))
    known = replace(SOUND, found=found)

    assert broken(known) == "BROKEN: 1 tag of hangzhou cannot be pulled whole. "
    assert "3 of 4 tags sound, 1 broken;" in pull_lines(known, NOW)[0]
    assert pull_lines(known, NOW)[1] == "• `core/api:1` lacks a layer: sha256:abc"


def test_of_many_broken_images_the_first_are_named_and_the_others_counted() -> None:
    flaws = tuple(_flaw(str(number)) for number in range(12))
    lines = pull_lines(replace(SOUND, found=Findings(tags=12, flawed=12, flaws=flaws)), NOW)

    assert len(lines) == 12
    assert lines[-1] == "and 2 more"


def test_pulls_at_which_nothing_looked_have_no_counts() -> None:
    known = DeepReport(a_side(TARGET), NOW).ended("What hangzhou holds has not been read yet.")

    assert pull_lines(known, NOW) == [
        "*Pulls from hangzhou*: not looked at. What hangzhou holds has not been read yet."
    ]


def test_a_look_that_was_broken_off_says_how_far_it_came() -> None:
    known = replace(SOUND, done=1, total=2, never_listed=1).ended("hz.example.com did not answer within 5 s.")

    assert pull_lines(known, NOW)[1:] == [
        "Broken off after 1 of 2: hz.example.com did not answer within 5 s.",
        "1 repository could not be looked at: nobody knows their tags.",
    ]


def test_progress_names_the_broken_ones_found_so_far() -> None:
    assert looking(replace(SOUND, done=1), NOW).text == "PULLING from hangzhou: 1 of 2 repositories"
    known = replace(SOUND, done=1, found=Findings(tags=2, flawed=1, flaws=(_flaw("1"),)))
    assert looking(known, NOW).text == "PULLING from hangzhou: 1 of 2 repositories, 1 broken tag so far"
