"""The simulated company: sites, instances, zones, images and replication, and everything that may happen to them.

What other parts of the simulator rely on (the classes are in `simulator.model`):

- `World.seed()` is the company of the demo, `World.load(path)` that of a world file; `reset()` makes it fresh *in
  place*, so a part may keep the world for ever, but not the objects inside it.
- Resolvers: `zones_for_vpc(vpc)` are the zones that a VPC sees; `record_for_vpc(vpc)` is the `@` record that steers its
  pulls; `address_of(name)` is the public answer for an instance's own name. `Record.served` is `Status == ENABLE`.
- Registries: `instance_answering(address_or_name)` is the instance behind a public or link address or a public name;
  `Instance.tag("core/api", "1.0.0").image` has manifest, config and layer bytes; its host names are properties.
- `reaches(vpc, address)` tells whether packets get from a VPC to an address, `admits(instance, vpc)` whether the
  instance's public access list lets that VPC in.
- `push(instance, repo, tag)` writes an image with a fresh digest and queues one PENDING task for each automatic rule
  (`SyncTrigger` PASSIVE) whose source it is, all with one batch id. The replication engine moves `tasks` on and calls
  `land(task)`, which copies `task.image` to the target or returns the vendor's `TaskIssue`; under faults it calls
  `land_falsely(task)` or `land_in_part(task)` instead.
- `logins` are the passwords that were handed out for pulling.
- `is_time_stuck(instance)` tells whether what changes in an instance leaves the time of its repository as it was.
"""

import copy
import dataclasses
import ipaddress
import itertools
import math
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from random import Random

from simulator.generator import Generation
from simulator.images import Image, sha256
from simulator.logins import Logins
from simulator.model import (
    AUTOMATIC,
    OPEN,
    SOURCES,
    ChangeLog,
    Instance,
    Push,
    Record,
    Site,
    State,
    SyncRule,
    SyncTask,
    Zone,
)
from simulator.repositories import Repository, Tag
from simulator.world_file import read

FIRST_ID = 100_001
"""Above whatever a world file's own repositories are numbered with: ids in one instance must differ."""
KEPT_TASKS = 20_000


