"""Run the simulated world: `python -m simulator` prints one line of JSON when it is ready, and ends on a signal."""

import argparse
import asyncio
import errno
import json
import signal
import sys
from pathlib import Path

from simulator.app import SECTIONS, running
from simulator.generator import add_generate


def main() -> int:
    """Run until a signal; 0 after a clean end, 1 when it could not start."""
    arguments = _arguments()
    try:
        asyncio.run(_serve(arguments))
    except ValueError as error:
        return _fail(str(error))
    except OSError as error:
        if error.errno not in (errno.EADDRINUSE, errno.EACCES):
            raise
        return _fail(f"A port cannot be opened: {error.strerror}. Choose another --port-base.")
    return 0


async def _serve(given: argparse.Namespace) -> None:
    ended = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    async with running(given.only, given.port_base, given.world, given.generate) as simulator:
        sys.stdout.write(json.dumps(simulator.announcement) + "\n")
        sys.stdout.flush()
        await ended.wait()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m simulator", description="Alibaba Cloud, DNS and Slack on loopback."
    )
    parser.add_argument(
        "--port-base", type=_port, metavar="N", help="use the ports from N on; without it, any free ones"
    )
    parser.add_argument("--only", type=_sections, metavar="LIST", help=f"start only some of {','.join(SECTIONS)}")
    parser.add_argument("--world", type=Path, metavar="FILE", help="a world file instead of the company of the demo")
    add_generate(parser)
    return parser.parse_args()


def _port(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 65_000:
        raise argparse.ArgumentTypeError(f"a port between 1 and 65000 is needed, not {text!r}")
    return int(text)


def _sections(text: str) -> set[str]:
    sections = {name.strip() for name in text.split(",") if name.strip()}
    if not sections or not sections <= set(SECTIONS):
        raise argparse.ArgumentTypeError(f"a list of {','.join(SECTIONS)} is needed, not {text!r}")
    return sections


def _fail(sentence: str) -> int:
    sys.stderr.write(sentence + "\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
