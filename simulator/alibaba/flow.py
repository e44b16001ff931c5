"""Flow control: how often an account may make each call, and what the vendor answers whoever makes it more often."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from simulator.alibaba.errors import Refusal

EVERY_CALL = "*"
FAULT_QPS = 5.0
FAULT_HINT_MS = 1_000
CODES = ("Throttling.User", "Throttling.Api", "Throttling")
HINT = "x-acs-retry-after"


@dataclass(frozen=True, slots=True)
class Limit:
    """So many calls a second; whoever is refused is told to wait `retry_after_ms`, or nothing where that is 0."""

    qps: float
    retry_after_ms: int = 0
    code: str = CODES[0]

    def __post_init__(self) -> None:
        if self.qps <= 0 or self.retry_after_ms < 0 or self.code not in CODES:
            raise ValueError(f"A limit is a qps above 0, a retry_after_ms from 0 on and a code of {', '.join(CODES)}.")


@dataclass(slots=True)
class _Bucket:
    tokens: float
    at: float


@dataclass(slots=True)
class Flow:
    """Count calls in buckets that hold one second's worth: one for each host, account and call."""

    limits: dict[str, Limit] = field(default_factory=dict)
    clock: Callable[[], float] = time.monotonic
    _buckets: dict[tuple[str, str, str], _Bucket] = field(default_factory=dict)
    _refused: int = 0

    def take(self, host: str, account: str, action: str, *, is_fault: bool) -> None:
        """Let a call pass, or refuse it."""
        limit = self.limits.get(action) or self.limits.get(EVERY_CALL)
        if is_fault and (limit is None or limit.qps > FAULT_QPS):
            hint = FAULT_HINT_MS if self._refused % 2 else 0  # both forms of the answer are met
            limit = Limit(FAULT_QPS, hint)
        if limit is not None and not self._passes((host, account, action), limit.qps):
            self._refused += 1
            raise throttled(limit.code, limit.retry_after_ms)

    def forget(self) -> None:
        self.limits.clear()
        self._buckets.clear()

    def _passes(self, key: tuple[str, str, str], qps: float) -> bool:
        now, most = self.clock(), max(1.0, qps)
        bucket = self._buckets.setdefault(key, _Bucket(most, now))
        bucket.tokens = min(most, bucket.tokens + (now - bucket.at) * qps)
        bucket.at = now
        if bucket.tokens < 1:
            return False
        bucket.tokens -= 1
        return True


def throttled(code: str = CODES[0], retry_after_ms: int = 0) -> Refusal:
    """Build the answer to a call too many."""
    headers = {HINT: str(retry_after_ms)} if retry_after_ms else {}
    return Refusal(400, code, "Request was denied due to user flow control.", headers=headers)
