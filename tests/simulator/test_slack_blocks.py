"""Block Kit's limits, each from both sides."""

from collections.abc import Callable
from typing import Any

import pytest

from simulator.slack.blockkit import check_blocks
from simulator.slack.refusals import Refusal

Block = dict[str, Any]


def plain(length: int) -> Block:
    return {"type": "plain_text", "text": "x" * length}


def mrkdwn(length: int) -> Block:
    return {"type": "mrkdwn", "text": "x" * length}


def button(**more: Any) -> Block:
    return {"type": "button", "text": plain(5), **more}


def actions(*elements: Block) -> list[Block]:
    return [{"type": "actions", "elements": list(elements)}]


def confirm(**more: Any) -> list[Block]:
    asked = {"title": plain(5), "text": mrkdwn(5), "confirm": plain(5), "deny": plain(5), **more}
    return actions(button(confirm=asked))


def table(rows: int, columns: int) -> list[Block]:
    return [{"type": "table", "rows": [[{"type": "raw_text", "text": "x"}] * columns for _ in range(rows)]}]


def options(count: int) -> list[Block]:
    return [{"text": plain(5), "value": str(number)} for number in range(count)]


LIMITS: list[tuple[str, int, Callable[[int], list[Block]]]] = [
    ("blocks of a message", 50, lambda n: [{"type": "divider"}] * n),
    ("a header", 150, lambda n: [{"type": "header", "text": plain(n)}]),
    ("a section", 3000, lambda n: [{"type": "section", "text": mrkdwn(n)}]),
    ("fields of a section", 10, lambda n: [{"type": "section", "fields": [mrkdwn(5)] * n}]),
    ("a field", 2000, lambda n: [{"type": "section", "fields": [mrkdwn(n)]}]),
    ("elements of a context", 10, lambda n: [{"type": "context", "elements": [mrkdwn(5)] * n}]),
    ("elements of actions", 25, lambda n: actions(*[button(action_id=f"a{i}") for i in range(n)])),
    ("a block_id", 255, lambda n: [{"type": "divider", "block_id": "b" * n}]),
    ("an action_id", 255, lambda n: actions(button(action_id="a" * n))),
    ("a button's text", 75, lambda n: actions({"type": "button", "text": plain(n)})),
    ("a button's value", 2000, lambda n: actions(button(value="v" * n))),
    ("a button's url", 3000, lambda n: actions(button(url="https://x/".ljust(n, "u")))),
    ("a button's accessibility label", 75, lambda n: actions(button(accessibility_label="l" * n))),
    ("a confirm's title", 100, lambda n: confirm(title=plain(n))),
    ("a confirm's text", 300, lambda n: confirm(text=mrkdwn(n))),
    ("a confirm's yes", 30, lambda n: confirm(confirm=plain(n))),
    ("a confirm's no", 30, lambda n: confirm(deny=plain(n))),
    ("rows of a table", 100, lambda n: table(n, 1)),
    ("cells of a row", 20, lambda n: table(1, n)),
    ("options of a select", 100, lambda n: actions({"type": "static_select", "options": options(n)})),
    ("options of an overflow", 5, lambda n: actions({"type": "overflow", "options": options(n)})),
    ("options of checkboxes", 10, lambda n: actions({"type": "checkboxes", "options": options(n)})),
    ("options of radio buttons", 10, lambda n: actions({"type": "radio_buttons", "options": options(n)})),
    ("alternative text", 2000, lambda n: [{"type": "image", "image_url": "https://x/y", "alt_text": "a" * n}]),
    ("markdown", 12_000, lambda n: [{"type": "markdown", "text": "x" * n}]),
]

EMPTY = [
    [{"type": "header", "text": plain(0)}],
    [{"type": "section", "text": mrkdwn(0)}],
    [{"type": "section", "fields": []}],
    [{"type": "context", "elements": []}],
    actions(),
    actions({"type": "button", "text": plain(0)}),
    confirm(title=plain(0)),
    [{"type": "table", "rows": [[{"type": "raw_text", "text": ""}]]}],
]

