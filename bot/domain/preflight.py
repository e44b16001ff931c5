"""What speaks for and against a failover: small rules, each plan's circumstances in and one finding out.

Each code declares what FAIL and what UNKNOWN do to the verdict, in RULES. The same function makes the findings that
are shown and those that are enforced right before the write.
"""

import ipaddress
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from bot.domain.access import Policy
from bot.domain.critical_images import weigh
from bot.domain.moves import Move, changed_often, repeated, taken_back
from bot.domain.plan import Change, Effect, Finding, Level
from bot.domain.snapshot import (
    Answer,
    Instance,
    Replication,
    Silence,
    SiteState,
    Snapshot,
    Unknown,
    ViewState,
    movable_value,
    serving_site,
)
from bot.domain.topology import Route, Site

CERTIFICATE_WARNING = timedelta(days=14)

Outcome = tuple[Level, str]


@dataclass(frozen=True, slots=True)
class Circumstances:
    """All that the rules look at."""

    away: Site
    to: Site
    route: Route
    domains: tuple[str, ...]
    changes: tuple[Change, ...]
    snapshot: Snapshot
    policy: Policy

    @property
    def standby(self) -> SiteState:
        """Return what was seen of the site that takes over."""
        return self.snapshot.sites[self.to.name]

    @property
    def home(self) -> SiteState:
        """Return what was seen of the site that has failed."""
        return self.snapshot.sites[self.away.name]

    @property
    def moves(self) -> list[Move]:
        """Return what was done lately to the very records that would change."""
        records = {change.existing.record_id for change in self.changes}
        return [move for move in self.snapshot.moves if move.record_id in records]


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule with the weight of its bad outcomes."""

    code: str
    judge: Callable[[Circumstances], Outcome | None]
    on_fail: Effect
    on_unknown: Effect


def preflight(circumstances: Circumstances) -> tuple[Finding, ...]:
    """Judge the circumstances by every rule that applies."""
    findings = (_finding(rule, rule.judge(circumstances)) for rule in RULES)
    return tuple(finding for finding in findings if finding is not None)


def _finding(rule: Rule, outcome: Outcome | None) -> Finding | None:
    if outcome is None:
        return None
    level, sentence = outcome
    effects = {
        Level.PASS: Effect.NONE,
        Level.WARN: Effect.WARNS,
        Level.FAIL: rule.on_fail,
        Level.UNKNOWN: rule.on_unknown,
    }
    return Finding(rule.code, level, effects[level], sentence)


def _standby_instance(c: Circumstances) -> Outcome:
    instance = c.standby.instance
    if isinstance(instance, Unknown):
        return Level.UNKNOWN, f"Nobody can tell whether the instance at {c.to.name} runs: {instance.reason}."
    if not instance.is_running:
        return Level.FAIL, f"The instance at {c.to.name} is {instance.status}, not RUNNING."
    return Level.PASS, f"The instance at {c.to.name} is RUNNING."


def _standby_answers(c: Circumstances) -> Outcome:
    answer = c.snapshot.standby_answer
    if isinstance(answer, Unknown):
        return Level.UNKNOWN, f"Whether {c.to.name} answers pulls is not observable from here: {answer.reason}."
    if isinstance(answer, Silence):
        return Level.FAIL, f"{c.to.name} does not answer pulls: {answer.reason}."
    if answer.instance_id != c.to.instance:
        named = answer.instance_id or "no instance"
        return Level.FAIL, f"{answer.dialled} answers as {named}, not as {c.to.instance} of {c.to.name}."
    return Level.PASS, f"{c.to.name} answers pulls under the custom name."


def _certificate(c: Circumstances) -> Outcome | None:
    answer = c.snapshot.standby_answer
    if not isinstance(answer, Answer) or answer.certificate_expires_at is None:
        return None
    left = answer.certificate_expires_at - answer.at
    if left <= timedelta(0):
        return Level.FAIL, f"The certificate at {c.to.name} has expired."
    if left <= CERTIFICATE_WARNING:
        return Level.WARN, f"The certificate at {c.to.name} expires in {left.days} days."
    return Level.PASS, f"The certificate at {c.to.name} is valid for {left.days} more days."


def _custom_domain(c: Circumstances) -> Outcome:
    endpoints = c.standby.endpoints
    if isinstance(endpoints, Unknown):
        return Level.UNKNOWN, f"Whether {c.to.name} carries the custom name is unknown: {endpoints.reason}."
    absent = [domain for domain in c.domains if domain not in endpoints.internet.custom_domains]
    if absent and c.route is Route.INTERNAL and not endpoints.internet.enabled:
        # the endpoint call is the only one that lists custom names, and it lists none while the endpoint is off
        return Level.UNKNOWN, (
            f"Whether {c.to.name} carries the custom name {', '.join(absent)} cannot be seen while its public endpoint "
            "is off."
        )
    if absent:
        return Level.FAIL, f"{c.to.name} does not carry the custom name {', '.join(absent)}, so TLS would fail."
    return Level.PASS, f"{c.to.name} carries the custom name."


def _access_list(c: Circumstances) -> Outcome | None:
    endpoints = c.standby.endpoints
    if c.route is not Route.INTERNET or isinstance(endpoints, Unknown) or not endpoints.internet.acl_enabled:
        return None
    if not c.away.egress:
        return Level.UNKNOWN, (
            f"{c.to.name} admits only listed addresses, and registry.yaml names no egress of {c.away.name}."
        )
    shut_out = [egress for egress in c.away.egress if not _is_admitted(egress, endpoints.internet.acl_entries)]
    if shut_out:
        return Level.FAIL, f"The access list of {c.to.name} does not admit {', '.join(shut_out)} of {c.away.name}."
    return Level.PASS, f"The access list of {c.to.name} admits {c.away.name}."


def _is_admitted(egress: str, entries: tuple[str, ...]) -> bool:
    network = ipaddress.ip_network(egress, strict=False)
    return any(_holds(entry, network) for entry in entries)


def _holds(entry: str, network: ipaddress.IPv4Network | ipaddress.IPv6Network) -> bool:
    try:
        admitted = ipaddress.ip_network(entry, strict=False)
    except ValueError:
        return False
    if isinstance(admitted, ipaddress.IPv4Network) and isinstance(network, ipaddress.IPv4Network):
        return network.subnet_of(admitted)
    if isinstance(admitted, ipaddress.IPv6Network) and isinstance(network, ipaddress.IPv6Network):
        return network.subnet_of(admitted)
    return False


def _current_value(c: Circumstances) -> Outcome:
    for change in c.changes:
        serving = serving_site(change.existing.value, c.snapshot.sites)
        if isinstance(serving, Unknown):
            is_blind = any(isinstance(state.endpoints, Unknown) for state in c.snapshot.sites.values())
            level = Level.UNKNOWN if is_blind else Level.FAIL
            return level, f"The present value of {change.view} is not recognised: {serving.reason}."
    return Level.PASS, "The present value of every view belongs to a configured site."


def _home_is_down(c: Circumstances) -> Outcome:
    answer, instance = c.snapshot.home_answer, c.home.instance
    if isinstance(answer, Silence):
        return Level.PASS, f"{c.away.name} does not answer pulls: {answer.reason}."
    if isinstance(instance, Instance) and not instance.is_running:
        return Level.PASS, f"The instance at {c.away.name} is {instance.status}."
    if isinstance(answer, Answer):
        return Level.WARN, f"{c.away.name} answers pulls right now: is this failover needed?"
    return Level.UNKNOWN, f"Whether {c.away.name} still answers pulls is unknown: {answer.reason}."


def _critical_images(c: Circumstances) -> Outcome | None:
    replication = c.snapshot.replication
    if isinstance(replication, Unknown):
        return Level.UNKNOWN, f"Whether {c.to.name} has the critical images is unknown: {replication.reason}."
    comparison = replication.comparison
    if isinstance(comparison, Unknown):
        return Level.UNKNOWN, f"Whether {c.to.name} has the critical images is unknown: {comparison.reason}."
    return weigh(comparison, c.snapshot.taken_at)


def _replication_backlog(c: Circumstances) -> Outcome | None:
    replication = c.snapshot.replication
    if not isinstance(replication, Replication) or isinstance(replication.feed, Unknown):
        return None
    ours = [t for t in replication.feed.tasks if (t.from_instance, t.to_instance) == (c.away.instance, c.to.instance)]
    waiting = sum(task.status in ("PENDING", "SYNCHRONIZING") for task in ours)
    failed = sum(task.status == "ERROR" for task in ours)
    if waiting or failed:
        return Level.WARN, f"Replication to {c.to.name}: unfinished copies {waiting}, failed {failed}."
    return Level.PASS, f"No copy to {c.to.name} is unfinished or failed."


def _way_back(c: Circumstances) -> Outcome | None:
    instance = c.standby.instance
    if isinstance(instance, Instance) and not instance.can_replicate_out:
        return Level.WARN, (
            f"{c.to.name} is {instance.edition.removeprefix('Enterprise_')} edition: what is pushed there meanwhile "
            f"will not be copied back to {c.away.name}."
        )
    return None


def _anti_flap(c: Circumstances) -> Outcome | None:
    way, now, within = (c.away.name, c.to.name), c.snapshot.taken_at, c.policy.anti_flap
    there = {state.view for state in _there(c)}
    back = {change.existing.record_id for change in c.changes if change.view not in there}
    again = [move for move in c.moves if move.record_id in back]
    told = taken_back(c.moves, *way, now, within) or repeated(again, *way, now, within)
    return (Level.WARN, told) if told else None


def _changes_an_hour(c: Circumstances) -> Outcome | None:
    names = {change.existing.record_id: str(change.view) for change in c.changes}
    told = changed_often(c.moves, names, c.snapshot.taken_at)
    return (Level.WARN, told) if told else None


def _left_behind(c: Circumstances) -> Outcome | None:
    """Name the VPCs of other sites that pull from the failed one too: a plan moves only its own site's views."""
    behind = [state.view for state in c.snapshot.bystanders if _pulls_from(c, state, c.away)]
    if not behind:
        return None
    vpcs = ", ".join(vpc for view in behind for vpc in view.vpcs)
    sites = ", ".join(f"`registry-bot manual {name}`" for name in dict.fromkeys(view.site for view in behind))
    return Level.WARN, f"{vpcs} pulls from {c.away.name} too and is NOT moved by this plan; by hand: {sites}."


