"""Short answers, help, manual steps, and words made safe."""

from datetime import timedelta

import pytest

from bot import messages
from bot.domain.access import Role
from bot.domain.operation import State, Step, Verb
from bot.domain.topology import Route
from bot.errors import BotError, NotMovable, NotPermitted, RecordHeld, Refused, StoreUnavailable, UnknownSite
from bot.messages import CommandHelp
from bot.messages.text import ago, listed, naming, span, truncate
from tests import builders as make
from tests.messages.reading import words_of


def test_a_refusal_is_the_sentence_with_its_code() -> None:
    refused = NotPermitted("E_SELF_APPROVAL", "You asked for this change. Another person must approve it.")

    assert messages.refusal(refused).text == (
        "You asked for this change. Another person must approve it. `E_SELF_APPROVAL`"
    )


@pytest.mark.parametrize(
    ("error", "shown"),
    [
        (UnknownSite("No site is called 'x'."), "No site is called 'x'. `E_BAD_TARGET`"),
        (NotMovable("Its zone is another one (E_ZONE_MISMATCH)."), "Its zone is another one. `E_ZONE_MISMATCH`"),
        (
            StoreUnavailable("Nothing\nwas recorded (E_STORE_FULL).", code="E_STORE_FULL"),
            "Nothing was recorded. `E_STORE_FULL`",
        ),
        (Refused("Slack says no.", code="not_in_channel"), "Slack says no. `E_VENDOR_REFUSED`"),
        (RecordHeld(7), "on hold for 7 more seconds. Approve again after that. `E_ON_HOLD`"),
    ],
)
def test_every_refusal_is_one_line_with_its_stable_code_at_the_end(error: BotError, shown: str) -> None:
    assert messages.refusal(error).text.endswith(shown)
    assert "\n" not in messages.refusal(error).text


def test_every_kind_of_error_has_a_code_of_its_own_words() -> None:
    kinds = [BotError]
    for kind in kinds:
        kinds += kind.__subclasses__()

    assert all(kind.code and kind.code.startswith("E_") for kind in kinds)


def test_a_refusal_pings_no_channel() -> None:
    assert "<!channel>" not in messages.refusal(UnknownSite("No site is called '<!channel>'.")).text


def test_an_outcome_names_everybody_who_was_asked_and_where_the_steps_are() -> None:
    message = messages.outcome_notice(make.an_operation(State.FAILED))

    assert f"<@{make.ON_CALL}> <@{make.APPROVER}>" in words_of(message)
    assert "/registry show fo-7k2m manual" in words_of(message)
    assert message.text.startswith("FAILED: nothing was changed.")


def test_an_outcome_is_shown_to_the_whole_channel_and_a_step_is_not() -> None:
    operation = make.an_operation(State.DONE)

    assert messages.outcome_notice(operation).in_channel
    assert not messages.step_reply(operation, Step(make.NOW, "Record 1 of 1 written.")).in_channel


def test_a_good_outcome_needs_no_steps() -> None:
    assert "manual" not in words_of(messages.outcome_notice(make.an_operation(State.DONE)))


def test_a_step_says_when() -> None:
    message = messages.step_reply(make.an_operation(), Step(make.NOW, "Record 1 of 1 written."))

    assert message.text == "03:00 UTC Record 1 of 1 written."


def test_a_proposal_says_where_its_card_is() -> None:
    message = messages.proposed(make.an_operation(), "https://example.org/p1")

    assert "<https://example.org/p1|the card> in <#C01OPS>" in words_of(message)


def test_an_approval_that_is_not_enough_says_so() -> None:
    assert "needs one more person" in messages.voted(make.an_operation(), Verb.APPROVE).text
    assert "is approved. Its card" in messages.voted(make.an_operation(State.APPROVED), Verb.APPROVE).text


def test_an_unexpected_error_gives_a_reference() -> None:
    assert "reference 1a2b3c4d" in messages.unexpected("1a2b3c4d").text


