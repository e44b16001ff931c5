"""Fill a world with thousands of repositories: which there are is settled at once, their tags when somebody looks.

Everything follows from the seed, so that two runs see the same names and digests; times are told back from the start.
"""

import argparse
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from random import Random

from simulator.images import Image
from simulator.model import AUTOMATIC, SOURCES, SUCCESS, Instance, State, SyncRule, SyncTask
from simulator.repositories import Promise, Repository, Tag

DAY_MS = 86_400_000
MOST_REPOSITORIES, MOST_TAGS = 90_000, 10_000
MOST_TASKS = 2_000
COPY_MS = 9_000
PLATFORMS = ("amd64", "arm64")
SIZES = re.compile(r"([0-9]{1,9})(?:x([0-9]{1,9}))?(?:@([0-9]{1,9}))?")
COPIED, MISSING, DIFFERENT = "copied", "missing", "different"
FIRST_WORDS = ("order", "cart", "invoice", "ledger", "search", "route", "stock", "parcel", "tariff", "session", "media")
LAST_WORDS = (
    "api",
    "web",
    "worker",
    "gateway",
    "sync",
    "export",
    "cron",
    "admin",
    "model",
    "proxy",
    "store",
    "ui",
    "job",
)


@dataclass(frozen=True, slots=True)
class Generation:
    """What to make: how many repositories with how many tags at the source, and how far the targets fall short of it.

    Shares of images at a target: never copied (`missing`), still the push before (`different`), deleted at the source
    since (`extra`). Shares of repositories: not at the targets at all (`unshared`), with immutable tags (`immutable`),
    with images for several platforms (`indexes`).
    """

    repositories: int
    tags: int = 20
    seed: int = 1
    source: str = ""
    targets: list[str] = field(default_factory=list)
    namespaces: int = 20
    prefix: str = "team"
    days: int = 90
    missing: float = 0.01
    different: float = 0.005
    extra: float = 0.005
    unshared: float = 0.002
    immutable: float = 0.05
    indexes: float = 0.1

    def __post_init__(self) -> None:
        bounds = {
            "repositories": (self.repositories, MOST_REPOSITORIES),
            "tags": (self.tags, MOST_TAGS),
            "namespaces": (self.namespaces, 100),
            "days": (self.days, 3_650),
        }
        for name, (value, most) in bounds.items():
            if not 1 <= value <= most:
                raise ValueError(f"{name} of what is generated must be between 1 and {most:,}, not {value:,}.")
        for name in ("missing", "different", "extra", "unshared", "immutable", "indexes"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} of what is generated is a share between 0 and 1, not {getattr(self, name)}.")


def parse(text: str) -> Generation:
    """Read how many repositories, with how many tags, from which seed: 10000, 10000x20 or 10000x20@7."""
    said = SIZES.fullmatch(text)
    if said is None:
        raise ValueError(f"what to generate is said as 10000x20 or 10000x20@7, not {text!r}")
    repositories, tags, seed = (int(number) if number else None for number in said.groups())
    return Generation(repositories or 0, 20 if tags is None else tags, 1 if seed is None else seed)


