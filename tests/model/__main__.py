"""Explore everything, the larger bounds too, and print how many worlds there were: `python -m tests.model`."""

import sys

from tests.model.explorations import DEEP, PROTOCOL, WITHOUT
from tests.model.search import differences


def main() -> int:
    """Return 1 when the protocol broke or a missing guard was not missed."""
    wrong = 0
    for name, exploration in (PROTOCOL | DEEP).items():
        found = exploration.run()
        wrong += bool(found.broken)
        sys.stdout.write(f"{name:45} {found}\n{''.join(f'    {line}{chr(10)}' for line in differences(found.way))}")
        sys.stdout.flush()
    for name, exploration in WITHOUT.items():
        found = exploration.run()
        wrong += not found.broken
        sys.stdout.write(f"{'without ' + name:45} {found}\n")
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
