"""/registry replication"""

import asyncio

from bot import messages
from bot.domain.access import Role
from bot.domain.grammar import known_name
from bot.domain.report import Question
from bot.domain.rule_audit import PairAudit
from bot.domain.topology import Site, Topology
from bot.errors import UsageError
from bot.ports import Message, Ports
from bot.routing import Call, Router
from bot.services.history import missing
from bot.services.publishing import Inquiry, answer_all
from bot.services.replication import question
from bot.services.rule_auditing import audit_rules
from bot.services.study import DeepStudy, Study, study_all

router = Router()
USAGE = "replication [from <site>] [to <site>] [domain <domain>] [repo <glob>] [deep]"


@router.subcommand(
    "replication",
    usage=USAGE,
    role=Role.VIEWER,
    slow="Comparing images, rules and tasks…",
)
async def replication(call: Call, ports: Ports) -> Message:
    """Show which images a failover would lose, by digest, and how the copying goes."""
    is_deep = len(call.words) % 2 == 1 and call.words[-1] == "deep"
    words, study = (call.words[:-1], DeepStudy) if is_deep else (call.words, Study)
    questions = _questions(words, ports)
    if len(questions) == 1 or is_deep:
        voice = messages.ReplicationVoice()
        asked = [Inquiry(ports, each, call.channel_id, voice, call.linger, study) for each in questions]
        told = messages.worst_first(await answer_all(asked))
    else:
        answers, others = await asyncio.gather(study_all(ports, questions), _others(words, questions, ports))
        told = messages.replications(answers, ports.clock.now(), others)
    return messages.noted(told, missing(ports, await call.frozen()))


async def _others(words: tuple[str, ...], questions: list[Question], ports: Ports) -> tuple[PairAudit, ...]:
    """Audit the rules of every direction that is not compared, where nobody named one."""
    return () if words else await audit_rules(ports, [(asked.source, asked.target) for asked in questions])


def _questions(words: tuple[str, ...], ports: Ports) -> list[Question]:
    """Return what to compare; without words every site with its first standby."""
    named = dict(zip(words[::2], words[1::2], strict=False))
    if len(named) * 2 != len(words) or not named.keys() <= {"from", "to", "domain", "repo"}:
        raise UsageError(
            "Use /registry replication, or narrow it: from <site> to <site>, domain <domain>, repo <namespace/name>, "
            "where * stands for any part of a name. Each of them once; deep at the end also pulls."
        )
    topology = ports.rules.topology
    domain = _domain(named.get("domain"), topology)
    pairs = _pairs(named.get("from"), named.get("to"), topology)
    return [question(ports, source, target, domain, named.get("repo")) for source, target in pairs]


def _pairs(home: str | None, standby: str | None, topology: Topology) -> list[tuple[Site, Site]]:
    source = topology.site(known_name(home, topology)) if home else None
    target = topology.site(known_name(standby, topology)) if standby else None
    sources = [source] if source else [site for site in topology.sites.values() if site is not target]
    pairs = [(site, target or topology.site(site.standby[0])) for site in sources]
    if any(site is other for site, other in pairs):
        raise UsageError("A site has nothing to replicate to itself. Name two different sites.")
    return pairs


def _domain(name: str | None, topology: Topology) -> str | None:
    known = sorted({*topology.critical, *(view.domain for view in topology.views)})
    if name is None or name in known:
        return name
    raise UsageError(f"'{name[:60]}' is no domain of this registry. Known domains: {', '.join(known)}.")
