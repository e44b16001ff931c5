"""What people read of a freeze: in answers, on open cards, and on the card that asks to lift it."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot import messages
from bot.domain.freeze import SET_BY_HAND, STILL_FROZEN, Switches
from bot.domain.operation import Operation, State, Verb
from bot.domain.plan import Kind
from bot.errors import UsageError
from bot.ports import Message
from tests.builders import APPROVER, NOW, ON_CALL, a_freeze, a_plan, a_vote, an_operation
from tests.messages.reading import buttons, confirm_of, words_of

LATER = NOW + timedelta(hours=1)
FROZEN = a_freeze()


def _signed(operation: Operation, verb: Verb) -> str:
    return f"{verb}|{operation.id}"


def _lift(state: State = State.PENDING, **fields: Any) -> Operation:
    plan = replace(a_plan(kind=Kind.UNFREEZE, changes=(), findings=(), lifts=(FROZEN,)), away="all", to="all")
    return an_operation(state, **({"id": "uf-7k2m", "plan": plan, "reason": "the migration is over"} | fields))


def _card(operation: Operation, switches: Switches = Switches()) -> Message:  # noqa: B008 - a frozen value
    return messages.operation_card(operation, _signed, NOW, switches)


def test_an_answer_tells_what_is_frozen_behind_its_own_first_paragraph() -> None:
    told = messages.with_banner(messages.refusal(UsageError("Which site?")), Switches((FROZEN,)))

    assert told.text.endswith(" · FROZEN: all sites")
    assert words_of(told).splitlines()[1] == (
        f"*FROZEN*: all sites, by <@{ON_CALL}> since <!date^1793674800^{{date_short_pretty}} {{time}}"
        "|2026-11-03 03:00:00 UTC>, until two people lift it: `storage migration`"
    )


def test_an_answer_is_left_as_it_is_while_nothing_is_frozen() -> None:
    message = messages.proposed(an_operation())

    assert messages.with_banner(message, Switches()) is message


def test_an_answer_that_everybody_sees_stays_one() -> None:
    notice = messages.outcome_notice(an_operation(State.DONE))

    assert messages.with_banner(notice, Switches((FROZEN,))).in_channel


def test_an_answer_about_a_freeze_says_it_once() -> None:
    message = messages.frozen(FROZEN, "")

    assert messages.with_banner(message, Switches((FROZEN,))) is message


def test_a_first_line_that_tells_of_the_freeze_itself_tells_it_once() -> None:
    status = Message("ATTENTION: FROZEN: all sites", ())

    assert messages.with_banner(status, Switches((FROZEN,))).text == "ATTENTION: FROZEN: all sites"


def test_the_card_of_what_a_freeze_stopped_names_whoever_froze() -> None:
    stopped = "Nothing was changed. All sites are frozen by <@U02APPROVER> since 03:00 UTC: ask <@U01GUEST>."

    said = words_of(_card(an_operation(State.STALE, outcome=stopped)))
    assert "All sites are frozen by <@U02APPROVER> since 03:00 UTC: ask U01GUEST" in said


@pytest.mark.parametrize(
    ("switches", "told"),
    [
        (
            Switches((SET_BY_HAND,)),
            "*FROZEN*: all sites, set by hand in Redis. Whoever looks after Redis must remove it",
        ),
        (Switches(switch="The kill switch is on (REGISTRY_BOT_FREEZE)."), "`unfreeze` cannot"),
        (Switches(local=(FROZEN,)), "Only this bot knows: it is not in Redis."),
        (Switches(local=(a_freeze(reason="It was cut off."),)), ": `It was cut off`. Only this bot knows"),
        (
            Switches(unknown="Redis does not answer."),
            "Redis does not say what is frozen, so everything counts as frozen",
        ),
        (Switches((a_freeze(until=LATER),)), "until <!date^1793678400^"),
    ],
)
def test_each_kind_of_freeze_says_who_can_end_it(switches: Switches, told: str) -> None:
    assert told in messages.banner(switches)


def test_many_freezes_are_counted() -> None:
    sites = tuple(a_freeze(scope=f"site-{number}") for number in range(9))

    assert messages.banner(Switches(sites)).splitlines()[-1] == "and 4 more"


@pytest.mark.parametrize("scope", ["all", "zhangjiakou", "hangzhou"])
def test_an_open_card_says_before_anything_else_that_it_cannot_go_on(scope: str) -> None:
    card = _card(an_operation(), Switches((a_freeze(scope=scope),)))

    what = "all sites" if scope == "all" else scope
    assert card.text.startswith(f"FROZEN: {what} · GO: pulls of vpc-bbbbb move from zhangjiakou to hangzhou")
    assert words_of(card).startswith(f"*FROZEN*: {what}, by <@{ON_CALL}>")


def test_in_a_simulation_a_frozen_card_says_that_first() -> None:
    card = _card(an_operation(plan=a_plan(is_simulation=True)), Switches((FROZEN,)))

    assert card.text.startswith("SIMULATION · FROZEN: all sites · GO: ")


@pytest.mark.parametrize("operation", [an_operation(State.DONE), an_operation(State.REJECTED), _lift()], ids=str)
def test_a_card_that_no_freeze_stops_says_nothing_of_it(operation: Operation) -> None:
    assert "*FROZEN*" not in words_of(_card(operation, Switches((FROZEN,), local=(FROZEN,))))


def test_a_card_to_lift_a_freeze_says_that_this_process_must_not() -> None:
    assert "*FROZEN*: The kill switch is on" in words_of(_card(_lift(), Switches(switch="The kill switch is on.")))


def test_the_card_to_lift_a_freeze_says_what_is_wanted_until_when_who_froze_and_why() -> None:
    card = _card(_lift())

    assert card.text == "ASKED: lift the freeze of all sites · needs a second person before 03:15 UTC"
    said = words_of(card)
    assert f"Frozen: all sites, by <@{ON_CALL}> <!date^" in said
    assert "without an end: `storage migration`" in said
    assert f"Asked by <@{ON_CALL}>" in said
    assert "`the migration is over`" in said
    assert f"May approve: any approver but <@{ON_CALL}>" in said
    assert set(buttons(card)) == {"operation.approve", "operation.reject", "operation.cancel"}
    assert confirm_of(card) == (
        "Failovers from and to all sites can be asked for and carried out again. Frozen because: storage migration."
    )


@pytest.mark.parametrize(
    ("state", "fields", "line"),
    [
        (State.APPROVED, {}, "APPROVED: the freeze of all sites is lifted within seconds"),
        (State.DONE, {}, "UNFROZEN: all sites · failovers can be asked for, approved and written again"),
        (
            State.DONE,
            {"outcome": f"{STILL_FROZEN}hangzhou until 04:00 UTC."},
            "UNFROZEN: all sites · still frozen: hangzhou until 04:00 UTC",
        ),
        (
            State.REJECTED,
            {"votes": (a_vote(verb=Verb.REJECT),)},
            f"REJECTED: the freeze of all sites is not lifted, rejected by <@{APPROVER}>",
        ),
        (State.CANCELLED, {"votes": ()}, "CANCELLED: the freeze of all sites is not lifted"),
        (
            State.EXPIRED,
            {},
            "EXPIRED: the freeze of all sites is not lifted, nobody approved in time"
            " · ask again: /registry unfreeze all because …",
        ),
        (
            State.STALE,
            {"outcome": "Nothing was lifted. What was to be lifted ended meanwhile, or somebody froze it anew."},
            "STALE: the freeze of all sites is not lifted. What was to be lifted ended meanwhile, or somebody froze it"
            " anew · ask again: /registry unfreeze all because …",
        ),
    ],
)
def test_each_end_of_a_request_to_lift_says_whether_it_is_lifted(
    state: State, fields: dict[str, Any], line: str
) -> None:
    operation = _lift(state, **fields)

    assert _card(operation).text == line
    assert messages.outcome_notice(operation).text.startswith(line)
    assert "By hand" not in words_of(messages.show(operation, NOW))


def test_nothing_is_to_be_done_by_hand_for_a_lift() -> None:
    assert "nothing to do by hand" in messages.manual(_lift()).text


def test_a_list_and_a_receipt_name_what_is_lifted() -> None:
    assert "`uf-7k2m` *PENDING* unfreeze of all sites" in words_of(messages.actions_list((_lift(),), NOW))
    assert messages.voted(_lift(State.APPROVED), Verb.APPROVE).text == (
        "`uf-7k2m` unfreeze of all sites is approved. Its card shows what follows."
    )


@pytest.mark.parametrize(
    ("fields", "line", "words"),
    [
        ({}, "FROZEN: all sites, until two people lift it", "Nothing moves anywhere"),
        (
            {"scope": "hangzhou", "until": LATER},
            "FROZEN: hangzhou, until 04:00 UTC",
            "To lift it before that: `/registry unfreeze hangzhou because …`, and a second person's approval.",
        ),
    ],
)
def test_the_receipt_of_a_freeze_says_how_it_was_understood_and_how_it_ends(
    fields: dict[str, Any], line: str, words: str
) -> None:
    message = messages.frozen(replace(FROZEN, **fields), "")

    assert (message.text, message.in_channel) == (line, True)
    assert words in words_of(message)


def test_the_receipt_of_a_freeze_that_a_failover_may_lose_says_what_to_do_until_it_is_safe() -> None:
    message = messages.frozen(FROZEN, doubt="Only 0 of 1 Redis replicas have this.")

    assert message.text.endswith("until two people lift it · not safe yet")
    assert "others forget this if Redis fails over now. Only 0 of 1 Redis replicas have this." in words_of(message)
    assert "do not restart it" in words_of(message)
