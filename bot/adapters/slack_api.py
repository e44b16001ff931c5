"""Slack's Web API: one shared session, a time limit on every call, and errors in our words.

The SDK's own retries stay off: its default repeats a post after a broken connection and so shows it twice. A method
that Slack throttled is not called again before the time that Slack named; callers get Throttled at once instead of
waiting in line.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from typing import Any

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from yarl import URL

from bot.errors import ProviderError, Refused, Throttled, Unanswered, Unreachable
from bot.library_logs import discreet_logger
from bot.ports import Clock

DEFAULT_RETRY_AFTER = 30.0
LONGEST_PAUSE = 45.0
"""Slack names pauses of up to half a minute; what names more is something in between, such as a gateway in an outage,
and obeying it for hours would keep everything from people long after the outage."""
_SLACKS_FAULT = {"internal_error", "fatal_error", "service_unavailable", "request_timeout", "team_added_to_org"}
_ADMIT = "If a proxy or an allow-list stands between, let it admit files.slack.com."
_INVITE = "Type /invite @registry in that channel."
_TOKEN = "Check the token that this bot runs with, and that the app is still installed."  # noqa: S105
_WHAT_TO_DO = {
    "not_in_channel": _INVITE,
    "channel_not_found": f"It does not exist, or is private and without the bot. {_INVITE}",
    "is_archived": "That channel is archived. Name another one in registry.yaml.",
    "invalid_auth": _TOKEN,
    "not_authed": _TOKEN,
    "token_revoked": _TOKEN,
    "token_expired": _TOKEN,
    "account_inactive": _TOKEN,
    "not_allowed_token_type": _TOKEN,
    "user_not_found": "This workspace has no such person.",
    "user_not_visible": "This workspace has no such person.",
}


@dataclass(frozen=True, slots=True)
class BotUser:
    """Who this bot is to Slack, as auth.test says."""

    team_id: str
    user_id: str
    bot_id: str


class SlackApi:
    """The Web API as one token sees it."""

    def __init__(
        self, session: aiohttp.ClientSession, clock: Clock, *, token: str, base_url: str, proxy: str | None = None
    ) -> None:
        self._clock = clock
        self._quiet_until: dict[str, float] = {}
        self._session = session
        self._base_url = URL(base_url)
        self._client = AsyncWebClient(
            token=token,
            base_url=base_url,
            session=session,
            retry_handlers=[],
            logger=discreet_logger("registry-bot.slack"),
        )
        # the SDK fills an absent proxy from HTTPS_PROXY, and goes through it even for loopback
        self._client.proxy = proxy

    async def read(self, method: str, within: timedelta, **query: str | int) -> Mapping[str, Any]:
        """Call a method that changes nothing. Raises Unreachable, Throttled or Refused."""
        return await self._call(method, within, http_verb="GET", params=query)

    async def write(self, method: str, within: timedelta, **body: object) -> Mapping[str, Any]:
        """Call a method with a JSON body. Raises Unreachable (Unanswered if sent), Throttled or Refused."""
        return await self._call(method, within, http_verb="POST", json=body)

    async def upload(self, url: str, within: timedelta, content: bytes) -> None:
        """Send a file's bytes to the address that Slack gave for them: another host, which never sees the token.

        Raises Unreachable (Unanswered if sent) or Refused.
        """
        if URL(url).scheme != self._base_url.scheme:  # what others could read is not sent because an answer says so
            raise Refused("Slack named an address for the upload that is not encrypted. Nothing was sent.")
        try:
            async with (
                asyncio.timeout(within.total_seconds()),
                self._session.post(url, data=content, proxy=self._client.proxy, allow_redirects=False) as answer,
            ):
                status = answer.status
        except TimeoutError:
            raise Unanswered(f"Slack did not take the file within {within.total_seconds():g} s.") from None
        except (aiohttp.ClientError, OSError) as error:
            raise Unreachable(f"Slack's host for files cannot be reached ({type(error).__name__}). {_ADMIT}") from None
        if status != HTTPStatus.OK:
            raise Refused(f"Slack's host for files answered with HTTP status {status}. {_ADMIT}")

    async def who_am_i(self) -> BotUser:
        """Ask Slack whose token this is."""
        said = await self.write("auth.test", timedelta(seconds=5))
        return BotUser(str(said["team_id"]), str(said.get("user_id") or ""), str(said.get("bot_id") or ""))

    async def _call(self, method: str, within: timedelta, **arguments: Any) -> Mapping[str, Any]:
        self._require_turn(method)
        try:
            async with asyncio.timeout(within.total_seconds()):
                answer = await self._client.api_call(method, **arguments)
        except SlackApiError as error:
            raise self._explained(method, error) from None  # its response carries the token
        except TimeoutError:
            raise Unanswered(f"Slack did not answer {method} within {within.total_seconds():g} s.") from None
        except aiohttp.ClientConnectorError as error:  # nothing was sent
            raise Unreachable(f"Slack cannot be reached for {method} ({type(error).__name__}).") from None
        except (aiohttp.ClientError, OSError) as error:
            raise Unanswered(f"Slack cannot be reached for {method} ({type(error).__name__}).") from None
        except (ValueError, AttributeError, TypeError):
            # the SDK trips over answers that are not JSON objects, such as a proxy's page
            raise Unanswered(f"Slack's answer to {method} is not readable.") from None
        if not isinstance(answer.data, dict):
            raise Unanswered(f"Slack's answer to {method} is not readable.")
        return answer.data

    def _require_turn(self, method: str) -> None:
        left = self._quiet_until.get(method, 0.0) - self._clock.monotonic()
        if left > 0:
            raise Throttled(
                f"Slack asked for a pause of {method}: {left:.0f} s to go.", code="ratelimited", retry_after=left
            )

    def _explained(self, method: str, error: SlackApiError) -> ProviderError:
        response = error.response
        status: int = getattr(response, "status_code", 0) or getattr(response, "status", 0)
        said = getattr(response, "data", None)
        data: Mapping[str, Any] = said if isinstance(said, dict) else {}
        headers: Mapping[str, str] = getattr(response, "headers", None) or {}
        code = str(data.get("error") or "")
        request_id = headers.get("x-slack-req-id")
        if status == 429 or code in ("ratelimited", "rate_limited"):
            return self._throttled(method, headers, request_id)
        if status >= 500 or not code or code in _SLACKS_FAULT:
            sentence = f"Slack is in trouble: {method} gave {code or f'HTTP {status}'}."
            kind = Unreachable if status == HTTPStatus.SERVICE_UNAVAILABLE else Unanswered
            return kind(sentence, code=code or None, request_id=request_id)
        return Refused(_refusal(method, code, data), code=code, request_id=request_id)

    def _throttled(self, method: str, headers: Mapping[str, str], request_id: str | None) -> Throttled:
        wish = headers.get("Retry-After", "")
        pause = float(wish) if wish.isascii() and wish.isdigit() and len(wish) < 6 else DEFAULT_RETRY_AFTER
        pause = min(pause, LONGEST_PAUSE)
        self._quiet_until[method] = self._clock.monotonic() + pause
        return Throttled(
            f"Slack asks for a pause of {pause:g} s before more {method}.",
            code="ratelimited",
            request_id=request_id,
            retry_after=pause,
        )


def _refusal(method: str, code: str, data: Mapping[str, Any]) -> str:
    if code == "missing_scope":
        needed = data.get("needed") or "a scope"
        return (
            f"Slack refused {method}: the app lacks {needed}. Add it as manifest.yml has it and install the app again."
        )
    advice = _WHAT_TO_DO.get(code, "")
    return f"Slack refused {method}: {code}. {advice}".strip()
