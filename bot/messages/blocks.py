"""The few Block Kit blocks that we use, inside Slack's limits whatever goes in.

Limits: Slack's Block Kit reference. The size of all blocks together is undocumented; posts begin to fail at about
13,000 characters of JSON, so a message that nears it gives up the end of its longest part.
"""

import json
from collections.abc import Iterable, Sequence
from typing import Any

from bot.messages.text import one_line, short, truncate
from bot.ports import Message

Block = dict[str, Any]

TEXT_LIMIT = 3000
SECTION_LIMIT = 3000
CONFIRM_LIMIT = 300
BLOCK_LIMIT = 50
TOTAL_LIMIT = 12_000
_LEAST_PART = 400
_SHORTENED = "\n_Shortened: too long for one message._"


def section(markup: str) -> Block:
    """Return a paragraph of mrkdwn; `verbatim` keeps Slack from linking names it finds in it."""
    return {"type": "section", "text": _mrkdwn(markup, SECTION_LIMIT)}


def context(*parts: str) -> Block:
    """Return small print; empty parts are left out."""
    known = [part for part in parts if part] or [""]
    return {"type": "context", "elements": [_mrkdwn(part, SECTION_LIMIT) for part in known[:10]]}


def divider() -> Block:
    """Return a line."""
    return {"type": "divider"}


def actions(*buttons: Block) -> Block:
    """Return a row of buttons."""
    return {"type": "actions", "elements": list(buttons)}


def button(label: str, action_id: str, value: str, spoken: str, style: str | None = None) -> Block:
    """Return a button; `spoken` is its label for a screen reader, where it must make sense alone."""
    pressed: Block = {
        "type": "button",
        "text": {"type": "plain_text", "text": short(label, 75)},
        "action_id": action_id,
        "value": value,
        "accessibility_label": short(one_line(spoken), 75),
    }
    return pressed if style is None else pressed | {"style": style}


def confirm(title: str, markup: str, yes: str, no: str) -> Block:
    """Return the question that a press must answer first."""
    return {
        "title": {"type": "plain_text", "text": short(one_line(title), 100)},
        "text": _mrkdwn(markup, CONFIRM_LIMIT),
        "confirm": {"type": "plain_text", "text": short(yes, 30)},
        "deny": {"type": "plain_text", "text": short(no, 30)},
    }


def compose(text: str, blocks: Iterable[Block]) -> Message:
    """Return the message, shortened where Slack would refuse it."""
    kept = list(blocks)[:BLOCK_LIMIT]
    while _size(kept) > TOTAL_LIMIT and _shorten_longest(kept):
        pass
    return Message(truncate(text, TEXT_LIMIT) or "–", tuple(kept))


def say(markup: str) -> Message:
    """Return a message of one paragraph."""
    return compose(markup, [section(markup)])


def sections(lines: Sequence[str], limit: int = SECTION_LIMIT) -> list[Block]:
    """Return paragraphs that hold whole lines, as few as will do."""
    pages: list[str] = []
    for line in lines:
        if pages and len(pages[-1]) + len(line) < limit:
            pages[-1] += f"\n{line}"
        else:
            pages.append(line)
    return [section(page) for page in pages]


def _mrkdwn(markup: str, limit: int) -> Block:
    return {"type": "mrkdwn", "text": truncate(markup, limit) or "–", "verbatim": True}


def _size(blocks: Sequence[Block]) -> int:
    return len(json.dumps(blocks, ensure_ascii=False))


def _shorten_longest(blocks: list[Block]) -> bool:
    lengths = [len(_body(block).get("text", "")) for block in blocks]
    longest = max(range(len(blocks)), key=lengths.__getitem__)
    if lengths[longest] <= _LEAST_PART + len(_SHORTENED):
        return _drop_last(blocks)
    body = _body(blocks[longest])
    kept = max(_LEAST_PART, lengths[longest] * 3 // 4)
    body["text"] = truncate(body["text"].removesuffix(_SHORTENED), kept) + _SHORTENED
    return True


def _body(block: Block) -> Block:
    """Return the text object that may be cut; buttons have none."""
    if block["type"] == "context":
        return max(block["elements"], key=lambda part: len(part["text"]))
    return block.get("text") or {}


def _drop_last(blocks: list[Block]) -> bool:
    droppable = [index for index, block in enumerate(blocks) if index and block["type"] != "actions"]
    if not droppable:
        return False
    del blocks[droppable[-1]]
    return True
