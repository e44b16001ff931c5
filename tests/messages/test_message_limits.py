"""Whatever goes in, Slack takes what comes out, and nobody is pinged by outside words."""

import json
import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from bot import messages
from bot.domain.concern import Concern, Lookout
from bot.domain.draft import Draft
from bot.domain.freeze import Freeze, Switches
from bot.domain.operation import Operation, Step, Verb
from bot.domain.overview import Overview
from bot.domain.report import Assessment
from bot.domain.spread import Spread
from bot.errors import BotError, NotPermitted
from bot.messages.text import escape
from bot.ports import Message, OpenBulletin
from simulator.slack.blockkit import check_blocks
from tests import builders as make
from tests.messages import hostile

NOW = make.NOW + timedelta(seconds=100)
MOST = 12_000
LONGEST_TEXT = 4000
hard = settings(
    max_examples=25, deadline=None, suppress_health_check=list(HealthCheck), phases=(Phase.explicit, Phase.generate)
)


def signed(operation: Operation, verb: Verb) -> str:
    return f"{verb}|{operation.plan.digest}|{'a' * 64}"


def assert_slack_takes(message: Message) -> None:
    blocks = [dict(block) for block in message.blocks]
    assert check_blocks(blocks) == blocks
    assert len(json.dumps(blocks, ensure_ascii=False)) <= MOST
    assert 0 < len(message.text) <= LONGEST_TEXT
    for markup in (message.text, *markups(blocks)):
        assert_inert(markup)


def markups(value: Any) -> list[str]:
    if isinstance(value, Mapping):
        own = [value["text"]] if value.get("type") == "mrkdwn" else []
        return own + [markup for part in value.values() for markup in markups(part)]
    return [markup for part in value for markup in markups(part)] if isinstance(value, list) else []


def assert_inert(markup: str) -> None:
    allowed = r"<@[UW][A-Z0-9]+>|<#C[A-Z0-9]+>|<!date\^\d+\^[^|<>]+\|[^|<>]+>"
    left = re.sub(allowed, "", markup)
    assert "<" not in left
    assert ">" not in left
    assert not re.search(r"&(?!amp;|lt;|gt;)", left)
    assert markup.count("```") % 2 == 0
    assert markup.replace("```", "").count("`") % 2 == 0


@hard
@given(hostile.operations(), hostile.SWITCHES)
def test_slack_takes_every_card(operation: Operation, switches: Switches) -> None:
    assert_slack_takes(messages.operation_card(operation, signed, NOW))
    assert_slack_takes(messages.operation_card(operation, signed, NOW, switches))


@hard
@given(hostile.SWITCHES, hostile.FREEZES, hostile.TEXT)
def test_slack_takes_every_answer_with_what_is_frozen(switches: Switches, freeze: Freeze, text: str) -> None:
    assert_slack_takes(messages.frozen(freeze, text))
    assert_slack_takes(messages.with_banner(messages.refusal(BotError(text)), switches))
    assert_slack_takes(messages.with_banner(messages.frozen(freeze, text), switches))


@hard
@given(hostile.operations())
def test_slack_takes_everything_else_about_an_operation(operation: Operation) -> None:
    assert_slack_takes(messages.show(operation, NOW))
    assert_slack_takes(messages.manual(operation))
    assert_slack_takes(messages.outcome_notice(operation))
    for seen in operation.sightings[:2]:
        assert_slack_takes(messages.sighting_notice(operation, seen))
    assert_slack_takes(messages.proposed(operation))
    assert_slack_takes(messages.voted(operation, Verb.APPROVE))
    assert_slack_takes(messages.actions_list((operation,) * 60, NOW))


@hard
@given(hostile.TEXT)
def test_slack_takes_every_step(text: str) -> None:
    assert_slack_takes(messages.step_reply(make.an_operation(), Step(NOW, text)))


@hard
@given(hostile.DRAFTS)
def test_slack_takes_every_draft(draft: Draft) -> None:
    assert_slack_takes(messages.draft_card(draft, NOW))


@hard
@given(hostile.OVERVIEWS)
def test_slack_takes_every_overview(overview: Overview) -> None:
    assert_slack_takes(messages.overview(overview, NOW))


@hard
@given(hostile.ASSESSMENTS)
def test_slack_takes_every_replication(known: Assessment) -> None:
    assert_slack_takes(messages.replication(known, NOW))
    assert_slack_takes(messages.replications([known, known, known], NOW))
    assert_slack_takes(messages.comparing(known, NOW))
    assert_slack_takes(
        messages.ReplicationVoice().broken_off(known, NOW, OpenBulletin("C01OPS", "1.1", "", "", "", NOW), None)
    )


@hard
@given(hostile.TEXT)
def test_slack_takes_every_end_of_an_answer_whose_bot_is_gone(text: str) -> None:
    assert_slack_takes(messages.interrupted(OpenBulletin("C01OPS", "1.1", text, text, text, NOW)))


@hard
@given(hostile.SPREADS)
def test_slack_takes_every_difference(spread: Spread) -> None:
    assert_slack_takes(messages.spread(spread, NOW))


@hard
@given(st.sets(hostile.CONCERNS, min_size=1, max_size=30), hostile.TEXT)
def test_slack_takes_every_concern(concerns: set[Concern], text: str) -> None:
    every = sorted(concerns)
    lookout = Lookout(dict.fromkeys(every, text))
    limit = timedelta(minutes=15)
    assert_slack_takes(messages.concerned(text, lookout, every, every, every, limit))
    assert_slack_takes(messages.concerned(text, lookout, (), every, (), limit))
    assert_slack_takes(messages.watching(text, limit, is_new=True))
    assert_slack_takes(messages.watches([text] * 20))


@hard
@given(hostile.TEXT, hostile.TEXT)
def test_slack_takes_every_refusal_and_every_help(first: str, second: str) -> None:
    commands = [messages.CommandHelp(first, second, second)] * 40
    assert_slack_takes(messages.refusal(NotPermitted(first, second)))
    assert_slack_takes(messages.refusal(BotError(first)))
    assert_slack_takes(messages.unexpected(first))
    assert_slack_takes(messages.help_text(commands, first))


@given(st.text())
def test_escaped_words_hold_neither_markup_nor_line_breaks(text: str) -> None:
    escaped = escape(text)

    assert_inert(escaped.replace("`", ""))
    assert "\n" not in escaped
