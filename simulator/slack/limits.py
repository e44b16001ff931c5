"""How much Slack takes: calls a minute, connections, seconds to answer, and how it counts them."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Limits:
    """Slack's figures, adjustable for a test that wants to meet one of them soon.

    Tiers are calls a minute for each method; a channel takes a message a second with a short burst on top. `scale`
    stretches every rate at once, for benchmarks that measure the bot and not Slack's patience.
    """

    tiers: dict[int, int] = field(default_factory=lambda: {1: 1, 2: 20, 3: 50, 4: 100, 5: 300})
    message_burst: int = 10
    messages_a_second: float = 1.0
    scale: float = 1.0
    fault_retry_after: int = 1
    ack_seconds: float = 3.0
    connections: int = 10
    connection_seconds: float = 4 * 3600.0
    debug_connection_seconds: float = 360.0
    warning_seconds: float = 10.0
    ticket_seconds: float = 30.0
    response_uses: int = 5
    response_seconds: float = 1800.0


@dataclass(slots=True)
class _Bucket:
    tokens: float
    filled_at: float


class RateLimiter:
    """Token buckets: one for each method, one for each channel that gets messages."""

    def __init__(self, limits: Limits, clock: Callable[[], float] = time.monotonic) -> None:
        self._limits = limits
        self._clock = clock
        self._buckets: dict[str, _Bucket] = {}

    def reset(self) -> None:
        """Fill every bucket."""
        self._buckets.clear()

    def method(self, name: str, tier: int) -> int | None:
        """Take one call of a method; return the seconds to wait when there is none left."""
        size = self._limits.tiers[tier] * self._limits.scale
        return self._take(f"method:{name}", size, size / 60)

    def message(self, channel: str) -> int | None:
        """Take one message of a channel; return the seconds to wait when there is none left."""
        size = self._limits.message_burst * self._limits.scale
        return self._take(f"channel:{channel}", size, self._limits.messages_a_second * self._limits.scale)

    def _take(self, key: str, size: float, a_second: float) -> int | None:
        now = self._clock()
        bucket = self._buckets.setdefault(key, _Bucket(size, now))
        bucket.tokens = min(size, bucket.tokens + (now - bucket.filled_at) * a_second)
        bucket.filled_at = now
        if bucket.tokens < 1:
            return max(1, math.ceil((1 - bucket.tokens) / a_second))
        bucket.tokens -= 1
        return None
