"""Read a world file: YAML in, the state of a simulated company out, or one sentence about what is wrong with it."""

import dataclasses
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeVar

import yaml

from simulator import generator
from simulator.generator import Generation
from simulator.images import Image
from simulator.model import (
    AUTOMATIC,
    MAIN,
    SOURCES,
    SUCCESS,
    Behaviour,
    Endpoint,
    Instance,
    Link,
    Record,
    Site,
    State,
    SyncRule,
    SyncTask,
    Zone,
    share_cloud,
)
from simulator.repositories import Repository, Tag

DAY_MS = 86_400_000
RULE_DAYS = 20
KEYS = {
    "domain",
    "account",
    "accounts",
    "sites",
    "instances",
    "routes",
    "zones",
    "rules",
    "images",
    "generate",
    "replication",
    "critical",
}
IMAGE_KEYS = {"repo", "tags", "at", "count", "immutable", "platforms"}
NEEDED = ("domain", "sites", "instances", "zones")

NAMES: dict[object, str] = {str: "text", int: "a number", bool: "true or false"}

T = TypeVar("T")
Wire = dict[str, Any]


def read(path: Path, now_ms: int, more: Iterable[Generation] = ()) -> State:
    """Read a world file and generate `more` into it; ValueError says what is wrong with it."""
    try:
        document = yaml.load(path.read_text(encoding="utf-8"), getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506
        return _state(document, now_ms, more)
    except OSError as error:
        raise ValueError(f"Cannot read the world file {path}: {error.strerror}.") from error
    except yaml.YAMLError as error:
        raise ValueError(f"The world file {path} is not YAML: {' '.join(str(error).split())}") from error
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"The world file {path} does not fit: {error}") from error


def _state(document: object, now_ms: int, more: Iterable[Generation]) -> State:
    wire = _mapping(document, "the whole file")
    _refuse_keys(wire, KEYS, NEEDED, "the file")
    account = str(wire.get("account", "1000000000000001"))
    state = State(
        domain=str(wire["domain"]),
        account=account,
        accounts={MAIN: account, **{name: str(number) for name, number in wire.get("accounts", {}).items()}},
        sites={name: _build(Site, {"name": name, **_mapping(each, name)}) for name, each in wire["sites"].items()},
        instances={},
        zones={zone.id: zone for zone in (_zone(each, now_ms) for each in wire["zones"])},
        rules={},
        tasks=[],
        routes=[(source, target) for source, target in wire.get("routes", [])],
        critical=list(wire.get("critical", [])),
        behaviour=_build(Behaviour, _mapping(wire.get("replication", {}), "replication")),
    )
    state.instances.update({name: _instance(name, each, state) for name, each in wire["instances"].items()})
    _check_references(state)
    state.rules.update({rule.id: rule for rule in _rules(wire.get("rules", []), state, now_ms)})
    for entry in wire.get("images", []):
        _fill(entry, state, now_ms)
    wanted = [_build(Generation, _mapping(each, "an entry under generate")) for each in wire.get("generate", [])]
    for generation in (*wanted, *more):
        generator.fill(state, generation, now_ms)
    return state


def _zone(wire: Wire, now_ms: int) -> Zone:
    created = now_ms - 30 * DAY_MS
    records = [
        _build(Record, {"created_ms": created, "updated_ms": created, **_mapping(each, "a record")})
        for each in wire.get("records", [])
    ]
    return _build(Zone, {"created_ms": created, **_mapping(wire, "a zone"), "records": records})


def _instance(name: str, wire: Wire, state: State) -> Instance:
    wire = dict(_mapping(wire, name))
    if wire.get("site") not in state.sites:
        raise ValueError(f"{name} has the site {wire.get('site')!r}, which is not under sites.")
    endpoint = Endpoint(wire.pop("public_address"), wire.pop("public", True), wire.pop("acl", None))
    links = [_build(Link, _mapping(each, f"a link of {name}")) for each in wire.pop("links", [])]
    defaults = {"custom_domains": [state.domain], "namespaces": [], "region": state.sites[wire["site"]].region}
    if (account := wire.get("account", MAIN)) not in state.accounts:
        raise ValueError(f"{name} belongs to the account {account!r}, which is not under accounts.")
    return _build(Instance, {**defaults, **wire, "id": name, "endpoint": endpoint, "links": links})


def _rules(wires: list[Wire], state: State, now_ms: int) -> list[SyncRule]:
    return [_rule(number, dict(_mapping(wire, "a rule")), state, now_ms) for number, wire in enumerate(wires, 1)]


