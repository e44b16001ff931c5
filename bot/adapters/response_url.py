"""Answers to one command or click by the URL that came with it: no scope, no membership, five uses in 30 minutes."""

from datetime import timedelta
from urllib.parse import urlsplit

import aiohttp

from bot.errors import Refused, Throttled, Unreachable
from bot.ports import Message

SLACKS_HOST = "hooks.slack.com"
ANSWER_WITHIN = timedelta(seconds=5)


class ResponseUrls:
    """Posts to response_urls, but only to Slack's: the URL comes from outside and could name any host."""

    def __init__(self, session: aiohttp.ClientSession, *, api_url: str, proxy: str | None = None) -> None:
        api = urlsplit(api_url)
        self._session = session
        self._proxy = proxy
        self._allowed = {("https", SLACKS_HOST), (api.scheme, api.netloc)}

    async def answer(self, url: str, message: Message) -> None:
        """Show `message` as a new one, beside the one that was clicked.

        Raises Unreachable, Throttled or Refused.
        """
        parts = urlsplit(url)
        if (parts.scheme, parts.netloc) not in self._allowed:
            raise Refused("The response_url does not belong to Slack.", code="foreign_response_url")
        status, words = await self._post(url, message)
        if status == 429:
            raise Throttled("Slack asks for a pause before more answers.", code="ratelimited")
        if status >= 500:
            raise Unreachable(f"Slack's response_url gave HTTP {status}.")
        if status != 200:
            raise Refused(f"Slack refused the answer: {words or f'HTTP {status}'}.", code=words or None)

    async def _post(self, url: str, message: Message) -> tuple[int, str]:
        body = {
            "text": message.text,
            "blocks": list(message.blocks),
            "response_type": "in_channel" if message.in_channel else "ephemeral",
            "replace_original": False,
        }
        limit = aiohttp.ClientTimeout(total=ANSWER_WITHIN.total_seconds())
        try:
            async with self._session.post(
                url, json=body, proxy=self._proxy, timeout=limit, allow_redirects=False
            ) as answer:
                return answer.status, (await answer.text(errors="replace"))[:80].strip()
        except TimeoutError:
            raise Unreachable("Slack did not take the answer in time.") from None
        except (aiohttp.ClientError, OSError) as error:
            raise Unreachable(f"Slack's response_url cannot be reached ({type(error).__name__}).") from None
