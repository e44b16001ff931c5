"""Slack's request signature, version 0."""

import hashlib
import hmac


def signed_headers(secret: str, timestamp: int, body: str) -> dict[str, str]:
    """Return the headers that prove that a body came from Slack at this time."""
    digest = hmac.new(secret.encode(), f"v0:{timestamp}:{body}".encode(), hashlib.sha256).hexdigest()
    return {"X-Slack-Request-Timestamp": str(timestamp), "X-Slack-Signature": f"v0={digest}"}
