"""The words for one direction of copies, from the first to the last, whether they go to one person or to a channel."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from bot.domain.report import Assessment
from bot.errors import UsageError
from bot.messages.blocks import Block, compose, context, section
from bot.messages.losses_file import LossesFile
from bot.messages.notices import noted, refusal
from bot.messages.replication import MOST_LISTED, comparing, published, replication
from bot.messages.text import code, escape, span
from bot.ports import Message, OpenBulletin

LONGEST_QUESTION = 1_500
"""Characters, of which each may take up to five; no question that anybody types comes near."""
STOPPED = "INTERRUPTED: the bot that compared {} with {} stopped before the end"
TOO_LONG = "NOT FINISHED: comparing {} with {} takes longer than "
INVITE = "The full list needs a channel of which the bot is a member: type `/invite @registry` there and ask again."


def interrupted(bulletin: OpenBulletin) -> Message:
    """Return the last word on a message whose bot is gone, and how to be answered after all."""
    return _broken_off(STOPPED, bulletin)


def _broken_off(verdict: str, bulletin: OpenBulletin, known: Sequence[Block] = ()) -> Message:
    said = verdict.format(escape(bulletin.source), escape(bulletin.target))
    again = f"Ask again: {code(f'/registry {bulletin.question}', LONGEST_QUESTION)}"
    return compose(said, [section(f"*{said}*"), section(again), *known])


class ReplicationVoice:
    """What is said of one direction."""

    def table(self) -> LossesFile:
        """Return an empty table."""
        return LossesFile()

    def fits(self, known: Assessment) -> bool:
        """Tell whether a short answer names everything that it judges by."""
        flaws = len(known.deep.found.flaws) if known.deep else 0
        return max(known.report.judgement.judged.lost, flaws) <= MOST_LISTED

    def whole(self, known: Assessment, now: datetime) -> Message:
        """Return the answer."""
        return replication(known, now)

    def progress(self, known: Assessment, now: datetime) -> Message:
        """Return how far it is."""
        return comparing(known, now)

    def broken_off(self, known: Assessment, now: datetime, bulletin: OpenBulletin, limit: timedelta | None) -> Message:
        """Return the last word on a message that nobody follows to its end: its bot stops, or it took too long."""
        verdict = f"{TOO_LONG}{span(limit)}" if limit else STOPPED
        return _broken_off(verdict, bulletin, [context("Known by then:"), *map(dict, replication(known, now).blocks)])

    def mistaken(self, error: UsageError) -> Message:
        """Return what is wrong with the question."""
        return refusal(error)

    def pointer(self, known: Assessment, link: str | None) -> Message:
        """Return where the answer is given."""
        return published(known, link)

    def uninvited(self, known: Assessment, now: datetime) -> Message:
        """Return the answer, and how to get its list."""
        return noted(replication(known, now), INVITE)
