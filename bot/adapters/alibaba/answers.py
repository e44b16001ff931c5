"""What an answer of the vendor, or the lack of one, means: HTTP status first, then the vendor's code."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.adapters.alibaba.permissions import needed_for
from bot.errors import OutcomeUnknown, ProviderError, Refused, Throttled, Unreachable

Body = dict[str, Any]
MESSAGE_LIMIT = 200
_SUCCESS = {"success", "ok", "200"}
_BUSY = ("Throttling", "System.Busy")
FORBIDDEN = ("Forbidden", "NoPermission", "NoPrivilege", "AUTHENTICATION_FAILED")
_STALE_TOKEN = "InvalidSecurityToken"  # noqa: S105


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked of whom; `region` is None for PrivateZone, which has one host for all."""

    product: str
    action: str
    region: str | None
    query: Mapping[str, str]
    is_write: bool

    def __str__(self) -> str:
        return f"{self.product} ({self.action})"


class Slowed(Throttled):
    """Throttled, with the wait in seconds that the vendor asks for, where it does."""

    def __init__(self, sentence: str, *, code: str | None, request_id: str | None, retry_after: float | None) -> None:
        super().__init__(sentence, code=code, request_id=request_id)
        self.retry_after = retry_after


def read_answer(asked: Asked, status: int, raw: bytes, retry_after: str | None) -> Body:
    """Return the body of a good answer.

    Raises Throttled, Refused, Unreachable or, for a write that may be in force, OutcomeUnknown.
    """
    body = _parse(raw)
    code = _text(body, "Code")
    if status == 429 or (status >= 400 and code.startswith(_BUSY)):
        raise _slowed(asked, body, retry_after)
    if status >= 500 or body is None:
        raise unclear(asked, f"answered with HTTP status {status}{f' ({code})' if code else ''}", body)
    if status >= 400 and code:
        raise refusal(asked, code, body, status)
    if not 200 <= status < 300:
        raise unclear(asked, f"answered with HTTP status {status} and no reason", body)
    return body


def require_success(asked: Asked, body: Body) -> None:
    """Check what Container Registry says inside a 200: business failures come that way."""
    code = _text(body, "Code")
    if "IsSuccess" not in body:
        raise unclear(asked, "gave an answer that does not say whether it succeeded", body)
    if str(body["IsSuccess"]).lower() == "true" and code.lower() in {"", *_SUCCESS}:
        return
    if code.startswith(_BUSY):
        raise _slowed(asked, body, None)
    raise refusal(asked, code or "no code", body, 200)


def unclear(asked: Asked, what: str, body: Body | None = None) -> ProviderError:
    """Return the error for a call without a usable answer; `what` completes "it …"."""
    code, request_id = _text(body, "Code") or None, _text(body, "RequestId") or None
    if asked.is_write:
        return OutcomeUnknown(
            f"{asked} {what}, so this write may or may not be in force. Read the record before anything else.",
            code=code,
            request_id=request_id,
        )
    return Unreachable(f"{asked} {what}. Ask again in a moment.", code=code, request_id=request_id)


def unsent(asked: Asked, what: str) -> ProviderError:
    """Return the error for a call that never left, because no connection came about."""
    if asked.is_write:
        return Refused(f"{asked} {what}, so nothing was sent and nothing was changed. Check the network and try again.")
    return Unreachable(f"{asked} {what}. Check the network between the bot and Alibaba Cloud.")


def refusal(asked: Asked, code: str, body: Body, status: int) -> Refused:
    """Return the error for a clear no, with what to do about it."""
    request_id = _text(body, "RequestId") or None
    advice = _advice(asked, code, _text(body, "Message"), status)
    return Refused(f"{asked} refused ({code}): {advice}", code=code, request_id=request_id)


def is_stale_token(error: ProviderError) -> bool:
    """Tell whether temporary credentials ran out between caching and use."""
    return (error.code or "").startswith(_STALE_TOKEN)


def _slowed(asked: Asked, body: Body | None, retry_after: str | None) -> Slowed:
    return Slowed(
        f"{asked} asks the bot to slow down. Nothing was changed; try again in a minute.",
        code=_text(body, "Code") or None,
        request_id=_text(body, "RequestId") or None,
        retry_after=_seconds(retry_after),
    )


def _seconds(retry_after: str | None) -> float | None:
    """Read x-acs-retry-after: the SDK takes it as milliseconds, and nothing published says otherwise."""
    return int(retry_after) / 1000 if retry_after and retry_after.isdigit() else None


def _advice(asked: Asked, code: str, message: str, status: int) -> str:
    """Say what to do. Vendor text is shown for business codes only: signature errors quote signed headers."""
    if code.startswith(FORBIDDEN):
        action, resource = needed_for(asked.action, asked.region, asked.query)
        return f"the bot's identity lacks the RAM action {action} on {resource}. Grant it, then try again."
    identity = next((advice for prefix, advice in _IDENTITY.items() if code.startswith(prefix)), None)
    return identity or _BUSINESS.get(code) or _quoted(message, status)


_CLOCK = "the bot's clock is more than 15 minutes off. Correct the clock of its machine (NTP), then try again."
_SECRET = "the access key's secret does not fit. Check ALIBABA_CLOUD_ACCESS_KEY_SECRET."  # noqa: S105
_IDENTITY = {
    "InvalidAccessKeyId": "it does not know the bot's access key, or the key is inactive. Check the key or role that "
    "the bot runs with.",
    "SignatureDoesNotMatch": _SECRET,
    "IncompleteSignature": _SECRET,
    "SignatureNonceUsed": "it took the request for a repeat. Try again.",
    "IllegalTimestamp": _CLOCK,
    "InvalidTimeStamp": _CLOCK,
    _STALE_TOKEN: "the bot's temporary credentials have run out. They are being renewed; try again in a minute.",
}
_BUSINESS = {
    "INSTANCE_NOT_EXIST": "no such instance in this region and account. Check instance, region and account of the site "
    "in registry.yaml.",
    "INSTANCE_STATUS_NOT_SUPPORT": "the instance is not RUNNING. Look at it in the console.",
    "Zone.NotExists": "the zone is gone. Look at it in the PrivateZone console, then correct registry.yaml.",
    "Zone.Invalid.Id": "no such zone. Check the zone id in registry.yaml.",
    "Zone.Invalid.UserId": "the zone belongs to another account. Check the zone id in registry.yaml.",
    "Record.Invalid.Conflict": "another record at the same name stands in the way, or the record already holds this "
    "value. Look at the zone, then plan again.",
}


def _quoted(message: str, status: int) -> str:
    line = " ".join(message.split())[:MESSAGE_LIMIT]
    return line or f"it gave no reason (HTTP status {status})."


def _parse(raw: bytes) -> Body | None:
    try:
        body = json.loads(raw)
    except ValueError:
        return None
    return body if isinstance(body, dict) else None


def _text(body: Body | None, key: str) -> str:
    value = (body or {}).get(key)
    return "" if value is None else str(value)
