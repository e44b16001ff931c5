"""The two measurements of single adapters, as rows: Alibaba's client over TLS, and the commit script."""

import asyncio
import os
import statistics
from collections.abc import Iterator

from benchmarks import alibaba_client, commit_script
from benchmarks.stage import durable_redis
from benchmarks.table import Row

AT_ONCE, SECONDS, ROUNDS = 32, 1.0, 5
COMMITS, APPROVERS = 400, 100


def alibaba_rows() -> Iterator[Row]:
    """Measure calls a second over TLS."""
    trusted = os.environ.get("SSL_CERT_FILE")
    try:
        results = alibaba_client.run(AT_ONCE, SECONDS, ROUNDS)
    finally:
        os.environ.pop("SSL_CERT_FILE", None)
        if trusted is not None:
            os.environ["SSL_CERT_FILE"] = trusted
    to_bare, to_shipped, connections = alibaba_client.ratios(results)
    bare, ours, shipped = (statistics.median(each.calls_a_second for each in found) for found in results.values())
    group, detail = "alibaba", f"{ours:.0f} calls/s, {{}} {{:.0f}}; {AT_ONCE} in flight over TLS"
    yield Row(group, "client, beside bare aiohttp", to_bare, "≥", 0.45, detail=detail.format("bare", bare))
    yield Row(group, "client, beside the SDK as shipped", to_shipped, "≥", 100, detail=detail.format("SDK", shipped))
    yield Row(group, "connections a call", connections, "≤", 0.05, "", "accepted by the server, in the worst round")


def commit_rows() -> Iterator[Row]:
    """Measure the commit script, and let many approve at once."""
    with durable_redis() as url:
        p50 = asyncio.run(commit_script.side_by_side(url, COMMITS))
        winners, milliseconds = asyncio.run(commit_script.race(url, APPROVERS))
    bare, script, whole = p50[commit_script.BARE], p50[commit_script.SCRIPT], p50[commit_script.WHOLE]
    detail = f"script {script:.2f} ms, bare {bare:.2f} ms, whole commit {whole:.2f} ms; fsync at every write"
    yield Row("commit", "script, beside a bare SET", script / bare, "≤", 1.5, detail=detail)
    yield Row(
        "commit", f"winners of {APPROVERS} at once", winners, "=", 1, "", f"all answered in {milliseconds:.0f} ms"
    )
