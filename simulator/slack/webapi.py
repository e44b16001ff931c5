"""The front desk of the Web API: method, rate, token, scope, and only then the call itself."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from simulator.slack.arguments import Arguments, read_arguments
from simulator.slack.calls import Call, Method, Site
from simulator.slack.methods import METHODS
from simulator.slack.model import Json
from simulator.slack.refusals import Refusal


@dataclass(frozen=True, slots=True)
class Seen:
    """One call as it was made and answered, for tests that ask what the app did."""

    method: str
    arguments: dict[str, Any] = field(repr=False)
    answer: Json = field(repr=False)


class TooMany(Exception):
    """Slack's 429: come back after so many seconds."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"rate limited for {retry_after} s")
        self.retry_after = retry_after


class WebApi:
    """Answers `/api/<method>`; `throttled` tells whether the fault that answers 429 to everything is on.

    `refusing` names methods that refuse with a code for now: workspace rules that this workspace does not have, such
    as restricted_action or edit_window_closed, or internal_error.
    """

    def __init__(self, site: Site, throttled: Callable[[], bool]) -> None:
        self._site = site
        self._throttled = throttled
        self.seen: deque[Seen] = deque(maxlen=5000)
        self.refusing: dict[str, str] = {}

    async def handle(self, request: web.Request) -> web.Response:
        """Answer one HTTP request as Slack does: 200 with `ok`, or 429."""
        name = request.match_info["method"]
        try:
            return await self._answer(name, request)
        except TooMany as error:
            return _too_many(error.retry_after)

    async def _answer(self, name: str, request: web.Request) -> web.Response:
        arguments = Arguments({})
        try:
            method = _method(name)
            arguments = await read_arguments(request, method.takes_json)
            answer = {"ok": True, **self._call(method, request, arguments)}
        except Refusal as refusal:
            answer = refusal.answer()
        except TooMany:
            self._remember(name, arguments, {"ok": False, "error": "ratelimited"})
            raise
        self._remember(name, arguments, answer)
        return web.json_response(answer, headers=self._scope_headers(name))

    def _remember(self, name: str, arguments: Arguments, answer: Json) -> None:
        told = {key: value for key, value in arguments.values.items() if key != "token"}
        self.seen.append(Seen(name, told, answer))

    def _call(self, method: Method, request: web.Request, arguments: Arguments) -> Json:
        self._check_token(method, _token(request, arguments))
        self._check_rate(method, arguments)
        call = Call(arguments, self._site)
        if method.scopes:
            call.require_scope(*method.scopes)
        if method.name in self.refusing:
            raise Refusal(self.refusing[method.name])
        return method.handler(call)

    def _check_rate(self, method: Method, arguments: Arguments) -> None:
        if self._throttled():
            raise TooMany(self._site.limits.fault_retry_after)
        wait = self._site.limiter.method(method.name, method.tier)
        if wait is None and method.name == "chat.postMessage":
            wait = self._site.limiter.message(str(arguments.values.get("channel")))
        if wait is not None:
            raise TooMany(wait)

    def _check_token(self, method: Method, token: str) -> None:
        installation = self._site.installation
        if method.caller == "anyone":
            return
        if not token:
            raise Refusal("not_authed")
        kinds = {installation.bot_token: "bot", installation.app_token: "app"}
        if token not in kinds:
            raise Refusal("invalid_auth")
        if not installation.active:
            raise Refusal("account_inactive")
        if kinds[token] != method.caller and method.name != "auth.test":
            raise Refusal("not_allowed_token_type")

    def _scope_headers(self, name: str) -> dict[str, str]:
        granted = ",".join(sorted(self._site.installation.manifest.scopes))
        accepted = ",".join(METHODS[name].scopes) if name in METHODS else ""
        return {"X-OAuth-Scopes": granted, "X-Accepted-OAuth-Scopes": accepted}


def _method(name: str) -> Method:
    method = METHODS.get(name)
    if method is None:
        raise Refusal("unknown_method", req_method=name)
    return method


def _token(request: web.Request, arguments: Arguments) -> str:
    header = request.headers.get("Authorization", "")
    return header.removeprefix("Bearer ").strip() or str(arguments.values.get("token", ""))


def _too_many(retry_after: int) -> web.Response:
    return web.json_response(
        {"ok": False, "error": "ratelimited"}, status=429, headers={"Retry-After": str(retry_after)}
    )
