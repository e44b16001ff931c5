"""Values for tests: name only what matters, the rest fits together as one small company with two sites."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any

from bot.domain.access import Access, Identity, People, Person, Policy, Role
from bot.domain.comparing import Comparer, Critical
from bot.domain.differences import Side
from bot.domain.draft import Draft
from bot.domain.freeze import Freeze
from bot.domain.inventory import Coverage, Repository, Tag
from bot.domain.operation import LEASE, Lease, Operation, Progress, Requester, State, SubState, Verb, Vote
from bot.domain.plan import Change, Effect, Finding, Kind, Level, Plan
from bot.domain.record import Record, Zone
from bot.domain.snapshot import (
    Answer,
    Comparison,
    Endpoints,
    Instance,
    InternetEndpoint,
    Replication,
    SiteState,
    Snapshot,
    SyncRule,
    TaskFeed,
    ViewState,
    VpcLink,
)
from bot.domain.topology import Account, Route, Site, Topology, View

NOW = datetime(2026, 11, 3, 3, 0, tzinfo=UTC)
DOMAIN = "cross-region.registry.io"
WORKSPACE = "T01SIM"
CHANNEL = "C01OPS"
ON_CALL, APPROVER, APPROVER_ELSEWHERE, GUEST, OUTSIDER = "U01ONCALL", "U01APPROVER", "U09APPROVER", "U01GUEST", "U01OUT"
HOME_ADDRESS = {"hangzhou": "10.1.0.10", "zhangjiakou": "10.2.0.20"}
PUBLIC_NAME = {
    "hangzhou": "sim-a-registry.cn-hangzhou.cr.aliyuncs.com",
    "zhangjiakou": "sim-b-registry.cn-zhangjiakou.cr.aliyuncs.com",
}
VPC = {"hangzhou": "vpc-aaaaa", "zhangjiakou": "vpc-bbbbb"}
ZONE_ID = {"hangzhou": "zone-a", "zhangjiakou": "zone-b"}
RECORD_ID = {"hangzhou": "record-a", "zhangjiakou": "record-b"}
INSTANCE_ID = {"hangzhou": "cri-aaaaa", "zhangjiakou": "cri-bbbbb"}
RESOLVER = {"hangzhou": "127.0.0.1:5301", "zhangjiakou": "127.0.0.1:5302"}
IMAGES = MappingProxyType({"core/api:2.7.1": "1" * 64, "core/web:5.2.0": "2" * 64, "platform/base:base-1": "3" * 64})


def other(site: str) -> str:
    """Return the name of the other site."""
    return "hangzhou" if site == "zhangjiakou" else "zhangjiakou"


def a_view(site: str = "zhangjiakou", **fields: Any) -> View:
    """Return the one view of a site."""
    return replace(View(site, DOMAIN, (VPC[site],), ZONE_ID[site], RESOLVER[site]), **fields)


def a_site(name: str = "zhangjiakou", **fields: Any) -> Site:
    """Return a site whose standby is the other one."""
    aliases = {"hangzhou": ("hz", "杭州"), "zhangjiakou": ("zjk", "张家口")}
    site = Site(
        name=name,
        region=f"cn-{name}",
        instance=INSTANCE_ID[name],
        standby=(other(name),),
        views=(a_view(name),),
        internal_vpc=VPC[name],
        aliases=aliases[name],
        egress=("203.0.113.7/32",) if name == "zhangjiakou" else ("198.51.100.7/32",),
    )
    return replace(site, **fields)


def a_topology(*sites: Site, **fields: Any) -> Topology:
    """Return a topology of the given sites, or of both."""
    known = sites or (a_site("hangzhou"), a_site("zhangjiakou"))
    topology = Topology(
        sites={site.name: site for site in known},
        critical={DOMAIN: ("core/*", "platform/base:*")},
        internal_ranges=("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"),
        accounts={"main": Account("main")},
    )
    return replace(topology, **fields)


def a_person(name: str = "approver", *slack: str, roles: tuple[Role, ...] = (Role.APPROVER,)) -> Person:
    """Return a person with the given Slack ids."""
    return Person(name, slack or (APPROVER, APPROVER_ELSEWHERE), frozenset(roles))


def a_policy(**fields: Any) -> Policy:
    """Return a policy that admits the home channel and every incident channel."""
    return replace(Policy(channels=(CHANNEL, "inc-*"), home_channel=CHANNEL), **fields)


def an_access(**fields: Any) -> Access:
    """Return a workspace with an on-call who may request and approve, and an approver with two Slack accounts."""
    on_call = a_person("on-call", ON_CALL, roles=(Role.REQUESTER, Role.APPROVER))
    return replace(Access(WORKSPACE, People((on_call, a_person())), a_policy()), **fields)


def an_identity(user_id: str = APPROVER, **fields: Any) -> Identity:
    """Return what Slack says about a full member."""
    return replace(Identity(user_id, WORKSPACE, NOW), **fields)


def a_record(site: str = "zhangjiakou", **fields: Any) -> Record:
    """Return the `@` record of a site's zone, pointing home."""
    record = Record(
        RECORD_ID[site], ZONE_ID[site], "@", "A", HOME_ADDRESS[site], 60, weight=1, priority=1, remark="set by platform"
    )
    return replace(record, **fields)


