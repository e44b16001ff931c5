"""Everything that may go wrong, drawn from the seed: when, for whom, and for how long."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.builders import HOME_ADDRESS, PUBLIC_NAME, ZONE_ID

if TYPE_CHECKING:
    from tests.simulation.world import World

STORMS = {
    "redis": ("refuse", "swallow", "lose_reply", "slow"),
    "cloud": ("refuse", "error", "throttle", "swallow", "lose_reply", "late", "slow", "stale", "forbid"),
    "slack": ("refuse", "throttle", "swallow", "lose_reply", "late", "slow"),
}


@dataclass(frozen=True, slots=True)
class Chaos:
    """Sets misfortunes in motion in one world until `until`."""

    world: "World"
    chance: random.Random
    until: float
    malice: float
    always: str = ""

    def plan(self) -> None:
        """Draw how much goes wrong, and set the time of each misfortune."""
        for service in STORMS:
            if self.chance.random() < 0.4:
                self._climate(service)
        for _ in range(self.chance.choice((0, 1, 2, 4, 8))):
            self._later(self.chance.uniform(1, self.until), self.chance.choice(self._kinds()))
        if self.chance.random() < 0.03:
            self._later(self.chance.uniform(1, self.until / 2), self.wipe)

    def _climate(self, service: str) -> None:
        """Let a little go wrong all the time."""
        for kind in self.chance.sample(STORMS[service], 2):
            probability = self.chance.choice((0.02, 0.05, 0.2))
            getattr(self.world, service).weather.begin(f"{kind} at times", probability)
            self._note(f"{service} {kind} {probability} all the time")

    def strike(self) -> None:
        """Let misfortune follow a claim, when it does the most harm."""
        if self.world.loop.time() < self.until and (self.always or self.chance.random() < self.malice):
            kind = getattr(self, self.always) if self.always else self.chance.choice(self._kinds())
            self._later(self.chance.choice((0, 0.1, 1, 10)) * self.chance.random(), kind)

    def _kinds(self) -> list[Callable[[], None]]:
        rare = [self.deactivate, self.change_policy, self.freeze, self.switch_off]
        return [*[self.storm] * 6, *[self.failover, self.pause, self.kill, self.edit] * 2, self.terminate, *rare]

    def storm(self) -> None:
        """Let one service fail in one way, for all or for one bot."""
        service = self.chance.choice(list(STORMS))
        kind = self.chance.choice(STORMS[service])
        weather = getattr(self.world, service).weather
        probability = self.chance.choice((0.1, 0.5, 1.0))
        bot = self.world.bots[self.chance.randrange(len(self.world.bots))]
        # a cloud names its callers by process, the others by bot
        victims = self.chance.choice(((), (), (bot.name, bot.owner)))
        weather.begin(kind, probability, *victims)
        self._note(f"{service} {kind} {probability} {' '.join(victims)}")
        self._later(self.chance.uniform(0.5, 60), lambda: weather.end(kind, self.world.loop.time()))

    def failover(self) -> None:
        """Cut the replica off, and perhaps promote it a moment later, with somebody left behind."""
        redis = self.world.redis
        redis.cut_replica()
        self._note("redis: replica cut off")
        if self.chance.random() < 0.3:
            self._later(self.chance.uniform(0.1, 20), redis.join_replica)
            return
        self._later(self.chance.choice((0.01, 0.3, 2, 12)) * self.chance.random(), self._promote)

    def _promote(self) -> None:
        redis = self.world.redis
        left = [bot.name for bot in self.world.bots if self.chance.random() < 0.2]
        if (old := redis.promote(*left)) is not None:
            self.world.words.failed_over(old.store, redis.serving.store)
        self._note(f"redis: replica promoted, left behind {left}")
        for name in left:
            if self.chance.random() < 0.5:  # Slack is on the other side of the partition
                self.world.slack.weather.begin(f"partition of {name}", 1.0, name)
        redis.serving.is_down = True
        # what was lost makes the bots freeze all; people look at the records and lift that
        self._later(self.chance.uniform(10, 40), self._thaw)
        self._later(self.chance.uniform(0.1, 3), self._serve)
        self._later(self.chance.choice((15, 60)) * self.chance.random(), self._rejoin, left)

    def _rejoin(self, left: list[str]) -> None:
        self.world.redis.rejoin()
        for name in left:
            self.world.slack.weather.end(f"partition of {name}", self.world.loop.time())

    def _serve(self) -> None:
        self.world.redis.serving.is_down = False

    def wipe(self) -> None:
        """Have Redis come back empty; people look at the records first and restart the bots much later."""
        self._note("redis: comes back empty")
        self.world.redis.wipe()
        for index in range(len(self.world.bots)):
            self._later(130 + index, self.world.restart, index)

    def pause(self) -> None:
        """Stop a bot for a while."""
        bot, span = self.chance.choice(self.world.bots), self.chance.choice((3, 15, 40, 90)) * self.chance.random()
        self._note(f"{bot.owner} stands still for {span:.1f} s")
        bot.pause(span)

    def kill(self) -> None:
        """Kill a bot; it comes back."""
        index = self.chance.randrange(len(self.world.bots))
        self._note(f"{self.world.bots[index].owner} is killed")
        self.world.bots[index].kill()
        self._later(self.chance.uniform(0.5, 60), self.world.restart, index)

    def terminate(self) -> None:
        """Ask a bot to end; it is killed after 25 s, and comes back."""
        index = self.chance.randrange(len(self.world.bots))
        bot = self.world.bots[index]
        if bot.is_running:
            self._note(f"{bot.owner} is asked to end")
            bot.terminate()
            self._later(25, self.world.restart, index)

    def edit(self) -> None:
        """Change a record at the console."""
        held = self.world.cloud.zones.held
        record_id = self.chance.choice(list(held))
        home = HOME_ADDRESS["hangzhou" if held[record_id].zone_id == ZONE_ID["hangzhou"] else "zhangjiakou"]
        fields = self.chance.choice((
            {"type": "A", "value": home}, {"type": "A", "value": "10.9.9.9"},
            {"type": "CNAME", "value": PUBLIC_NAME["hangzhou"]}, {"ttl": 30}, {"remark": "by hand"},
        ))  # fmt: skip
        self._note(f"console: {record_id} {fields}")
        self.world.judge.edited(record_id)
        self.world.cloud.edit(record_id, **fields)

    def deactivate(self) -> None:
        """Deactivate somebody's account, for a while."""
        user = self.chance.choice(list(self.world.slack.users.values()))
        self._note(f"slack: {user.id} is deactivated")
        user.left_at = self.world.loop.time()
        self._later(self.chance.uniform(20, 120), setattr, user, "left_at", None)

    def change_policy(self) -> None:
        """Roll another policy out, one bot after the other."""
        self._note("the policy changes")
        self.world.change_policy()
        for index in range(len(self.world.bots)):
            self._later(self.chance.uniform(0, 40), self.world.restart, index)

    def freeze(self) -> None:
        """Freeze everything by hand, for a while."""
        self._note("redis: frozen by hand")
        self.world.freeze(is_on=True)
        self._later(self.chance.uniform(5, 60), self._thaw)

    def _thaw(self) -> None:
        self.world.freeze(is_on=False)

    def switch_off(self) -> None:
        """Put the file down that keeps one bot from writing, for a while."""
        bot = self.chance.choice(self.world.bots)
        self._note(f"{bot.owner} is switched off")
        bot.switched_off_at = bot.switched_off_at or self.world.loop.time()
        self._later(self.chance.uniform(5, 60), setattr, bot, "switched_off_at", None)

    def _later(self, delay: float, act: object, *args: object) -> None:
        self.world.loop.later(delay, act, *args)  # type: ignore[arg-type]

    def _note(self, what: str) -> None:
        self.world.note("chaos", what)