def _rule(number: int, wire: Wire, state: State, now_ms: int) -> SyncRule:
    """Build a rule, whose scope follows from what it names and whose time from `days_old`."""
    scope = "REPO" if wire.get("repo") else "NAMESPACE" if wire.get("namespace") else "INSTANCE"
    created = now_ms - wire.pop("days_old", RULE_DAYS) * DAY_MS
    rule = _build(SyncRule, {"id": f"crsr-{number:08d}", "scope": scope, "created_ms": created, **wire})
    for end in (rule.source, rule.target):
        _known(end, state)
    if state.instances[rule.source].specification not in SOURCES:
        raise ValueError(f"the rule {rule.name!r} starts at {rule.source}; only {SOURCES[0]} can be a source.")
    if not share_cloud(*(state.instances[end].region for end in (rule.source, rule.target))):
        raise ValueError(f"the rule {rule.name!r} leads from one cloud to another.")
    return rule


def _fill(wire: Wire, state: State, now_ms: int) -> None:
    """Place images; `count` with `{n}` in the repository's name makes many repositories of one entry."""
    _refuse_keys(wire, IMAGE_KEYS, ("repo", "tags", "at"), "an entry under images")
    for number in range(wire.get("count", 1)):
        repo = str(wire["repo"]).replace("{n}", f"{number:04d}")
        for tag in map(str, wire["tags"]):
            image = Image(f"{repo}:{tag}", platforms=tuple(wire.get("platforms", ())))
            for name in wire["at"]:
                repository = _made(_known(name, state), repo, immutable=wire.get("immutable", False), now_ms=now_ms)
                repository.tags[tag] = Tag(tag, image, now_ms - DAY_MS)
            _remember(state, repo, tag, image, wire["at"], now_ms)


def _made(instance: Instance, repo: str, *, immutable: bool, now_ms: int) -> Repository:
    namespace, _, name = repo.partition("/")
    if namespace not in instance.namespaces or not name:
        raise ValueError(f"{repo!r} is in no namespace of {instance.id}.")
    if repo not in instance.repositories:
        number = f"crr-{instance.id[4:]}{len(instance.repositories) + 1:08d}"
        pushed, created = now_ms - DAY_MS, now_ms - 20 * DAY_MS
        instance.add(Repository(number, namespace, name, created, immutable=immutable, modified_ms=pushed))
    return instance.repositories[repo]


def _remember(state: State, repo: str, tag: str, image: Image, at: list[str], now_ms: int) -> None:
    """Add the task that must have carried an image which is at both ends of an automatic rule."""
    for rule in state.rules.values():
        if rule.trigger == AUTOMATIC and rule.source in at and rule.target in at and rule.covers(repo, tag):
            number = len(state.tasks) + 1
            start = now_ms - DAY_MS
            names = (f"rst-seed{number:06d}", f"rsb-seed{number:06d}", rule.id, rule.source, rule.target, repo, tag)
            state.tasks.append(SyncTask(*names, image, start, start + 9_000, status=SUCCESS))


def _check_references(state: State) -> None:
    for site in state.sites.values():
        _known(site.instance, state)
        for other in site.standby:
            if other not in state.sites:
                raise ValueError(f"{site.name} has the standby {other!r}, which is not under sites.")
    ids = [record.id for zone in state.zones.values() for record in zone.records]
    if len(ids) != len(set(ids)):
        raise ValueError("two records have the same id.")


def _known(name: str, state: State) -> Instance:
    if name not in state.instances:
        raise ValueError(f"{name!r} is not under instances.")
    return state.instances[name]


def _build(kind: type[T], wire: Wire) -> T:
    fields = dataclasses.fields(kind)  # type: ignore[arg-type]
    missing = dataclasses.MISSING
    needed = tuple(each.name for each in fields if each.default is missing and each.default_factory is missing)
    where = f"the {kind.__name__.lower()} {wire.get('name', wire.get('id', ''))}".strip()
    _refuse_keys(wire, {each.name for each in fields}, needed, where)
    for each in fields:
        if each.type in (str, int, bool) and type(wire.get(each.name, each.default)) not in (each.type, type(missing)):
            raise ValueError(f"{where}: {each.name} must be {NAMES[each.type]}, not {wire[each.name]!r}.")
    return kind(**wire)


def _refuse_keys(wire: Wire, known: set[str], needed: tuple[str, ...], where: str) -> None:
    if unknown := sorted(set(wire) - known):
        raise ValueError(f"{where} has the unknown key {unknown[0]!r}; known are {', '.join(sorted(known))}.")
    if lacking := [key for key in needed if key not in wire]:
        raise ValueError(f"{where} lacks {lacking[0]!r}.")


def _mapping(value: object, where: str) -> Wire:
    if not isinstance(value, dict):
        raise ValueError(f"{where} must be a mapping.")
    return value
