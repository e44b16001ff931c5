"""Reads messages as a person does: their words, their buttons, the question before a press."""

from typing import Any

from bot.ports import Message


def words_of(message: Message) -> str:
    """Return all words of the blocks, a part a line."""
    return "\n".join(part for block in message.blocks for part in _parts(dict(block)))


def buttons(message: Message) -> dict[str, tuple[str, str | None, str]]:
    """Return each button's label, style and value by its action id."""
    return {b["action_id"]: (b["text"]["text"], b.get("style"), b["value"]) for b in _buttons(message)}


def confirm_of(message: Message) -> str:
    """Return the question that Approve asks."""
    return next(str(b["confirm"]["text"]["text"]) for b in _buttons(message) if b["action_id"] == "operation.approve")


def _buttons(message: Message) -> list[dict[str, Any]]:
    return [element for block in message.blocks if block["type"] == "actions" for element in block["elements"]]


def _parts(block: dict[str, Any]) -> list[str]:
    if block["type"] == "context":
        return [element["text"] for element in block["elements"]]
    return [block["text"]["text"]] if "text" in block else []
