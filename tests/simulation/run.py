"""Run one seed and say what came of it."""

import contextlib
import gc
import importlib
import sys
import traceback
from collections.abc import Iterator, MutableMapping
from dataclasses import dataclass
from typing import Any

import structlog

from tests.simulation.judge import Violation
from tests.simulation.world import NOTHING, Mode, Planted, World

BUGS = frozenset({"operation.step_broken", "card.broken", "worker.tick_broken", "delivery.failed", "task.failed"}) | {
    "process.ended"
}
"""What the bot logs when an exception came that nobody foresaw."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one seed went."""

    seed: int
    mode: Mode
    violation: Violation | None
    trace: str
    operations: int
    sends: int
    effects: int
    states: tuple[str, ...]

    @property
    def reproduction(self) -> str:
        """Return the line that runs exactly this again."""
        return f"make soak SEED={self.seed} MODE={self.mode}"


def run(seed: int, mode: Mode, planted: Planted = NOTHING) -> Outcome:
    """Run one seed to its end or to the first violation."""
    # when garbage is collected depends on what ran before, and what then ends must not show in a trace
    gc.disable()
    try:
        with bent(planted):
            world = _lived(seed, mode, planted)
    finally:
        gc.enable()
    judge = world.judge
    states = tuple(sorted(str(versions[-1].state) for versions in judge.versions.values()))
    return Outcome(seed, mode, judge.found, _written(world), len(judge.versions), judge.sends, judge.effects, states)


@contextlib.contextmanager
def bent(planted: Planted) -> Iterator[None]:
    """Give constants other values, for the planted bugs that are no port's."""
    modules = [(importlib.import_module(name), constant, value) for name, constant, value in planted.constants]
    kept = [(module, constant, getattr(module, constant)) for module, constant, _ in modules]
    try:
        for module, constant, value in modules:
            setattr(module, constant, value)
        yield
    finally:
        for module, constant, value in kept:
            setattr(module, constant, value)


def _lived(seed: int, mode: Mode, planted: Planted) -> World:
    world = World(seed, mode, planted)
    with _listening(world):
        try:
            world.loop.run_until_complete(world.happen())
        finally:
            world.is_over = True
            world.loop.wind_up()
    return world


def _written(world: World) -> str:
    lines = [f"{at:10.4f} {who:<10} {what}" for at, who, what in world.trace]
    return "\n".join((*lines, f"{world.judge.found or 'Nothing bad happened.'}"))


def _place(error: BaseException | None) -> str:
    frames = traceback.extract_tb(error.__traceback__) if error else []
    return f"{error!r} in {' <- '.join(f'{frame.name}:{frame.lineno}' for frame in reversed(frames[-3:]))}"


@contextlib.contextmanager
def _listening(world: World) -> Iterator[None]:
    """Keep the bots' logs silent, but for what means that they met a bug."""

    def hear(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> str:
        if event.get("event") in BUGS and not world.is_over:
            what = f"{event['event']}: {_place(sys.exc_info()[1])}"
            world.note("log", what)
            world.judge.require(False, "BUG", what)
        raise structlog.DropEvent

    before = structlog.get_config()
    structlog.configure(processors=[hear], wrapper_class=structlog.make_filtering_bound_logger(40))
    try:
        yield
    finally:
        structlog.configure(**before)
