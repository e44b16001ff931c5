"""People who push all day: so many images a minute to an instance, chosen by a seed; nobody does until told to."""

import asyncio
from contextlib import suppress
from random import Random

from simulator.faults import Faults
from simulator.model import Instance
from simulator.world import World

PACE_SECONDS = 0.1
MOST_PER_MINUTE = 60_000
AGAIN, DELETED = 0.2, 0.02
"""Shares of pushes that move a tag which is there, and of all that people do that deletes one."""


class Pushers:
    """Keep each instance at its rate; a site whose region is down takes no pushes, and what it missed stays undone."""

    def __init__(self, world: World, faults: Faults, seed: int = 1) -> None:
        self._world, self._faults, self._seed = world, faults, seed
        self._random = Random(seed)
        self._due: dict[str, float] = {}
        self._last_ms: int | None = None
        self._running: asyncio.Task[None] | None = None
        self.per_minute: dict[str, int] = {}

    async def start(self) -> None:
        """Push by the world's clock until closed."""
        self._running = asyncio.create_task(self._run())

    async def close(self) -> None:
        if self._running is not None:
            self._running.cancel()
            with suppress(asyncio.CancelledError):
                await self._running

    def reset(self) -> None:
        """Send everybody home, and begin with the seed again."""
        self.per_minute.clear()
        self._due.clear()
        self._random.seed(self._seed)

    def set(self, instance: str, per_minute: int) -> dict[str, int]:
        """Let people push so many images a minute to an instance; 0 sends them home."""
        self._instance(instance)
        if not 0 <= per_minute <= MOST_PER_MINUTE:
            raise ValueError(f"per_minute must be between 0 and {MOST_PER_MINUTE:,}, not {per_minute:,}.")
        self.per_minute[instance] = per_minute
        if not per_minute:
            del self.per_minute[instance]
        return self.per_minute

    def tick(self, now_ms: int) -> None:
        """Do what has become due since the last tick."""
        passed_ms = now_ms - (self._last_ms if self._last_ms is not None else now_ms)
        self._last_ms = now_ms
        for name, per_minute in self.per_minute.items():
            due = self._due.get(name, 0.0) + per_minute * passed_ms / 60_000
            self._due[name] = due % 1
            for _ in range(int(due)):
                self.act(name)

    def act(self, instance: str) -> None:
        """Let somebody push, or now and then delete, somewhere in an instance that has repositories and answers."""
        home = self._world.instances[instance]
        if self._faults.active("region_down", home.site) or home.status != "RUNNING" or not home.repositories:
            return
        if self._random.random() >= DELETED:
            self.push(instance)
            return
        repository = self._random.choice(list(home.repositories.values()))
        if len(repository.tags) > 1:
            self._world.delete(instance, repository.path, self._random.choice(list(repository.tags)))

    def push(self, instance: str) -> None:
        """Let somebody push one image somewhere; ValueError where that cannot be."""
        home = self._instance(instance)
        if self._faults.active("region_down", home.site) or home.status != "RUNNING":
            raise ValueError(f"{instance} takes no pushes now.")
        if not home.repositories:
            raise ValueError(f"{instance} has no repositories.")
        repo = self._random.choice(list(home.repositories))
        self._world.push(instance, repo, self._tag(home, repo))

    def _instance(self, name: str) -> Instance:
        if name not in self._world.instances:
            raise ValueError(f"No instance is called {name!r}. Known instances: {', '.join(self._world.instances)}.")
        return self._world.instances[name]

    def _tag(self, home: Instance, repo: str) -> str:
        tags, is_again = list(home.repositories[repo].tags), self._random.random() < AGAIN
        if is_again and tags and not home.repositories[repo].immutable:
            return self._random.choice(tags)
        return f"build-{self._world.next_id()}"

    async def _run(self) -> None:
        while True:
            self.tick(self._world.now_ms())
            await asyncio.sleep(PACE_SECONDS)
