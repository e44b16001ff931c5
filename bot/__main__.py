"""The command line: `registry-bot run | check | discover | manual | audit`, and `python -m bot` as the same."""

import argparse
import asyncio
import errno
import os
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from bot import __version__
from bot.app import run
from bot.console.audit import verify, verify_archive
from bot.console.audit_export import FORMATS, export
from bot.console.audit_trim import KEEP, trim
from bot.console.check import check, print_policy
from bot.console.discover import discover
from bot.console.manual import manual
from bot.domain.topology import Route
from bot.errors import BotError, UserError
from bot.settings import load_settings

DONE, FAILED, MISUSED = 0, 1, 2
"""Exit codes; MISUSED is for what whoever starts this can mend: arguments, environment, registry.yaml."""
INTERRUPTED = 130
_CANNOT_LISTEN = (errno.EADDRINUSE, errno.EADDRNOTAVAIL, errno.EACCES)


def main() -> int:
    """Run one command and return its exit code."""
    try:
        code = asyncio.run(answer(sys.argv[1:]))
        sys.stdout.flush()
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # whoever reads has enough, as `head` has; Python flushes once more at its end and must find somewhere to
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    return code


async def answer(words: Sequence[str]) -> int:
    """Run one command; what goes wrong comes as a sentence on stderr."""
    arguments = _parser().parse_args(words)
    command: Callable[[argparse.Namespace], Awaitable[int]] = arguments.command
    try:
        return await command(arguments)
    except UserError as error:
        return _say(str(error), MISUSED)
    except BotError as error:
        return _say(str(error), FAILED)


async def _run_bot(_arguments: argparse.Namespace) -> int:
    try:
        return await run(load_settings())
    except OSError as error:
        if error.errno not in _CANNOT_LISTEN:
            raise
        return _say(
            f"The bot cannot listen: {os.strerror(error.errno)}. Set REGISTRY_BOT_HTTP_HOST, REGISTRY_BOT_HTTP_PORT "
            "and REGISTRY_BOT_METRICS_PORT to what is free on this machine.",
            FAILED,
        )


async def _check(arguments: argparse.Namespace) -> int:
    return print_policy() if arguments.policy else await check()


async def _discover(arguments: argparse.Namespace) -> int:
    return await discover(arguments.region, arguments.domain)


async def _manual(arguments: argparse.Namespace) -> int:
    return await manual(arguments.site, arguments.to, arguments.via)


async def _verify_audit(arguments: argparse.Namespace) -> int:
    return await verify(arguments.head) if arguments.archive is None else verify_archive(arguments.archive)


async def _export_audit(arguments: argparse.Namespace) -> int:
    return await export(arguments.since, arguments.until, arguments.format)


async def _trim_audit(arguments: argparse.Namespace) -> int:
    return await trim(arguments.archive, arguments.days)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="registry-bot", description="Fail over Container Registry instances from Slack, with a second approval."
    )
    parser.add_argument("--version", action="version", version=f"registry-failover-bot {__version__}")
    commands = parser.add_subparsers(required=True, metavar="command")
    _add(commands, "run", _run_bot, "run the bot until SIGTERM")
    checking = _add(commands, "check", _check, "look at configuration, Slack, Redis and Alibaba Cloud; change nothing")
    checking.add_argument("--policy", action="store_true", help="print the RAM policy for this configuration instead")
    finding = _add(commands, "discover", _discover, "print a first registry.yaml from the live account")
    finding.add_argument(
        "--region",
        action="extend",
        nargs="+",
        required=True,
        metavar="R",
        help="the regions to look at; may be repeated",
    )
    finding.add_argument("--domain", metavar="D", help="the custom domain; without it, those on two instances")
    stepping = _add(commands, "manual", _manual, "print how to fail a site over by hand, without Slack and Redis")
    stepping.add_argument("site", help="the site to move away from, by its name or alias")
    stepping.add_argument("--to", metavar="SITE", help="the site that takes over, if not the first standby")
    stepping.add_argument("--via", type=Route, choices=list(Route), help="the route, if not the configured one")
    _add_audit(commands)
    return parser


def _add_audit(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    words = "verify, export or trim the record of who did what"
    audit = commands.add_parser("audit", help=words, description=words[0].upper() + words[1:] + ".")
    parts = audit.add_subparsers(required=True, metavar="part")
    verifying = _add(parts, "verify", _verify_audit, "compute the whole chain again; exit code 1 for any gap")
    what = verifying.add_mutually_exclusive_group()
    what.add_argument("--head", metavar="NUMBER:HASH", help="a head that was kept outside Redis, to compare with")
    what.add_argument("--archive", metavar="FILE", type=Path, help="verify this file of trimmed entries instead")
    exporting = _add(parts, "export", _export_audit, "print one row a change, and how many there are on stderr")
    exporting.add_argument("--from", dest="since", required=True, metavar="T", help="a day or time in UTC: 2026-11-23")
    exporting.add_argument("--to", dest="until", required=True, metavar="T", help="the day or time where it ends")
    exporting.add_argument("--format", choices=FORMATS, default=FORMATS[0], help="jsonl if not said")
    trimming = _add(parts, "trim", _trim_audit, "archive old entries to a new file, verify it, then drop them")
    trimming.add_argument(
        "--archive", required=True, metavar="FILE", type=Path, help="the file to write; never over one"
    )
    trimming.add_argument("--days", type=int, default=KEEP, help=f"how many stay, {KEEP} if not said")


def _add(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
    name: str,
    command: Callable[[argparse.Namespace], Awaitable[int]],
    words: str,
) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=words, description=words[0].upper() + words[1:] + ".")
    parser.set_defaults(command=command)
    return parser


def _say(sentence: str, code: int) -> int:
    sys.stderr.write(f"{sentence}\n")
    return code


if __name__ == "__main__":
    sys.exit(main())
