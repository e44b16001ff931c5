"""The blocks of a message, each with its limits, and the rules that span several of them."""

import json
from collections.abc import Iterator
from typing import Any

from simulator.slack.blockkit.elements import (
    ACCESSORY,
    ACTION_ELEMENT,
    IMAGE,
    INPUT_ELEMENT,
    any_text,
    plain_text,
)
from simulator.slack.blockkit.schema import (
    Check,
    anything,
    boolean,
    by_type,
    items,
    one_of,
    shape,
    string,
    url,
    wrong,
)
from simulator.slack.refusals import Refusal

MOST_BLOCKS = 50
LONGEST_MESSAGE = 13_000  # undocumented; Slack's refusals begin a little above it, counted over the JSON
LONGEST_MARKDOWN = 12_000
BLOCK_ID = {"block_id": string(255)}

CONTEXT_ELEMENT = by_type(
    {
        "image": IMAGE,
        "mrkdwn": shape({"text": string(3000)}, {"verbatim": boolean}),
        "plain_text": shape({"text": string(3000)}, {"emoji": boolean}),
    }
)
RICH_INLINE = by_type(
    dict.fromkeys(("text", "link", "emoji", "user", "usergroup", "channel", "broadcast", "date", "color"), anything)
)
RICH_SECTION = shape({"elements": items(RICH_INLINE, 10_000, 0)}, {"border": anything})
RICH_LIST = shape(
    {"elements": items(by_type({"rich_text_section": RICH_SECTION}), 10_000), "style": one_of("bullet", "ordered")},
    {"indent": anything, "offset": anything, "border": anything},
)
RICH_PART = by_type(
    {
        "rich_text_section": RICH_SECTION,
        "rich_text_quote": RICH_SECTION,
        "rich_text_preformatted": shape({"elements": items(RICH_INLINE, 10_000, 0)}, {"border": anything}),
        "rich_text_list": RICH_LIST,
    }
)
RICH_TEXT = shape({"elements": items(RICH_PART, 10_000, 0)}, BLOCK_ID)
CELL = by_type({"raw_text": shape({"text": string(10_000)}), "rich_text": RICH_TEXT})
COLUMN = shape({}, {"align": one_of("left", "center", "right"), "is_wrapped": boolean})

SECTION = shape(
    {},
    {
        **BLOCK_ID,
        "text": any_text(3000),
        "fields": items(any_text(2000), 10),
        "accessory": ACCESSORY,
        "expand": boolean,
    },
)


def _section(value: Any, pointer: str) -> Iterator[str]:
    yield from SECTION(value, pointer)
    if "text" not in value and "fields" not in value:
        yield wrong("missing required field: text or fields", pointer)


BLOCK = by_type(
    {
        "header": shape({"text": plain_text(150)}, BLOCK_ID),
        "section": _section,
        "divider": shape({}, BLOCK_ID),
        "context": shape({"elements": items(CONTEXT_ELEMENT, 10)}, BLOCK_ID),
        "actions": shape({"elements": items(ACTION_ELEMENT, 25)}, BLOCK_ID),
        "image": shape(
            {"alt_text": string(2000)},
            {**BLOCK_ID, "image_url": url(3000), "slack_file": anything, "title": plain_text(2000)},
        ),
        "input": shape(
            {"label": plain_text(2000), "element": INPUT_ELEMENT},
            {**BLOCK_ID, "hint": plain_text(2000), "optional": boolean, "dispatch_action": boolean},
        ),
        "rich_text": RICH_TEXT,
        "markdown": shape({"text": string(LONGEST_MARKDOWN)}, BLOCK_ID),
        "table": shape(
            {"rows": items(items(CELL, 20), 100)},
            {**BLOCK_ID, "column_settings": items(COLUMN, 20)},
        ),
    }
)
BLOCKS: Check = items(BLOCK, MOST_BLOCKS, 0)


def check_blocks(blocks: Any) -> list[dict[str, Any]]:
    """Return the blocks of a message when Slack would take them, else raise its refusal."""
    if not isinstance(blocks, list):
        raise Refusal("invalid_blocks_format")
    problems = list(BLOCKS(blocks, "/blocks")) or list(_across(blocks))
    if problems:
        messages = {"messages": [f"[ERROR] {problem}" for problem in problems]}
        raise Refusal("invalid_blocks", errors=problems, response_metadata=messages)
    if len(json.dumps(blocks, ensure_ascii=False, separators=(",", ":"))) > LONGEST_MESSAGE:
        raise Refusal("msg_blocks_too_long")
    return blocks


def _across(blocks: list[dict[str, Any]]) -> Iterator[str]:
    yield from _repeated(blocks, "block_id", "/blocks")
    for index, block in enumerate(blocks):
        elements = block.get("elements", [])
        yield from _repeated(elements, "action_id", f"/blocks/{index}/elements")
    tables = [index for index, block in enumerate(blocks) if block["type"] == "table"]
    yield from (wrong("only_one_table_allowed", f"/blocks/{index}") for index in tables[1:])
    if sum(len(block["text"]) for block in blocks if block["type"] == "markdown") > LONGEST_MARKDOWN:
        yield wrong(f"markdown must be less than {LONGEST_MARKDOWN + 1} characters in all", "/blocks")


def _repeated(things: list[dict[str, Any]], name: str, pointer: str) -> Iterator[str]:
    seen: set[str] = set()
    for index, thing in enumerate(things):
        identifier = thing.get(name)
        if identifier is not None and identifier in seen:
            yield wrong(f"{name} {identifier!r} already exists", f"{pointer}/{index}/{name}")
        seen.add(identifier or "")
