"""What the vendor answers when it refuses: gateway errors with an HTTP status, business failures inside a 200."""

from collections.abc import Mapping
from typing import Any


class Refusal(Exception):
    """A gateway or PrivateZone error: HTTP status, code, message."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        detail: dict[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.detail = status, code, message, detail
        self.headers = headers or {}


class BusinessFailure(Exception):
    """A Container Registry failure that comes as HTTP 200 with IsSuccess false."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def body(refusal: Refusal, request_id: str, host: str) -> dict[str, Any]:
    """Build the JSON body of a refusal."""
    wire = {
        "RequestId": request_id,
        "HostId": host,
        "Code": refusal.code,
        "Message": refusal.message,
        "Recommend": f"https://api.aliyun.com/troubleshoot?q={refusal.code}",
    }
    return wire | ({"AccessDeniedDetail": refusal.detail} if refusal.detail else {})