def test_help_lists_usages_and_ends_with_who_the_asker_is() -> None:
    commands = [
        CommandHelp("status", "status [site]", "Show which instance each site pulls from."),
        CommandHelp("failover", "failover <site>", "Ask for a failover.", Role.REQUESTER),
    ]
    said = words_of(messages.help_text(commands, messages.asker("U01LIN", None)))

    assert "`/registry failover &lt;site&gt;`\nAsk for a failover. _Requesters._" in said
    assert said.endswith("You are U01LIN: not in the people list, so you may look but not ask or approve.")


def test_a_list_of_commands_keeps_to_what_must_be_typed_and_one_command_shows_all_its_words() -> None:
    command = CommandHelp("show", "show <id> [manual]", "Show one operation.")

    assert "`/registry show &lt;id&gt;` …" in words_of(messages.help_text([command, command], ""))
    assert "`/registry show &lt;id&gt; [manual]`" in words_of(messages.help_text([command], ""))


def test_the_asker_hears_name_and_roles() -> None:
    assert messages.asker("U01APPROVER", make.a_person()) == "You are U01APPROVER: approver, approver."


def test_manual_steps_name_console_look_set_and_restore() -> None:
    steps = "\n".join(messages.manual_steps([make.a_change()]))

    assert "the zone with id zone-b (others share its name) > record @ (id record-b)." in steps
    assert "aliyun pvtz DescribeZoneRecords --ZoneId zone-b --Keyword @ --SearchMode EXACT" in steps
    assert (
        "aliyun pvtz UpdateZoneRecord --RecordId record-b --Rr @ --Type CNAME "
        "--Value sim-a-registry.cn-hangzhou.cr.aliyuncs.com --Ttl 60 --Line default"
    ) in steps
    assert "Restore A 10.2.0.20, TTL 60 s:" in steps


def test_manual_steps_send_back_weight_and_priority_where_the_record_has_them() -> None:
    existing = make.a_record(weight=5, priority=1)
    steps = "\n".join(messages.manual_steps([make.a_change(existing=existing)]))

    assert "--Line default --Weight 5 --Priority 1" in steps


def test_manual_steps_quote_what_a_shell_would_read() -> None:
    change = make.a_change(desired=make.a_record(value="x; rm -rf /"))

    assert "--Value 'x; rm -rf /'" in "\n".join(messages.manual_steps([change]))


@pytest.mark.parametrize(
    ("route", "call"), [(Route.INTERNET, "GetInstanceEndpoint"), (Route.INTERNAL, "GetInstanceVpcEndpoint")]
)
def test_the_outline_finds_out_every_value_first(route: Route, call: str) -> None:
    steps = "\n".join(messages.manual_outline(make.a_site(), make.a_site("hangzhou"), route))

    assert "DescribeZones --Keyword cross-region.registry.io --SearchMode EXACT --QueryVpcId vpc-bbbbb" in steps
    assert f"aliyun cr {call} --region cn-hangzhou --InstanceId cri-aaaaa" in steps


@pytest.mark.parametrize(
    ("seconds", "said"), [(0, "0 s"), (80, "1 min 20 s"), (3600, "1 h"), (90061, "1 d 1 h"), (-5, "0 s")]
)
def test_a_span_is_said_in_its_two_largest_units(seconds: int, said: str) -> None:
    assert span(timedelta(seconds=seconds)) == said


def test_something_of_this_second_is_just_now() -> None:
    assert ago(make.NOW, make.NOW) == "just now"


@pytest.mark.parametrize(
    ("markup", "limit", "cut"),
    [
        ("a &amp; b and more", 9, "a …"),
        ("`code that is long`", 12, "`code th…`"),
        ("see <@U01APPROVER> now", 14, "see …"),
        ("short", 5, "short"),
    ],
)
def test_truncation_leaves_no_half_markup(markup: str, limit: int, cut: str) -> None:
    assert truncate(markup, limit) == cut


def test_a_list_counts_what_it_leaves_out() -> None:
    assert listed(["a", "b", "b", "c"], 2) == "a, b and 1 more"


def test_only_known_people_are_named() -> None:
    assert naming("&lt;@U1&gt; and &lt;@U2&gt;", {"U1"}) == "<@U1> and U2"