def add_generate(parser: argparse.ArgumentParser) -> None:
    """Let a command line say what to generate."""

    def read(text: str) -> Generation:
        try:
            return parse(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from error

    said = "R more repositories with T tags each, as in 1000x20; RxT@S from the seed S"
    parser.add_argument("--generate", type=read, metavar="RxT", help=said)


def fill(state: State, wanted: Generation, now_ms: int) -> None:
    """Put what is wanted into a world: namespaces, a rule that covers them, repositories, and the last copies."""
    source, targets = _ends(state, wanted)
    for instance in (source, *targets):
        names = [f"{wanted.prefix}-{number:02d}" for number in range(wanted.namespaces)]
        instance.namespaces.extend(name for name in names if name not in instance.namespaces)
    plans = [_Plan(wanted, number, now_ms) for number in range(wanted.repositories)]
    for plan in plans:
        if plan.path in source.repositories:
            raise ValueError(f"{plan.path} is there already: what is generated twice needs another prefix.")
        source.add(plan.at_source(source))
        for target in targets if plan.is_shared else []:
            target.add(plan.at_target(target))
    if source.specification not in SOURCES:
        return
    rules = {target.id: _rule(state, wanted, source, target, now_ms) for target in targets}
    state.tasks.extend(itertools.islice(_copies(plans, rules, source, targets, now_ms), MOST_TASKS))


class _Plan:
    """One repository: everything about it that does not need its tags."""

    def __init__(self, wanted: Generation, number: int, now_ms: int) -> None:
        random = Random(f"{wanted.seed}:{number}")
        self.wanted, self.number, self.now_ms = wanted, number, now_ms
        self.namespace = f"{wanted.prefix}-{number % wanted.namespaces:02d}"
        self.name = f"{random.choice(FIRST_WORDS)}-{random.choice(LAST_WORDS)}-{number:05d}"
        self.path = f"{self.namespace}/{self.name}"
        span = wanted.days * DAY_MS
        self.newest_ms = now_ms - 60_000 - int(span * random.random() ** 3)
        self.step_ms = max(1, int(random.uniform(0.1, 1.0) * span / wanted.tags))
        self.is_immutable = random.random() < wanted.immutable
        self.is_shared = random.random() >= wanted.unshared
        self.platforms = PLATFORMS if random.random() < wanted.indexes else ()

    def at_source(self, instance: Instance) -> Repository:
        return self._repository(instance, Promise(self.wanted.tags, partial(_source_tags, self)), self.newest_ms)

    def at_target(self, instance: Instance) -> Repository:
        fates = self.fates(instance.id)
        count = sum((fate is not MISSING) + is_extra for fate, is_extra in fates)
        return self._repository(instance, Promise(count, partial(_target_tags, self, fates)), self.newest_ms + COPY_MS)

    def fates(self, target: str) -> list[tuple[str, bool]]:
        """Return for each tag what became of its copy, and whether a tag beside it is at the target alone."""
        wanted, random = self.wanted, Random(f"{self.wanted.seed}:{self.number}:{target}")
        return [(_fate(wanted, random.random()), random.random() < wanted.extra) for _ in range(wanted.tags)]

    def tags(self) -> Iterator[tuple[str, int]]:
        """Yield every tag with the time of its push, oldest first."""
        last = self.wanted.tags - 1
        for number in range(last + 1):
            yield (
                f"{1 + number // 100}.{number // 10 % 10}.{number % 10}",
                self.newest_ms - (last - number) * self.step_ms,
            )

    def image(self, tag: str, push: str = "") -> Image:
        return Image(f"{self.wanted.seed}/{self.path}:{tag}{push}", self.namespace, self.platforms)

    def _repository(self, instance: Instance, promise: Promise, modified_ms: int) -> Repository:
        number = len(instance.repositories) + 1
        created = self.newest_ms - self.wanted.tags * self.step_ms
        return Repository(
            f"crr-{instance.id[4:]}{number:08d}",
            self.namespace,
            self.name,
            created,
            immutable=self.is_immutable,
            modified_ms=modified_ms,
            promise=promise,
        )


def _fate(wanted: Generation, drawn: float) -> str:
    if drawn < wanted.missing:
        return MISSING
    return DIFFERENT if drawn < wanted.missing + wanted.different else COPIED


def _source_tags(plan: _Plan) -> dict[str, Tag]:
    return {tag: Tag(tag, plan.image(tag), at_ms) for tag, at_ms in plan.tags()}


def _target_tags(plan: _Plan, fates: list[tuple[str, bool]]) -> dict[str, Tag]:
    made: dict[str, Tag] = {}
    for (tag, at_ms), (fate, is_extra) in zip(plan.tags(), fates, strict=True):
        if is_extra:
            made[f"{tag}-rc"] = Tag(f"{tag}-rc", plan.image(f"{tag}-rc"), at_ms - COPY_MS)
        if fate is not MISSING:
            made[tag] = Tag(tag, plan.image(tag, "@before" if fate is DIFFERENT else ""), at_ms + COPY_MS)
    return made


def _ends(state: State, wanted: Generation) -> tuple[Instance, list[Instance]]:
    for name in (wanted.source, *wanted.targets):
        if name and name not in state.instances:
            raise ValueError(f"{name!r} is not under instances.")
    able = [each.id for each in state.instances.values() if each.specification in SOURCES]
    if not wanted.source and not able:
        raise ValueError("no instance has an edition that replication can start from, so name a source.")
    source = state.instances[wanted.source or able[0]]
    others = wanted.targets or [name for name in state.instances if name != source.id]
    return source, [state.instances[name] for name in others]


def _rule(state: State, wanted: Generation, source: Instance, target: Instance, now_ms: int) -> SyncRule:
    rule = SyncRule(
        f"crsr-{len(state.rules) + 1:08d}",
        f"{wanted.prefix} to {target.site}",
        source.id,
        target.id,
        scope="INSTANCE",
        namespace_filter=f"{wanted.prefix}-.*",
        created_ms=now_ms - wanted.days * DAY_MS,
    )
    return state.rules.setdefault(rule.id, rule)


def _copies(
    plans: list[_Plan], rules: dict[str, SyncRule], source: Instance, targets: list[Instance], now_ms: int
) -> Iterator[SyncTask]:
    """Yield the finished copies of what was pushed last, newest first, as far back as a day."""
    for plan in sorted(plans, key=lambda each: -each.newest_ms):
        if plan.newest_ms < now_ms - DAY_MS:
            return
        tag = list(plan.tags())[-1][0]
        for target in targets if plan.is_shared else []:
            if plan.fates(target.id)[-1][0] is COPIED:
                number = f"{plan.wanted.seed:04d}{plan.number:06d}{targets.index(target)}"
                names = (f"rst-{number}", f"rsb-{number}", rules[target.id].id, source.id, target.id, plan.path, tag)
                start, image = plan.newest_ms, plan.image(tag)
                yield SyncTask(*names, image, start, start + COPY_MS, status=SUCCESS, trigger=AUTOMATIC)
