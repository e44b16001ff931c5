"""What we say: pure functions from domain values to messages."""

from bot.messages.by_hand import manual, manual_outline, manual_steps
from bot.messages.card import draft_card, operation_card, show
from bot.messages.copy_file import copy_file
from bot.messages.copy_job import (
    COPY_BUTTON,
    DISMISS_BUTTON,
    copies_decided,
    copies_offered,
    copy_card,
    copy_outcome,
    copy_shown,
    nothing_to_copy,
    with_copies,
)
from bot.messages.direct import NOT_ME, all_frozen, disowned, homeless, own_word, perhaps_twice, retired, you_froze
from bot.messages.freeze import banner, frozen, relevant, with_banner
from bot.messages.help import CommandHelp, asker, help_text
from bot.messages.listing import actions_list
from bot.messages.losses_file import LossesFile
from bot.messages.notices import noted, outcome_notice, proposed, refusal, sighting_notice, unexpected, voted
from bot.messages.record import step_reply
from bot.messages.replication import comparing, published, replication, replications, worst_first
from bot.messages.spread import spread
from bot.messages.status import overview
from bot.messages.timeline import timeline
from bot.messages.voice import ReplicationVoice, interrupted
from bot.messages.watching import concerned, unwatched, watches, watching

__all__ = [
    "COPY_BUTTON",
    "DISMISS_BUTTON",
    "NOT_ME",
    "CommandHelp",
    "LossesFile",
    "ReplicationVoice",
    "actions_list",
    "all_frozen",
    "asker",
    "banner",
    "comparing",
    "concerned",
    "copies_decided",
    "copies_offered",
    "copy_card",
    "copy_file",
    "copy_outcome",
    "copy_shown",
    "disowned",
    "draft_card",
    "frozen",
    "help_text",
    "homeless",
    "interrupted",
    "manual",
    "manual_outline",
    "manual_steps",
    "noted",
    "nothing_to_copy",
    "operation_card",
    "outcome_notice",
    "overview",
    "own_word",
    "perhaps_twice",
    "proposed",
    "published",
    "refusal",
    "relevant",
    "replication",
    "replications",
    "retired",
    "show",
    "sighting_notice",
    "spread",
    "step_reply",
    "timeline",
    "unexpected",
    "unwatched",
    "voted",
    "watches",
    "watching",
    "with_banner",
    "with_copies",
    "worst_first",
    "you_froze",
]
