"""The demonstration: a simulated company, a Redis and the real bot, brought up by one command and ended by Ctrl-C."""

import argparse
import asyncio
import errno
import os
import signal
import socket
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import aiohttp

from simulator.app import Simulator, running
from simulator.generator import Generation, add_generate
from simulator.local_redis import NoRedis, free_port, local_redis_async

BOT = (sys.executable, "-m", "bot", "run")
CHECKOUT = Path(__file__).parents[1]
PORT_BASE = 18400  # so that the page is found again at the same address after a restart
HTTP_PORT, METRICS_PORT = 8080, 9090  # the bot's own defaults
READY_LIMIT_SECONDS = 30.0
BOT_STOP_SECONDS = 28.0  # the bot promises to be gone after 25
LAST_LINES = 15

INVITATION = """
A simulated company and the real bot are running. Open

    {page}

and try this:
  1. As On-call, type  /registry failover zhangjiakou  and read the card that appears.
  2. Act as Approver and press Approve: the pulls of vpc-bbbbb move to Hangzhou.
  3. Under "Break something", let Zhangjiakou's region not answer, then type  /registry status  and
     /registry replication : what would be lost is told all the same.

The bot logs to {log}
Ctrl-C ends everything.
"""


class Failed(RuntimeError):
    """The demonstration cannot go on; the text says why."""


class BotProcess:
    """The bot as a process of its own, in a session of its own, so that Ctrl-C reaches the demonstration alone."""

    def __init__(self, process: asyncio.subprocess.Process, log: Path, http: str) -> None:
        self.process = process
        self.log = log
        self.http = http

    async def become_ready(self) -> None:
        """Wait until the bot says that it is ready."""
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(5)) as session:
            while not await _answers(session, f"{self.http}/readyz"):  # noqa: ASYNC110 (only asking tells)
                await asyncio.sleep(0.1)

    async def end(self) -> None:
        """Let the bot reach a safe point and end; insist only when it takes longer than it may."""
        if self.process.returncode is not None:
            return
        self.process.terminate()
        try:
            async with asyncio.timeout(BOT_STOP_SECONDS):
                await self.process.wait()
        except TimeoutError:
            self.process.kill()
            await self.process.wait()

    def last_lines(self) -> str:
        """Return the end of what the bot has logged, indented."""
        lines = self.log.read_text(errors="replace").splitlines()[-LAST_LINES:]
        return "\n".join("    " + line for line in lines) or "    (it said nothing)"


@asynccontextmanager
async def bot_process(
    environment: Mapping[str, str], log: Path, command: Sequence[str] = BOT
) -> AsyncIterator[BotProcess]:
    """Run the bot with `environment`, on free ports unless it names some; what it prints goes to `log`.

    It ends with the block.
    """
    ports = {"REGISTRY_BOT_HTTP_PORT": str(_port(HTTP_PORT)), "REGISTRY_BOT_METRICS_PORT": str(_port(METRICS_PORT))}
    settings = ports | dict(environment)
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            *command,
            env=_inherited() | settings,
            cwd=CHECKOUT,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    bot = BotProcess(process, log, f"http://127.0.0.1:{settings['REGISTRY_BOT_HTTP_PORT']}")
    try:
        yield bot
    finally:
        await bot.end()


async def demonstrate(
    stop: asyncio.Event, say: Callable[[str], None], command: Sequence[str] = BOT, generate: Generation | None = None
) -> None:
    """Bring everything up, say where it is, and keep it up until `stop`; raise Failed when it does not stay up."""
    async with AsyncExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="registry-bot-demo-")))
        redis = await stack.enter_async_context(local_redis_async())
        simulator = await _simulator(stack, generate)
        environment = simulator.announcement["env"] | {
            "REGISTRY_BOT_REDIS_URL": redis,
            "REGISTRY_BOT_REDIS_ALLOW_VOLATILE": "1",
            "REGISTRY_BOT_INVENTORY_EVERY": "10",  # so that a push on the page is soon in the answers
        }
        bot = await stack.enter_async_context(bot_process(environment, directory / "bot.log", command))
        if await _until_ready(bot, stop):
            say(INVITATION.format(page=simulator.announcement["slack"]["page"], log=bot.log))
            await _until_stopped(bot, stop)
            say("Ending the bot, the simulated company and Redis.\n")


def main() -> int:
    """Run the demonstration until a signal; 0 when it was ended, 1 when it failed."""
    try:
        asyncio.run(_until_signalled(_generation()))
    except (Failed, NoRedis) as failure:
        sys.stderr.write(f"{failure}\n")
        return 1
    return 0


def _generation() -> Generation | None:
    parser = argparse.ArgumentParser(prog="python -m simulator.demo", description="The bot in a simulated company.")
    add_generate(parser)
    wanted: Generation | None = parser.parse_args().generate
    return wanted


async def _until_signalled(generate: Generation | None) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    _say("Starting Redis, the simulated company and the bot.\n")
    await demonstrate(stop, _say, generate=generate)


async def _simulator(stack: AsyncExitStack, generate: Generation | None) -> Simulator:
    try:
        return await stack.enter_async_context(running(port_base=PORT_BASE, generate=generate))
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        return await stack.enter_async_context(running(generate=generate))


async def _until_ready(bot: BotProcess, stop: asyncio.Event) -> bool:
    try:
        async with asyncio.timeout(READY_LIMIT_SECONDS):
            first = await _first(stopped=stop.wait(), ended=bot.process.wait(), ready=bot.become_ready())
    except TimeoutError:
        raise Failed(f"The bot was not ready within {READY_LIMIT_SECONDS:.0f} s. {_words(bot)}") from None
    _refuse_death(first, bot)
    return first == "ready"


async def _until_stopped(bot: BotProcess, stop: asyncio.Event) -> None:
    _refuse_death(await _first(stopped=stop.wait(), ended=bot.process.wait()), bot)


def _refuse_death(first: str, bot: BotProcess) -> None:
    if first == "ended":
        raise Failed(f"The bot ended by itself with exit code {bot.process.returncode}. {_words(bot)}")


def _words(bot: BotProcess) -> str:
    return f"Its last lines:\n{bot.last_lines()}"


async def _first(**contenders: Coroutine[object, object, object]) -> str:
    """Run all, end the rest when the first is done, and return its name; of several, that which was named first."""
    tasks = {name: asyncio.create_task(contender) for name, contender in contenders.items()}
    try:
        await asyncio.wait(tasks.values(), return_when=asyncio.FIRST_COMPLETED)
        winner = next(name for name, task in tasks.items() if task.done())
        await tasks[winner]
        return winner
    finally:
        for task in tasks.values():
            task.cancel()
        await asyncio.gather(*tasks.values(), return_exceptions=True)


async def _answers(session: aiohttp.ClientSession, url: str) -> bool:
    try:
        async with session.get(url) as response:
            return response.status == 200
    except (aiohttp.ClientError, TimeoutError):
        return False


def _port(preferred: int) -> int:
    """Return the preferred port, or any that is free when somebody listens there already."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", preferred))
        except OSError:
            return free_port()
    return preferred


def _inherited() -> dict[str, str]:
    """Return our environment without what would point the bot at a company other than the simulated one."""
    elsewhere = ("REGISTRY_BOT_", "ALIBABA_CLOUD_")
    return {name: value for name, value in os.environ.items() if not name.startswith(elsewhere)}


def _say(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
