"""The part of the control API about images: pushes, deletions, how replication behaves, call limits, and the truth."""

import dataclasses
from collections.abc import Callable
from typing import Any

from aiohttp import web

from simulator import editing
from simulator.alibaba.flow import Limit
from simulator.alibaba.server import Alibaba
from simulator.model import SyncTask
from simulator.pushes import Pushers
from simulator.truth import truth
from simulator.world import World

MOST_SHOWN = 1_000
Wire = dict[str, Any]


class ReplicationControl:
    """What can be done to images and their copies, by the name of the call."""

    def __init__(self, world: World, pushers: Pushers, alibaba: Alibaba | None) -> None:
        self._world, self._pushers, self._alibaba = world, pushers, alibaba
        self.acts: dict[str, Callable[[Wire], Any]] = {
            "push": self._push,
            "delete": self._delete,
            "push_one": self._push_one,
            "pushes": self._set_pushes,
            "replication": self._set_behaviour,
            "limits": self._set_limit,
        }

    @property
    def page_acts(self) -> dict[str, Callable[[Wire], Any]]:
        """What a person may do on the workspace page."""
        return {name: self.acts[name] for name in ("push_one", "pushes")}

    async def show_truth(self, request: web.Request) -> web.Response:
        """Tell what the target has of the source: counts of everything, and names as far as there are not too many."""
        query = request.query
        found = truth(self._world, query.get("source", ""), query.get("target", ""), query.get("glob", "*"))
        shown: Wire = {"counts": found.counts}
        for name in ("missing", "different", "extra"):
            shown[name] = sorted(getattr(found, name))[:MOST_SHOWN]
        return web.json_response(shown)

    def describe(self, name: str) -> Wire:
        """Tell everything about an instance: its digests, or of a very large one how many tags a repository has."""
        instance = self._world.instances[name]
        is_large = len(instance.repositories) > MOST_SHOWN
        repositories = {
            path: repository.count if is_large else {tag.name: tag.image.digest for tag in repository.tags.values()}
            for path, repository in instance.repositories.items()
        }
        return editing.describe(instance) | {"repositories": repositories}

    def _push(self, wire: Wire) -> Wire:
        image = self._world.push(*(text(wire, name) for name in ("instance", "repo", "tag")))
        return {"digest": image.digest}

    def _push_one(self, wire: Wire) -> None:
        self._pushers.push(text(wire, "instance"))

    def _delete(self, wire: Wire) -> None:
        self._world.delete(*(text(wire, name) for name in ("instance", "repo", "tag")))

    def _set_pushes(self, wire: Wire) -> dict[str, int]:
        return self._pushers.set(text(wire, "instance"), _whole(wire, "per_minute"))

    def _set_behaviour(self, wire: Wire) -> Wire:
        behaviour = self._world.state.behaviour
        for name, value in wire.items():
            known = getattr(behaviour, name, None)
            if known is None or type(value) not in (type(known), int):
                raise ValueError(
                    f"replication takes lag_ms, spread, false_success, failures, seed; not {name}: {value!r}."
                )
        self._world.state.behaviour = dataclasses.replace(behaviour, **wire)
        return dataclasses.asdict(self._world.state.behaviour)

    def _set_limit(self, wire: Wire) -> Wire:
        """Limit one call, or `*`; a limit without qps is taken away."""
        if self._alibaba is None:
            raise ValueError("This simulator runs without Alibaba Cloud.")
        limits, action = self._alibaba.cloud.flow.limits, text(wire, "action")
        limits.pop(action, None)
        if wire.get("qps"):
            given = {name: wire[name] for name in ("qps", "retry_after_ms", "code") if name in wire}
            if not all(type(given.get(name, 0)) in (int, float) for name in ("qps", "retry_after_ms")):
                raise ValueError("qps and retry_after_ms are numbers.")
            limits[action] = Limit(**given)
        return {name: dataclasses.asdict(limit) for name, limit in limits.items()}


def describe_task(task: SyncTask) -> Wire:
    """Tell everything about a copy."""
    return {each.name: getattr(task, each.name) for each in dataclasses.fields(task)} | {"image": task.image.digest}


def text(wire: Wire, name: str) -> str:
    """Read a text that must be there."""
    value = wire.get(name)
    if not isinstance(value, str):
        raise ValueError(f"{name} is needed, as a text.")
    return value


def _whole(wire: Wire, name: str) -> int:
    value = wire.get(name)
    if type(value) is not int:
        raise ValueError(f"{name} is needed, as a whole number.")
    return value
