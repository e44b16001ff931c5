"""What we say: pure functions from domain values to messages."""

from bot.messages.by_hand import manual, manual_outline, manual_steps
from bot.messages.card import draft_card, operation_card, show
from bot.messages.copies import replication, replications
from bot.messages.help import CommandHelp, asker, help_text
from bot.messages.listing import actions_list
from bot.messages.notices import outcome_notice, proposed, refusal, unexpected, voted
from bot.messages.record import step_reply
from bot.messages.status import overview

__all__ = [
    "CommandHelp",
    "actions_list",
    "asker",
    "draft_card",
    "help_text",
    "manual",
    "manual_outline",
    "manual_steps",
    "operation_card",
    "outcome_notice",
    "overview",
    "proposed",
    "refusal",
    "replication",
    "replications",
    "show",
    "step_reply",
    "unexpected",
    "voted",
]
