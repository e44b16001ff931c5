"""`python -m benchmarks [NAME …]`: measure, print one table, and end with 0 whatever it says.

A busy machine must not look like a broken build, so a goal that is missed is told and never fails.
"""

import argparse
import sys
import time
from collections.abc import Callable, Iterable

from benchmarks import acks, adapters, claim, code, data_plane, failover, inventory, memory, scanning, start
from benchmarks.table import Row, table

MEASUREMENTS: dict[str, Callable[[], Iterable[Row]]] = {
    "code": code.rows,
    "commit": adapters.commit_rows,
    "alibaba": adapters.alibaba_rows,
    "start": start.rows,
    "acks": acks.p50_rows,
    "hung": acks.hung_rows,
    "check": acks.check_rows,
    "claim": claim.rows,
    "failover": failover.rows,
    "memory": memory.rows,
    "inventory": inventory.rows,
    "scan": scanning.rows,
    "data_plane": data_plane.rows,
}


def main() -> int:
    """Measure what is named, or everything."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure the bot against its goals.")
    parser.add_argument("name", nargs="*", help=f"what to measure: {', '.join(MEASUREMENTS)}; without a name, all")
    names = parser.parse_args().name
    if unknown := set(names) - set(MEASUREMENTS):
        parser.error(f"there is no measurement called {', '.join(sorted(unknown))}")
    began, rows = time.perf_counter(), list[Row]()
    for name in names or MEASUREMENTS:
        sys.stderr.write(f"{time.perf_counter() - began:4.0f} s  measuring {name}\n")
        rows += _measured(name)
    print(table(rows))
    print(f"\n{sum(row.is_met for row in rows)} of {len(rows)} goals met, in {time.perf_counter() - began:.0f} s")
    return 0


def _measured(name: str) -> list[Row]:
    """Run one measurement; one that breaks is a row that is not met."""
    try:
        return list(MEASUREMENTS[name]())
    except Exception as error:  # noqa: BLE001 - the other rows are still worth having
        return [Row(name, "could not be measured", float("nan"), "=", 0, "", f"{type(error).__name__}: {error}"[:120])]


if __name__ == "__main__":
    sys.exit(main())
