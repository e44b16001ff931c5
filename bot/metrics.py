"""What is counted, for Prometheus; no label ever holds an id of a person, a channel or an operation."""

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest

ACK_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 1.3, 1.5, 2.0, 2.5, 3.0)
"""Seconds; the fine steps end at our own budget and at Slack's limit."""


class Metrics:
    """One process's numbers, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.deliveries = Counter(
            "registry_bot_deliveries",
            "Payloads that Slack delivered, by kind and by how they were answered.",
            ("kind", "outcome"),
            registry=self.registry,
        )
        self.acks = Histogram(
            "registry_bot_ack_seconds",
            "Time from a payload's arrival to its acknowledgement.",
            ("kind",),
            registry=self.registry,
            buckets=ACK_BUCKETS,
        )
        self.refused_requests = Counter(
            "registry_bot_refused_requests",
            "HTTP requests that were turned away before anybody read their body.",
            ("reason",),
            registry=self.registry,
        )
        self.worker_failures = Counter(
            "registry_bot_worker_failures",
            "Turns of the worker's loops that failed, by code; the log tells the first, and then how many.",
            ("code",),
            registry=self.registry,
        )
        self.alarms = Counter(
            "registry_bot_alarms",
            "What somebody should look into, by kind; the log has a line for each.",
            ("kind",),
            registry=self.registry,
        )

    def worker_failed(self, code: str) -> None:
        """Count one turn of a loop that failed."""
        self.worker_failures.labels(code).inc()

    def exposition(self) -> bytes:
        """Return everything in Prometheus' text format."""
        return generate_latest(self.registry)
