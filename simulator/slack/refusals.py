"""The two ways in which Slack says no: to an app by an error code, to a person by a sentence."""

from typing import Any


class Refusal(Exception):
    """An error answer of the Web API: `ok` false, a code, and what else Slack puts beside it."""

    def __init__(self, code: str, **details: Any) -> None:
        super().__init__(code)
        self.code = code
        self.details = details

    def answer(self) -> dict[str, Any]:
        """Return the body that Slack sends."""
        return {"ok": False, "error": self.code, **self.details}


class NotPossible(ValueError):
    """Something that Slack's own client would not let this person do."""


def invalid_arguments(*problems: str) -> Refusal:
    """Build the answer for arguments that are missing or malformed."""
    return Refusal("invalid_arguments", response_metadata={"messages": [f"[ERROR] {problem}" for problem in problems]})
