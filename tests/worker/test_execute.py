"""The scan: every due operation gets its step, and none is delayed or hidden by another."""

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs

from bot.domain.operation import Operation, State
from bot.errors import ForgedApproval, StoreUnavailable, UnknownOperation, VersionConflict
from bot.services.marks import mark_request, mark_vote
from bot.worker import Worker
from bot.worker.execute import AT_ONCE, RETRY_AFTER, Executor
from tests.fakes import FakeClock, FakeOperations
from tests.secrets import leaks, marked
from tests.services.world import OWNER, World, a_world


class _Stumbling(FakeOperations):
    """A store that stumbles over one operation, or never answers about it."""

    def __init__(self, clock: FakeClock, stumbles_over: str, error: Exception | None) -> None:
        super().__init__(clock)
        self._over, self._error = stumbles_over, error
        self.reads = 0
        self.postpones = True

    async def postpone_step(self, operation_id: str, until: datetime) -> None:
        """Postpone, unless it can do nothing at all."""
        if not self.postpones:
            raise StoreUnavailable("Redis does not answer.")
        await super().postpone_step(operation_id, until)

    async def get(self, operation_id: str) -> Operation:
        """Fail or hang for one operation."""
        if operation_id != self._over:
            return await super().get(operation_id)
        self.reads += 1
        if self._error is not None:
            raise self._error
        await asyncio.Event().wait()
        raise AssertionError("an event that nobody sets was set")


async def _two_due(error: Exception | None) -> tuple[World, _Stumbling, Operation]:
    """Have two approved operations due, of which the store cannot give the first."""
    world = a_world()
    good = await world.approve()
    store = _Stumbling(world.clock, "fo-bad1", error)
    store.put(replace(good, id="fo-bad1"), due_at=world.clock.now())
    store.put(good, due_at=world.clock.now())
    world.ports = replace(world.ports, operations=store)
    return world, store, good


async def test_what_is_due_is_done_and_what_is_not_due_is_left() -> None:
    world = a_world()
    operation = await world.ask()
    executor = Executor(world.ports, OWNER)

    await executor.tick()
    assert (await world.operations.get(operation.id)).state is State.PENDING

    world.clock.move(timedelta(minutes=15))
    await executor.tick()
    assert (await world.operations.get(operation.id)).state is State.EXPIRED


@pytest.mark.parametrize(
    ("error", "event"),
    [
        (VersionConflict("Somebody was first."), "operation.taken_elsewhere"),
        (StoreUnavailable("Redis does not answer."), "operation.step_postponed"),
        (ValueError(marked("InAnError")), "operation.step_broken"),
    ],
)
async def test_a_step_that_fails_is_logged_and_stops_no_other(error: Exception, event: str) -> None:
    world, store, good = await _two_due(error)

    with capture_logs() as logs:
        await Executor(world.ports, OWNER).tick()

    assert (await store.get(good.id)).state is State.VERIFYING
    assert [entry["event"] for entry in logs if entry.get("operation") == "fo-bad1"] == [event]
    assert leaks(str(logs)) == []


@pytest.mark.parametrize("error", [StoreUnavailable("Redis does not answer."), ValueError(marked("InAnError"))])
async def test_a_step_that_failed_is_tried_again_after_a_while_and_not_before(error: Exception) -> None:
    world, store, _ = await _two_due(error)
    executor = Executor(world.ports, OWNER)
    await executor.tick()

    world.clock.move(RETRY_AFTER - timedelta(seconds=0.1))
    await executor.tick()
    assert store.reads == 1

    world.clock.move(timedelta(seconds=0.1))
    await executor.tick()
    assert store.reads == 2


async def test_a_step_that_somebody_else_took_is_not_postponed() -> None:
    world, store, _ = await _two_due(VersionConflict("Somebody was first."))
    executor = Executor(world.ports, OWNER)

    await executor.tick()
    await executor.tick()

    assert store.reads == 2


def _another(world: World, operation: Operation, operation_id: str) -> Operation:
    """Return the same request under another id, as it would be if people had decided on that one too."""
    other = mark_request(world.ports, replace(operation, id=operation_id))
    return replace(other, votes=tuple(mark_vote(world.ports, other, vote) for vote in other.votes))


async def test_steps_that_fail_make_room_for_those_behind_them() -> None:
    world, store, good = await _two_due(StoreUnavailable("Redis does not answer."))
    for number in range(20):
        store.put(_another(world, good, f"fo-b{number:03}"), due_at=world.clock.now() - timedelta(seconds=1))
    store.put(good, due_at=world.clock.now())  # last, so that its record is its own
    world.ports = replace(world.ports, store_trouble=lambda: "Redis is read-only.")
    await Executor(world.ports, OWNER).tick()
    world.ports = replace(world.ports, store_trouble=lambda: "")

    await Executor(world.ports, OWNER).tick()

    assert (await store.get(good.id)).state is State.VERIFYING