def a_zone(site: str = "zhangjiakou", **fields: Any) -> Zone:
    """Return the zone bound to a site's VPC."""
    return replace(Zone(ZONE_ID[site], DOMAIN, "AUTH_ZONE", (VPC[site],)), **fields)


def a_change(site: str = "zhangjiakou", route: Route = Route.INTERNET, **fields: Any) -> Change:
    """Return the change that moves a site's view to the other site."""
    to = other(site)
    target = ("CNAME", PUBLIC_NAME[to]) if route is Route.INTERNET else ("A", HOME_ADDRESS[to])
    existing = a_record(site)
    desired = replace(existing, type=target[0], value=target[1])
    return replace(Change(a_view(site), a_zone(site), existing, desired), **fields)


def a_finding(**fields: Any) -> Finding:
    """Return a passed preflight rule."""
    return replace(Finding("TARGET_ANSWERS", Level.PASS, Effect.NONE, "Hangzhou answers."), **fields)


def a_plan(away: str = "zhangjiakou", route: Route = Route.INTERNET, **fields: Any) -> Plan:
    """Return a plan that moves one site's only view to the other site."""
    topology = a_topology()
    plan = Plan(
        kind=Kind.FAILOVER,
        workspace=WORKSPACE,
        away=away,
        to=other(away),
        route=route,
        changes=(a_change(away, route),),
        findings=(a_finding(),),
        policy_hash=an_access().policy_hash(topology.sites.values()),
        tool_version="0.1.0",
        nonce="0" * 32,
    )
    return replace(plan, **fields)


def a_freeze(**fields: Any) -> Freeze:
    """Return a freeze of everything by on-call, without an end."""
    return replace(Freeze("all", "on-call", ON_CALL, NOW, None, "storage migration"), **fields)


def a_vote(plan: Plan | None = None, verb: Verb = Verb.APPROVE, **fields: Any) -> Vote:
    """Return the approver's word on a plan."""
    digest = (plan or a_plan()).digest
    return replace(Vote("approver", APPROVER, verb, digest, NOW, NOW, mac="key1:mac"), **fields)


def a_lease(**fields: Any) -> Lease:
    """Return a claim that has just begun."""
    return replace(Lease("a" * 32, "bot-1", NOW + LEASE), **fields)


def an_operation(state: State = State.PENDING, **fields: Any) -> Operation:
    """Return a failover in a state, with the votes, lease and progress that belong to it."""
    plan = fields.pop("plan", None) or a_plan()
    operation = Operation(
        id="fo-7k2m",
        plan=plan,
        state=state,
        requester=Requester("on-call", ON_CALL),
        channel=CHANNEL,
        created_at=NOW,
        expires_at=NOW + timedelta(minutes=15),
        reason="the region is down",
        progress=tuple(Progress() for _ in plan.changes),
    )
    return replace(operation, **{**_belongings(state, plan), **fields})


def endpoints(site: str = "hangzhou", **fields: Any) -> Endpoints:
    """Return an open public endpoint and one running VPC link."""
    internet = InternetEndpoint(True, "RUNNING", PUBLIC_NAME[site], (DOMAIN,))
    return replace(Endpoints(internet, (VpcLink(VPC[site], HOME_ADDRESS[site], "RUNNING"),), NOW), **fields)


def an_instance(site: str = "hangzhou", **fields: Any) -> Instance:
    """Return a running instance."""
    letter = "a" if site == "hangzhou" else "b"
    return replace(Instance(INSTANCE_ID[site], f"sim-{letter}", "RUNNING", "Enterprise_Advanced"), **fields)


def a_site_state(site: str = "hangzhou", **fields: Any) -> SiteState:
    """Return a healthy site."""
    return replace(SiteState(a_site(site), an_instance(site), endpoints(site)), **fields)


def a_view_state(site: str = "zhangjiakou", **fields: Any) -> ViewState:
    """Return a view with its zone and its one record, pointing home."""
    return replace(ViewState(a_view(site), a_zone(site), (a_record(site),)), **fields)