def _already_there(c: Circumstances) -> Outcome | None:
    there = [state.view for state in _there(c)]
    if not there:
        return None
    vpcs = ", ".join(vpc for view in there for vpc in view.vpcs)
    return Level.WARN, f"{vpcs} already pulls from {c.to.name}: this changes only by which route."


def _there(c: Circumstances) -> list[ViewState]:
    return [state for state in c.snapshot.views if _pulls_from(c, state, c.to)]


def _pulls_from(c: Circumstances, state: ViewState, site: Site) -> bool:
    value = movable_value(state)
    return not isinstance(value, Unknown) and serving_site(value, c.snapshot.sites) == site


def _opposed(c: Circumstances) -> Outcome | None:
    if not c.snapshot.opposed_by:
        return None
    ids = ", ".join(c.snapshot.opposed_by)
    return Level.WARN, f"{ids} is open and would move pulls to {c.away.name}, the site that this plan leaves."


RULES = (
    Rule("STANDBY_RUNNING", _standby_instance, on_fail=Effect.BLOCKS, on_unknown=Effect.BLOCKS),
    Rule("STANDBY_ANSWERS", _standby_answers, on_fail=Effect.BLOCKS, on_unknown=Effect.LOSS),
    Rule("CERTIFICATE", _certificate, on_fail=Effect.BLOCKS, on_unknown=Effect.WARNS),
    Rule("CUSTOM_DOMAIN", _custom_domain, on_fail=Effect.BLOCKS, on_unknown=Effect.LOSS),
    Rule("ACCESS_LIST", _access_list, on_fail=Effect.BLOCKS, on_unknown=Effect.LOSS),
    Rule("CURRENT_VALUE", _current_value, on_fail=Effect.BLOCKS, on_unknown=Effect.WARNS),
    Rule("LEFT_BEHIND", _left_behind, on_fail=Effect.WARNS, on_unknown=Effect.WARNS),
    Rule("ALREADY_THERE", _already_there, on_fail=Effect.WARNS, on_unknown=Effect.WARNS),
    Rule("OPPOSED", _opposed, on_fail=Effect.WARNS, on_unknown=Effect.WARNS),
    Rule("CRITICAL_IMAGES", _critical_images, on_fail=Effect.LOSS, on_unknown=Effect.LOSS),
    Rule("HOME_DOWN", _home_is_down, on_fail=Effect.WARNS, on_unknown=Effect.WARNS),
    Rule("REPLICATION", _replication_backlog, on_fail=Effect.WARNS, on_unknown=Effect.WARNS),
    Rule("WAY_BACK", _way_back, on_fail=Effect.WARNS, on_unknown=Effect.WARNS),
    Rule("ANTI_FLAP", _anti_flap, on_fail=Effect.WARNS, on_unknown=Effect.WARNS),
    Rule("CHANGES_AN_HOUR", _changes_an_hour, on_fail=Effect.WARNS, on_unknown=Effect.WARNS),
)
"""Every rule, in the order in which findings are shown."""