class World:
    """Hold the state of the company, answer questions about it, and let things happen to it."""

    def __init__(self, state: State, now_ms: Callable[[], int]) -> None:
        self._fresh = copy.deepcopy(state)
        self._ids = itertools.count(FIRST_ID)
        self.state = state
        self.now_ms = now_ms
        self.created_ms = now_ms()
        self.logins = Logins(now_ms)
        self.is_time_stuck: Callable[[Instance], bool] = lambda _: False

    @classmethod
    def seed(cls, *more: Generation) -> "World":
        """Build the company of the demo."""
        return cls.load(Path(__file__).with_name("seed.yaml"), *more)

    @classmethod
    def load(cls, path: Path, *more: Generation) -> "World":
        """Build the company of a world file, with more images in it; ValueError says in a sentence what is wrong."""
        return cls(read(path, wall_clock_ms(), more), wall_clock_ms)

    def reset(self) -> None:
        """Make the world as it was when it was loaded."""
        self.state = copy.deepcopy(self._fresh)

    @property
    def domain(self) -> str:
        return self.state.domain

    @property
    def sites(self) -> dict[str, Site]:
        return self.state.sites

    @property
    def instances(self) -> dict[str, Instance]:
        return self.state.instances

    @property
    def zones(self) -> dict[str, Zone]:
        return self.state.zones

    @property
    def rules(self) -> dict[str, SyncRule]:
        return self.state.rules

    @property
    def tasks(self) -> list[SyncTask]:
        return self.state.tasks

    @property
    def vpcs(self) -> dict[str, Site]:
        """Every VPC in which somebody pulls, with its site."""
        return {vpc: site for site in self.sites.values() for vpc in site.vpcs}

    def zones_for_vpc(self, vpc: str) -> list[Zone]:
        return [zone for zone in self.zones.values() if vpc in zone.vpcs]

    def view(self, vpc: str, name: str | None = None) -> Zone | None:
        """Find the zone that holds the custom domain for this VPC."""
        return next((zone for zone in self.zones_for_vpc(vpc) if zone.name == (name or self.domain)), None)

    def record_for_vpc(self, vpc: str) -> Record | None:
        """Find the enabled `@` record that steers this VPC's pulls."""
        zone = self.view(vpc)
        return next((record for record in zone.records if record.rr == "@" and record.served), None) if zone else None

    def site_of_zone(self, zone: Zone) -> Site | None:
        return next((site for site in self.sites.values() if set(site.vpcs) & set(zone.vpcs)), None)

    def find_record(self, record_id: int) -> tuple[Zone, Record] | None:
        pairs = ((zone, record) for zone in self.zones.values() for record in zone.records)
        return next((pair for pair in pairs if pair[1].id == record_id), None)

    def instance_answering(self, address_or_name: str) -> Instance | None:
        """Find the instance behind a public address, a link address or one of the instance's own names."""
        wanted = address_or_name.rstrip(".").lower()
        for instance in self.instances.values():
            if wanted in instance.addresses or wanted in (instance.public_domain, instance.vpc_domain):
                return instance
        return None

    def address_of(self, name: str) -> str | None:
        """Answer as public DNS would for the public name of an instance."""
        wanted = name.rstrip(".").lower()
        instances = self.instances.values()
        return next((each.endpoint.address for each in instances if each.public_domain == wanted), None)

    def reaches(self, vpc: str, address: str) -> bool:
        """Tell whether packets get from a VPC to an address: public ones always do, link addresses need a route."""
        for instance in self.instances.values():
            for link in instance.links:
                if link.address == address:
                    return link.vpc == vpc or (vpc, link.vpc) in self.state.routes
        return self.instance_answering(address) is not None

    def admits(self, instance: Instance, vpc: str) -> bool:
        """Tell whether an instance's public access list admits every address that a VPC's callers may come from."""
        if instance.endpoint.acl is None:
            return True
        admitted = [ipaddress.ip_network(entry) for entry in instance.endpoint.acl]
        egress = [ipaddress.ip_network(entry) for entry in self.vpcs[vpc].egress]
        return bool(egress) and all(_inside(source, admitted) for source in egress)

    def push(self, instance: str, repo: str, tag: str) -> Image:
        """Push an image with a fresh digest, and queue its replication by the automatic rules."""
        home = self._instance(instance)
        present = home.repositories.get(repo)
        if present and present.immutable and tag in present.tags:
            raise ValueError(f"{repo} of {instance} is immutable and has the tag {tag}.")
        image = Image(f"{instance}/{repo}:{tag}@{self.now_ms()}-{next(self._ids)}")
        self.put(instance, repo, tag, image)
        self.state.pushes.append(Push(instance, repo, tag, self.now_ms()))
        batch = f"rsb-{next(self._ids):08d}"
        for rule in self.rules.values():
            is_source = rule.source == instance and home.specification in SOURCES
            if is_source and rule.trigger == AUTOMATIC and rule.covers(repo, tag):
                self.queue(self._task(rule, batch, repo, tag, image))
        return image

    def put(self, instance: str, repo: str, tag: str, image: Image) -> None:
        """Write an image as a registry does: the repository comes into being where its namespace lets it."""
        home = self._instance(instance)
        if repo not in home.repositories:
            home.add(self._repository(home, repo))
        tags = home.repositories[repo].tags
        before = tags.pop(tag, None)
        tags[tag] = Tag(tag, image, self.now_ms(), before.image if before else None)
        self._touch(home, repo)

    def delete(self, instance: str, repo: str, tag: str) -> None:
        """Delete a tag here and nowhere else: replication carries no deletions."""
        home = self._instance(instance)
        repository = home.repositories.get(repo)
        if repository is None or tag not in repository.tags:
            raise ValueError(f"{instance} has no {repo}:{tag}.")
        del repository.tags[tag]
        self._touch(home, repo)

    def queue(self, task: SyncTask) -> None:
        """Queue a copy and settle what will become of it; forget the oldest finished ones of a long day."""
        behaviour = self.state.behaviour
        random = Random(f"{behaviour.seed}:{task.id}")
        task.pace = math.exp(behaviour.spread * random.gauss(0, 1))
        task.lies = random.random() < behaviour.false_success
        task.fails_with = "NETWORK_ERROR" if random.random() < behaviour.failures else None
        self.tasks.append(task)
        if len(self.tasks) > KEPT_TASKS:
            old, new = self.tasks[: KEPT_TASKS // 2], self.tasks[KEPT_TASKS // 2 :]
            self.tasks[:] = [each for each in old if each.status in OPEN] + new

    def land(self, task: SyncTask) -> str | None:
        """Copy a task's image to its target; return the vendor's TaskIssue when the target refuses it."""
        if task.fails_with or self.instances[task.source].tag(task.repo, task.tag) is None:
            return task.fails_with or "INTERNAL_ERROR"  # nothing can be copied that was deleted meanwhile
        target, (repo, tag) = self.instances[task.target], task.lands_at
        present = target.repositories.get(repo)
        if present and tag in present.tags and present.tags[tag].image == task.image:
            present.tags[tag].lacks = frozenset()  # another copy brings what one before it did not
            return None
        if present and tag in present.tags and (present.immutable or not task.override):
            return "TAG_CONFLICT"
        if target.status != "RUNNING":
            return "INTERNAL_ERROR"
        try:
            self.put(task.target, repo, tag, task.image)
        except ValueError:
            return "INTERNAL_ERROR"  # the namespace does not exist at the target, or makes no repositories
        return None

    def land_falsely(self, task: SyncTask) -> str | None:
        """End a copy as `land` does, but let what the tag named before land, or nothing where it is new."""
        source = self.instances[task.source].tag(task.repo, task.tag)
        if source is None or source.previous is None:
            return None
        return self.land(dataclasses.replace(task, image=source.previous))

    def land_in_part(self, task: SyncTask) -> str | None:
        """End a copy as `land` does, but without the last image of an index, or without the layer of an image."""
        repo, name = task.lands_at
        before = self.instances[task.target].tag(repo, name)
        issue = self.land(task)
        tag = self.instances[task.target].tag(repo, name)
        if tag is not None and tag is not before:
            last = task.image.children[-1].digest if task.image.platforms else sha256(task.image.layer)
            tag.lacks = frozenset({last})
        return issue

    def log(self, zone: Zone, action: str, content: str, creator: str, entity: str = "PV_RECORD") -> None:
        """Write a line of the change log."""
        line = ChangeLog(next(self._ids), zone.id, zone.name, content, action, creator, self.now_ms(), entity)
        self.state.changes.append(line)

    def next_id(self) -> int:
        return next(self._ids)

    def _instance(self, name: str) -> Instance:
        if name not in self.instances:
            raise ValueError(f"No instance is called {name!r}. Known instances: {', '.join(self.instances)}.")
        return self.instances[name]

    def _touch(self, home: Instance, repo: str) -> None:
        if not self.is_time_stuck(home):
            home.repositories[repo].modified_ms = self.now_ms()

    def _repository(self, home: Instance, repo: str) -> Repository:
        namespace, slash, name = repo.partition("/")
        if not slash or not name or namespace not in home.namespaces:
            known = ", ".join(home.namespaces)
            raise ValueError(f"{repo!r} is not namespace/repository in a namespace of {home.id} ({known}).")
        if namespace in home.by_hand:
            raise ValueError(f"The namespace {namespace} of {home.id} lets no push or copy create a repository.")
        return Repository(f"crr-{home.id[4:]}{next(self._ids):08d}", namespace, name, self.now_ms())

    def _task(self, rule: SyncRule, batch: str, repo: str, tag: str, image: Image) -> SyncTask:
        now = self.now_ms()
        return SyncTask(
            f"rst-{next(self._ids):08d}", batch, rule.id, rule.source, rule.target, repo, tag, image, now, now
        )


Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def _inside(source: Network, admitted: Iterable[Network]) -> bool:
    return any(source.version == net.version and source.subnet_of(net) for net in admitted)  # type: ignore[arg-type]


def wall_clock_ms() -> int:
    return time.time_ns() // 1_000_000
