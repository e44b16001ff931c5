"""Words as Slack takes them: escaped, shortened, and times that everybody reads in their own zone."""

import re
import unicodedata
from collections.abc import Callable, Collection, Iterable
from datetime import UTC, datetime, timedelta

from bot.domain.snapshot import Unknown

When = Callable[[datetime], str]
"""How a time is written: `clock` for a lock screen, `stamp` inside a message."""

_USER_ID = re.compile(r"[UW][A-Z0-9]{1,30}")
_ESCAPED_MENTION = re.compile(r"&lt;@([UW][A-Z0-9]{1,30})&gt;")
_HALF_MARKUP = re.compile(r"(?:&[a-z]{0,4}|<[^<>]*)$")
_FENCE = "```"
_PRIME = "'"


def one_line(text: str) -> str:
    """Drop control and invisible characters and fold white space."""
    if not text.isprintable():  # most text is, and looking at each character takes far longer than asking that
        text = "".join(" " if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp") else c for c in text)
    return " ".join(text.split())


def short(text: str, limit: int) -> str:
    """Cut plain text down to `limit` characters."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def escape(text: str) -> str:
    """Make outside words inert: one line, no pings and no links (they need an angle bracket), no code spans."""
    return _unbracketed(one_line(text).replace("`", _PRIME))


def code(text: str, limit: int = 256) -> str:
    """Show a name or a typed word exactly: in a code span Slack reads neither formatting nor emoji."""
    return f"`{escape(short(one_line(text), limit)) or '–'}`"


def fenced(text: str) -> str:
    """Show a command to copy."""
    return f"{_FENCE}{escape(text)}{_FENCE}"


def truncate(markup: str, limit: int) -> str:
    """Cut mrkdwn down to `limit` characters without leaving half an entity, half a mention or an open code span."""
    if len(markup) <= limit:
        return markup
    cut = _HALF_MARKUP.sub("", markup[: limit - 4]).rstrip("`")
    if cut.count(_FENCE) % 2:
        return f"{cut}…{_FENCE}"
    return f"{cut}…`" if cut.count("`") % 2 else f"{cut}…"


def stamp(at: datetime) -> str:
    """Write a time that Slack shows in the reader's own zone, in UTC where it cannot."""
    return _dated(at, "{date_short_pretty} {time_secs}")


def soon(at: datetime) -> str:
    """Write a time to come to the minute: nobody waits for a second."""
    return _dated(at, "{date_short_pretty} {time}")


def moment(at: datetime) -> str:
    """Write the time alone, where the day has just been said."""
    return _dated(at, "{time_secs}")


def _dated(at: datetime, shape: str) -> str:
    fallback = at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    return f"<!date^{int(at.timestamp())}^{shape}|{fallback}>"


def clock(at: datetime) -> str:
    """Write a time of day in UTC, for a line that is read outside Slack."""
    return at.astimezone(UTC).strftime("%H:%M UTC")


def span(length: timedelta) -> str:
    """Say how long something took, in its two largest units."""
    minutes, seconds = divmod(max(0, int(length.total_seconds())), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    counts = ((days, "d"), (hours, "h"), (minutes, "min"), (seconds, "s"))
    return " ".join([f"{count} {unit}" for count, unit in counts if count][:2]) or "0 s"


def ago(at: datetime, now: datetime) -> str:
    """Say how old something is."""
    return "just now" if now - at < timedelta(seconds=2) else f"{span(now - at)} ago"


def mention(user_id: str) -> str:
    """Name a person so that Slack shows their name; anything that is no user id is shown as it is."""
    return f"<@{user_id}>" if _USER_ID.fullmatch(user_id) else code(user_id, 40)


def naming(markup: str, people: Collection[str] | None = None) -> str:
    """Turn escaped mentions of these people (of anybody, where none are given) back into names."""

    def name(found: re.Match[str]) -> str:
        return f"<@{found[1]}>" if people is None or found[1] in people else found[1]

    return _ESCAPED_MENTION.sub(name, markup)


def channel(channel_id: str) -> str:
    """Name a channel so that Slack links it."""
    return f"<#{channel_id}>" if re.fullmatch(r"[CGD][A-Z0-9]{1,30}", channel_id) else code(channel_id, 40)


def plural(count: int, noun: str, many: str = "") -> str:
    """Count a noun; `many` is its plural where an s does not make it."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {many or f'{noun}s'}"


def listed(words: Iterable[str], most: int = 10) -> str:
    """Join words, counting those beyond `most`."""
    known = tuple(dict.fromkeys(words))
    rest = f" and {len(known) - most:,} more" if len(known) > most else ""
    return ", ".join(known[:most]) + rest


def unknown(part: Unknown) -> str:
    """Say that something is not known, and why."""
    return f"*UNKNOWN*: {sentence(part.reason, 300)}"


def sentence(text: str, limit: int = 400) -> str:
    """Escape a sentence that may show names in code spans, and end it with a full stop."""
    line = short(one_line(text), limit).rstrip()
    if _FENCE in line or line.count("`") % 2:
        line = line.replace("`", _PRIME)
    ended = line if line.endswith((".", "!", "?", "…")) or not line else f"{line}."
    return _unbracketed(ended)


def _unbracketed(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
