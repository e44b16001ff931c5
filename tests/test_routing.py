"""Words and buttons find their handler, and what finds none is told what there is."""

import pytest

from bot.domain.access import Act, Role
from bot.errors import UsageError
from bot.ports import Message, Ports
from bot.routing import Call, Command, Router
from handlers import all_handlers


async def _say_nothing(call: Call, ports: Ports) -> Message | None:
    """Say nothing.

    And more lines that are no help.
    """
    return None


def _router(*verbs: str, role: Role = Role.VIEWER) -> Router:
    router = Router()
    for verb in verbs:
        router.subcommand(verb, usage=verb, role=role)(_say_nothing)
    return router


def test_a_declaration_is_its_own_help() -> None:
    (command,) = _router("status").commands

    assert (command.help.verb, command.help.usage, command.help.summary) == ("status", "status", "Say nothing.")


@pytest.mark.parametrize("word", ["sta", "stat", "status"])
def test_a_reading_verb_may_be_shortened_to_three_letters(word: str) -> None:
    assert _router("status", "show").command(word).verb == "status"


@pytest.mark.parametrize("word", ["st", "s", "", "statusx"])
def test_less_than_three_letters_or_more_than_the_word_is_not_a_verb(word: str) -> None:
    with pytest.raises(UsageError):
        _router("status").command(word)


@pytest.mark.parametrize("verb", ["approve", "reject", "cancel", "failover"])
def test_a_verb_that_changes_something_is_never_completed(verb: str) -> None:
    with pytest.raises(UsageError, match=rf"Did you mean {verb}\?"):
        all_handlers().command(verb[:-1])


def test_a_beginning_of_two_verbs_is_neither() -> None:
    with pytest.raises(UsageError, match="Did you mean status or statement"):
        _router("status", "statement").command("stat")


def test_a_typo_gets_candidates_and_the_list() -> None:
    with pytest.raises(UsageError) as refused:
        all_handlers().command("stauts")

    assert "Did you mean status?" in str(refused.value)
    assert str(refused.value).endswith(
        "help, status, replication, diff, sync, watch, unwatch, plan, failover, approve, reject, cancel, freeze, "
        "unfreeze, actions, show."
    )


def test_a_hostile_word_is_shown_short_and_without_control_characters() -> None:
    with pytest.raises(UsageError) as refused:
        _router("status").command("\x00\x1b[31m" + "x" * 500)

    assert "\x00" not in str(refused.value)
    assert len(str(refused.value)) < 150


def test_two_handlers_cannot_own_one_verb() -> None:
    with pytest.raises(ValueError, match="Two handlers want the verb 'status'"):
        _router("status", "status")


def test_two_handlers_cannot_own_one_button() -> None:
    router = Router()
    router.button("operation.approve")(_say_nothing)

    with pytest.raises(ValueError, match="Two handlers want the button"):
        router.button("operation.approve")(_say_nothing)


def test_a_button_of_another_release_is_explained() -> None:
    with pytest.raises(UsageError, match="another version"):
        all_handlers().handler_of_button("operation.undo")


def test_the_buttons_of_a_card_all_have_a_handler() -> None:
    decisions = {"operation.approve", "operation.reject", "operation.cancel"}

    assert set(all_handlers().buttons) == {*decisions, "operation.not_me", "copies.start", "copies.dismiss"}


@pytest.mark.parametrize(
    ("role", "act"), [(Role.VIEWER, Act.READ), (Role.REQUESTER, Act.REQUEST), (Role.APPROVER, Act.READ)]
)
def test_asking_needs_a_requester_at_the_door_and_votes_are_judged_where_they_count(role: Role, act: Act) -> None:
    (command,) = _router("verb", role=role).commands

    assert command.act is act


def test_only_help_works_in_every_channel() -> None:
    assert [command.verb for command in all_handlers().commands if command.anywhere] == ["help"]


def test_freezing_and_asking_to_lift_take_any_role_but_viewer() -> None:
    assert {command.act for command in all_handlers().commands if "freeze" in command.verb} == {Act.FREEZE}


def _declared(verb: str) -> Command:
    return all_handlers().command(verb)


def test_whatever_asks_the_cloud_says_so_when_it_is_slow() -> None:
    assert all(_declared(verb).slow for verb in ("status", "replication", "plan", "failover"))


def test_a_vote_is_decided_before_it_is_acknowledged() -> None:
    assert not any(_declared(verb).slow for verb in ("approve", "reject", "cancel"))