@pytest.mark.parametrize("error", [ForgedApproval("Its plan was changed."), UnknownOperation("No such operation.")])
async def test_documents_that_cannot_be_used_raise_the_alarm_and_make_room_for_those_behind_them(
    error: Exception,
) -> None:
    world, store, _ = await _two_due(error)
    alarms = world.hear_alarms()
    executor = Executor(world.ports, OWNER)

    await executor.tick()
    await executor.tick()

    assert (alarms, store.reads) == (["document_unusable"], 1)


class _Hanging(FakeOperations):
    """A store that tells of one operation alone, until the test lets it speak."""

    def __init__(self, clock: FakeClock, but: str) -> None:
        super().__init__(clock)
        self._but = but
        self.speaks = asyncio.Event()

    async def get(self, operation_id: str) -> Operation:
        """Hang for all but one."""
        if operation_id != self._but:
            await self.speaks.wait()
        return await super().get(operation_id)


async def test_steps_that_hang_hide_none_behind_them() -> None:
    world = a_world()
    good = await world.approve()
    store = _Hanging(world.clock, good.id)
    for number in range(AT_ONCE):
        store.put(_another(world, good, f"fo-h{number:03}"), due_at=world.clock.now() - timedelta(seconds=1))
    store.put(good, due_at=world.clock.now())
    executor = Executor(replace(world.ports, operations=store), OWNER)

    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        assert await executor.begin(group) == AT_ONCE
        assert await executor.begin(group) == 1
        while (await store.get(good.id)).state is not State.VERIFYING:
            await asyncio.sleep(0)
        store.speaks.set()


async def test_a_store_that_cannot_even_postpone_is_logged_and_the_scan_goes_on() -> None:
    world, store, good = await _two_due(StoreUnavailable("Redis does not answer."))
    store.postpones = False

    with capture_logs() as logs:
        await Executor(world.ports, OWNER).tick()

    assert (await store.get(good.id)).state is State.VERIFYING
    assert [entry["event"] for entry in logs if entry.get("operation") == "fo-bad1"] == [
        "operation.step_postponed",
        "operation.not_postponed",
    ]


async def test_an_operation_that_hangs_delays_no_other_and_is_not_begun_twice() -> None:
    world, store, good = await _two_due(None)
    executor = Executor(world.ports, OWNER)

    async with asyncio.TaskGroup() as group:
        hanging = group.create_task(_begin(executor))
        while (await store.get(good.id)).state is not State.VERIFYING:
            await asyncio.sleep(0)
        begun_again = await executor.begin(group)
        hanging.cancel()

    assert (begun_again, store.reads) == (0, 1)


async def _begin(executor: Executor) -> None:
    await executor.tick()


async def test_after_each_step_somebody_is_told_that_there_may_be_news() -> None:
    world = a_world()
    await world.approve()
    told: list[bool] = []

    await Executor(world.ports, OWNER, moved=lambda: told.append(True)).tick()

    assert told == [True]


def _worker(world: World) -> Worker:
    return Worker(world.ports, OWNER, lambda operation, verb: f"{verb}|{operation.id}")


async def test_a_tick_of_the_worker_acts_and_then_shows() -> None:
    world = a_world()
    operation = await world.approve()

    await _worker(world).tick()

    [card] = world.workspace.cards()
    assert operation.id in str(card.message)
    assert (await world.operations.get(operation.id)).state is State.VERIFYING


async def test_a_running_worker_carries_an_approval_out_as_soon_as_it_is_woken_and_stops_when_told() -> None:
    world = a_world()
    worker = _worker(world)
    world.ports = replace(world.ports, wake=worker.wake)

    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        group.create_task(worker.run())
        await asyncio.sleep(0)
        operation = await world.approve()
        while (await world.operations.get(operation.id)).state is not State.VERIFYING:
            await asyncio.sleep(0)
        worker.stop()

    assert len(world.zones.applied) == 1


async def test_a_worker_whose_store_fails_goes_on_scanning() -> None:
    world = a_world()
    store = _Scanning(world.clock)
    world.ports = replace(world.ports, operations=store)
    worker = _worker(world)

    with capture_logs() as logs:
        async with asyncio.timeout(5), asyncio.TaskGroup() as group:
            group.create_task(worker.run())
            while store.scans < 3:
                worker.wake()
                await asyncio.sleep(0)
            worker.stop()

    assert {"worker.tick_failed", "worker.tick_broken"} <= {entry["event"] for entry in logs}


class _Scanning(FakeOperations):
    """A store whose scans fail, first as expected and then as nobody expected."""

    scans = 0

    async def due(self, now: Any, limit: int = 20) -> tuple[str, ...]:
        """Fail."""
        self.scans += 1
        raise StoreUnavailable("Redis does not answer.") if self.scans == 1 else ValueError("canary")
