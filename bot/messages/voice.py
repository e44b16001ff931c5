"""The words for one direction of copies, from the first to the last, whether they go to one person or to a channel."""

from datetime import datetime

from bot.domain.report import Assessment
from bot.messages.blocks import compose, section
from bot.messages.losses_file import LossesFile
from bot.messages.notices import noted
from bot.messages.replication import MOST_LISTED, comparing, published, replication
from bot.messages.text import code, escape
from bot.ports import Message, OpenBulletin

LONGEST_QUESTION = 1_500
"""Characters, of which each may take up to five; no question that anybody types comes near."""
INVITE = "The full list needs a channel of which the bot is a member: type `/invite @registry` there and ask again."


def interrupted(bulletin: OpenBulletin, so_far: Message | None = None) -> Message:
    """Return the last word on a message that nobody follows to its end, how to be answered after all, and so far."""
    ends = f"{escape(bulletin.source)} with {escape(bulletin.target)}"
    said = f"INTERRUPTED: the bot that compared {ends} stopped before the end"
    again = f"Ask again: {code(f'/registry {bulletin.question}', LONGEST_QUESTION)}"
    return compose(said, [section(f"*{said}*"), section(again), *map(dict, so_far.blocks if so_far else ())])


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

    def interrupted(self, known: Assessment, now: datetime, bulletin: OpenBulletin) -> Message:
        """Return the last word on a message that nobody follows to its end."""
        return interrupted(bulletin, replication(known, now))

    def pointer(self, known: Assessment, link: str | None) -> Message:
        """Return where the answer is given."""
        return published(known, link)

    def uninvited(self, known: Assessment, now: datetime) -> Message:
        """Return the answer, and how to get its list."""
        return noted(replication(known, now), INVITE)