WRONG: list[tuple[list[Any], str]] = [
    ([{"type": "header", "text": mrkdwn(5)}], "unsupported type: mrkdwn [json-pointer:/blocks/0/text/type]"),
    (actions({"type": "button", "text": mrkdwn(5)}), "unsupported type: mrkdwn"),
    (confirm(title=mrkdwn(5)), "unsupported type: mrkdwn"),
    (confirm(confirm=mrkdwn(5)), "unsupported type: mrkdwn"),
    (actions(button(style="default")), "must be one of: primary, danger [json-pointer:/blocks/0/elements/0/style]"),
    (actions(button(url="javascript:alert(1)")), "must be a valid URL"),
    (actions(button(colour="red")), "invalid additional property: colour [json-pointer:/blocks/0/elements/0]"),
    (actions({"type": "button"}), "missing required field: text"),
    (actions(button(confirm={"title": plain(5)})), "missing required field: confirm"),
    (actions({"type": "image", "alt_text": "x"}), "unsupported type: image"),
    ([{"type": "section"}], "missing required field: text or fields [json-pointer:/blocks/0]"),
    ([{"type": "hologram"}], "unsupported type: hologram [json-pointer:/blocks/0/type]"),
    ([{"text": plain(5)}], "missing required field: type"),
    (["divider"], "must be an object [json-pointer:/blocks/0]"),
    ([{"type": "divider", "block_id": "a"}] * 2, "block_id 'a' already exists [json-pointer:/blocks/1/block_id]"),
    (actions(button(action_id="a"), button(action_id="a")), "action_id 'a' already exists"),
    (table(1, 1) * 2, "only_one_table_allowed [json-pointer:/blocks/1]"),
]


@pytest.mark.parametrize(("what", "most", "build"), LIMITS, ids=[what for what, _, _ in LIMITS])
def test_a_limit_holds_exactly(what: str, most: int, build: Callable[[int], list[Block]]) -> None:
    assert check_blocks(build(most))
    with pytest.raises(Refusal) as refused:
        check_blocks(build(most + 1))

    assert refused.value.code == "invalid_blocks"


@pytest.mark.parametrize("blocks", EMPTY)
def test_nothing_may_be_empty(blocks: list[Block]) -> None:
    with pytest.raises(Refusal) as refused:
        check_blocks(blocks)

    assert refused.value.code == "invalid_blocks"


@pytest.mark.parametrize(("blocks", "sentence"), WRONG)
def test_a_mistake_is_named_with_its_place(blocks: list[Any], sentence: str) -> None:
    with pytest.raises(Refusal) as refused:
        check_blocks(blocks)

    messages = refused.value.answer()["response_metadata"]["messages"]
    assert any(message.startswith("[ERROR] ") and sentence in message for message in messages)


def test_the_same_action_id_may_stand_in_two_blocks() -> None:
    assert check_blocks(actions(button(action_id="a")) + actions(button(action_id="a")))


def test_all_blocks_together_stay_below_thirteen_thousand_characters() -> None:
    section = {"type": "section", "text": mrkdwn(2900)}

    assert check_blocks([section] * 4)
    with pytest.raises(Refusal) as refused:
        check_blocks([section] * 5)
    assert refused.value.code == "msg_blocks_too_long"


def test_a_card_with_everything_is_taken() -> None:
    cell = {
        "type": "rich_text",
        "elements": [{"type": "rich_text_section", "elements": [{"type": "text", "text": "x"}]}],
    }
    blocks = [
        {"type": "header", "text": plain(20)},
        {"type": "section", "text": mrkdwn(20), "accessory": button(action_id="more")},
        {"type": "section", "fields": [mrkdwn(5), plain(5)]},
        {"type": "table", "rows": [[cell]], "column_settings": [{"align": "right", "is_wrapped": True}]},
        {"type": "divider"},
        *actions(button(action_id="a", style="primary", value="v"), button(action_id="b", style="danger")),
        {"type": "context", "elements": [mrkdwn(5), plain(5)]},
    ]

    assert check_blocks(blocks) == blocks
