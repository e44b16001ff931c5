"""The words of a command: normalised, split, and read as a wish; never guessed."""

import re
import unicodedata
from dataclasses import dataclass

from bot.domain.topology import Route, Topology, View
from bot.errors import UnknownSite, UsageError

REASON_LIMIT = 300
"""Characters of a reason that are kept and shown."""
_DASHES = dict.fromkeys(map(ord, "‐‑‒–—―−－"), "-")
_QUOTES = dict.fromkeys(map(ord, "‘’‚‛“”„‟`'\""), None)
_INVISIBLE = {"Cf", "Cc", "Cs"}
"""Format and control characters, and halves of surrogate pairs, which no encoding can store."""
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,252}")
_OPERATION = re.compile(r"[a-z]{2}-[a-z0-9]{4,8}")
_REDACTED = (
    re.compile(r"LTAI[A-Za-z0-9]{12,30}"),
    re.compile(r"STS\.[A-Za-z0-9]{10,}"),
    re.compile(r"xox[abeoprs]-[A-Za-z0-9-]{8,}"),
    re.compile(r"xapp-[A-Za-z0-9-]{8,}"),
    re.compile(r"\b(?=\w*[A-Z])(?=\w*[a-z])(?=\w*\d)[A-Za-z0-9]{30}\b"),
)
REDACTED = "[redacted]"
SHORTEST_SECRET = 13
"""Characters of the shortest text that one of these patterns fits."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody asks a failover to do; None leaves the choice to the configuration."""

    away: str
    to: str | None = None
    route: Route | None = None
    only: str | None = None
    reason: str = ""


def normalise(text: str) -> str:
    """Undo what Slack clients do to typing; words are lower-cased, a reason after `because` keeps its case."""
    folded = unicodedata.normalize("NFKC", text).translate(_DASHES)
    command, because, reason = _split_reason(folded)
    words = " ".join(command.translate(_QUOTES).lower().split())
    return f"{words} {because} {reason}".strip()


def split(text: str) -> tuple[tuple[str, ...], str]:
    """Return a normalised command's words, and the reason after `because`."""
    command, _because, reason = _split_reason(normalise(text))
    return tuple(command.split()), clean_reason(reason)


def clean_reason(reason: str) -> str:
    """Make a typed reason safe to keep."""
    return clean_line(reason, REASON_LIMIT)


def clean_line(text: str, limit: int) -> str:
    """Make outside words safe to keep: one line, no control characters, no credentials, at most `limit` characters."""
    if not text.isprintable():  # hardly ever; printable text holds none of these
        text = "".join(c if unicodedata.category(c) not in _INVISIBLE else " " for c in text)
    line = " ".join(text.split())
    for pattern in _REDACTED if len(line) >= SHORTEST_SECRET else ():
        line = pattern.sub(REDACTED, line)
    return line if len(line) <= limit else line[: limit - 1] + "…"


def parse_wish(words: tuple[str, ...], reason: str, topology: Topology) -> Wish:
    """Read `<site> [to <site>] [via internet|internal] [only <domain|vpc>]`.

    Raises UsageError or UnknownSite.
    """
    if not words:
        raise UsageError(
            f"Which site has failed? For example: /registry failover {min(topology.sites)}. "
            f"Known sites: {', '.join(sorted(topology.sites))}."
        )
    away = topology.site(known_name(words[0], topology)).name
    options = _options(words[1:])
    to = topology.site(known_name(options["to"], topology)).name if "to" in options else None
    return Wish(away, to, _route(options.get("via")), options.get("only"), reason)


def known_name(word: str, topology: Topology) -> str:
    """Let through an ASCII name or exactly a configured alias (look-alike letters stay out)."""
    aliases = {alias for site in topology.sites.values() for alias in site.aliases}
    if word in aliases or _NAME.fullmatch(word):
        return word
    shown = "".join(c for c in word[:40] if c.isprintable())
    raise UnknownSite(f"'{shown}' is not a site name. Known sites: {', '.join(sorted(topology.sites))}.")


def parse_operation_id(words: tuple[str, ...]) -> str:
    """Read the id of an operation, such as `fo-7k2m`. Raises UsageError."""
    if len(words) != 1 or not _OPERATION.fullmatch(words[0]):
        raise UsageError("Name one operation by its id, such as fo-7k2m. `/registry actions` lists them.")
    return words[0]


def select_views(views: tuple[View, ...], only: str | None) -> tuple[View, ...]:
    """Narrow views down to a domain or a VPC. Raises UsageError when nothing is left."""
    if only is None:
        return views
    chosen = tuple(view for view in views if only == view.domain or only in view.vpcs)
    if not chosen:
        known = sorted({word for view in views for word in (view.domain, *view.vpcs)})
        raise UsageError(f"'only {only[:40]}' names no view of this site. It has: {', '.join(known)}.")
    return chosen


def _split_reason(text: str) -> tuple[str, str, str]:
    found = re.search(r"(?:^|\s)(because)(?:\s|$)", text, flags=re.IGNORECASE)
    if found is None:
        return text, "", ""
    return text[: found.start()], "because", text[found.end() :].strip()


def _options(words: tuple[str, ...]) -> dict[str, str]:
    options: dict[str, str] = {}
    rest = list(words)
    while rest:
        key = rest.pop(0)
        if key not in ("to", "via", "only"):
            raise UsageError(
                f"'{key[:40]}' is not understood. After the site come: to <site>, via <route>, only <vpc>."
            )
        if key in options:
            raise UsageError(f"'{key}' is given twice. Give it once.")
        if not rest:
            raise UsageError(f"'{key}' wants a word after it.")
        options[key] = rest.pop(0)
    return options


def _route(word: str | None) -> Route | None:
    if word is None:
        return None
    if word not in tuple(Route):
        raise UsageError(f"'via {word[:40]}' is not a route. Routes: internet (CNAME), internal (A record).")
    return Route(word)