def an_answer(site: str = "hangzhou", **fields: Any) -> Answer:
    """Return the challenge by which a site's instance names itself."""
    expires_at = NOW + timedelta(days=60)
    return replace(Answer(INSTANCE_ID[site], 401, PUBLIC_NAME[site], expires_at, NOW), **fields)


def a_comparison(
    identical: Iterable[str] = IMAGES,
    missing: Iterable[str] = (),
    different: Iterable[str] = (),
    *,
    kept_home: Coverage | None = None,
    kept_standby: Coverage | None = None,
    pushed_at: datetime | None = None,
    written_at: datetime | None = None,
) -> Comparison:
    """Return a comparison in which the standby has everything; a side is live unless it is kept."""
    home = kept_home or Coverage(INSTANCE_ID["zhangjiakou"], NOW)
    standby = kept_standby or Coverage(INSTANCE_ID["hangzhou"], NOW)
    sides = Side.of(a_site(), home), Side.of(a_site("hangzhou"), standby)
    ours, theirs = dict.fromkeys(missing, "1") | dict.fromkeys(different, "1"), dict.fromkeys(different, "2")
    same = dict.fromkeys(identical, "3")
    here = repositories_of(same | ours, home.as_of, pushed_at)
    there = repositories_of(same | theirs, standby.as_of, written_at)
    comparer = Comparer(*sides, Critical(("*",)))
    for path in sorted({*here, *there, *home.unread, *standby.unread}):
        comparer.add(path, here.get(path), there.get(path))
    return Comparison(comparer.result(), *sides, kept_home is None, kept_standby is None)


def repositories_of(
    images: Mapping[str, str], read_at: datetime | None = None, pushed_at: datetime | None = None
) -> dict[str, Repository]:
    """Return the repositories that hold these images, given with their digests, by path."""
    tags: dict[str, dict[str, Tag]] = {}
    for image, digest in images.items():
        path, _, tag = image.rpartition(":")
        tags.setdefault(path, {})[tag] = Tag(digest, pushed_at)
    return {path: Repository(path, f"crr-{path}", held, read_at or NOW, 1) for path, held in tags.items()}


def a_replication(home: str = "zhangjiakou", **fields: Any) -> Replication:
    """Return replication that has done its work."""
    to = other(home)
    rule = SyncRule("rule-1", "core", INSTANCE_ID[home], INSTANCE_ID[to], "NAMESPACE", True, "core")
    replication = Replication(a_site(home), a_site(to), (rule,), TaskFeed((), 0, NOW), a_comparison())
    return replace(replication, **fields)


def a_snapshot(away: str = "zhangjiakou", **fields: Any) -> Snapshot:
    """Return a snapshot in which everything speaks for moving a site's view."""
    sites: Mapping[str, SiteState] = {name: a_site_state(name) for name in VPC}
    to = other(away)
    snapshot = Snapshot(NOW, (a_view_state(away),), sites, an_answer(to), an_answer(away), a_replication(away))
    return replace(snapshot, **fields)


def a_draft(**fields: Any) -> Draft:
    """Return a plan with its snapshot."""
    return replace(Draft(a_plan(), a_snapshot()), **fields)


_DECIDED = frozenset(State) - {State.PENDING, State.REJECTED}
_CLAIMED = frozenset({State.APPLYING, State.VERIFYING})
_PROGRESS = {
    State.APPLYING: SubState.CLAIMED,
    State.VERIFYING: SubState.APPLIED,
    State.DONE: SubState.APPLIED,
    State.FAILED: SubState.FAILED,
    State.PARTIAL: SubState.FAILED,
    State.NEEDS_HUMAN: SubState.UNKNOWN,
}
_VERB = {State.REJECTED: Verb.REJECT, State.CANCELLED: Verb.CANCEL}


def _belongings(state: State, plan: Plan) -> dict[str, Any]:
    belongings: dict[str, Any] = {
        "progress": tuple(Progress(_PROGRESS.get(state, SubState.WAITING)) for _ in plan.changes)
    }
    if state is not State.PENDING and state is not State.EXPIRED:
        belongings["votes"] = (a_vote(plan, _VERB.get(state, Verb.APPROVE)),)
    if state in _DECIDED - {State.CANCELLED, State.EXPIRED}:
        belongings["approved_at"] = NOW
    if state in _CLAIMED:
        belongings["lease"] = a_lease()
    if state.is_terminal:
        belongings["ended_at"] = NOW + timedelta(minutes=1)
    return belongings
