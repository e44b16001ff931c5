"""The arguments of one Web API call, from a query, a form or a JSON body, as Slack reads them."""

import json
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from simulator.slack.refusals import Refusal, invalid_arguments

FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")


class Arguments:
    """Named arguments; what is missing or malformed is refused in Slack's words."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self.values = {name: value for name, value in values.items() if value is not None}

    def text(self, name: str) -> str:
        """Return an argument that must be there."""
        value = self.optional(name)
        if not value:
            raise invalid_arguments(f"missing required field: {name}")
        return value

    def optional(self, name: str) -> str | None:
        """Return an argument as text, or None when it was left out."""
        value = self.values.get(name)
        if isinstance(value, dict | list):
            raise invalid_arguments(f"must be a string [json-pointer:/{name}]")
        return None if value is None else str(value)

    def flag(self, name: str) -> bool:
        """Return a boolean, which forms spell in several ways."""
        return str(self.values.get(name, "")).lower() in ("true", "1")

    def integer(self, name: str, default: int) -> int:
        """Return a whole number."""
        value = self.values.get(name, default)
        if isinstance(value, bool) or not str(value).lstrip("-").isdigit():
            raise invalid_arguments(f"must be an integer [json-pointer:/{name}]")
        return int(value)

    def structure(self, name: str, refusal: str) -> Any:
        """Return a JSON argument: nested in a JSON body, a string of JSON in a form."""
        value = self.values.get(name)
        if not isinstance(value, str):
            return value
        try:
            return json.loads(value)
        except ValueError as error:
            raise Refusal(refusal) from error


async def read_arguments(request: web.Request, takes_json: bool) -> Arguments:
    """Read a request's arguments; a method that takes forms only does not look into a JSON body."""
    values: dict[str, Any] = dict(request.query)
    if request.method != "POST" or not request.body_exists:
        return Arguments(values)
    if request.content_type in FORMS:
        return Arguments(values | dict(await request.post()))
    if request.content_type != "application/json":
        raise Refusal("invalid_post_type")
    return Arguments(values | await _json_body(request) if takes_json else values)


async def _json_body(request: web.Request) -> dict[str, Any]:
    try:
        body = json.loads(await request.text())
    except ValueError as error:
        raise Refusal("invalid_json") from error
    if not isinstance(body, dict):
        raise Refusal("json_not_object")
    return {name: value for name, value in body.items() if name != "token"}
