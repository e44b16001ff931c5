"""Find out what a copy job would copy, and keep it as an offer until somebody confirms it."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog

from bot.domain.access import Person
from bot.domain.both_ends import Control
from bot.domain.comparing import Comparer, Critical
from bot.domain.copy_choice import Choice
from bot.domain.copy_job import PREFIX, CopyJob
from bot.domain.differences import Difference, Side
from bot.domain.explaining import Explainer
from bot.domain.freeze import scopes_of
from bot.domain.inventory import Coverage
from bot.domain.nearly import nearly
from bot.domain.report import Question, Report
from bot.domain.rule_audit import Possible, feasibility
from bot.domain.snapshot import Inventory, Unknown
from bot.domain.topology import Site
from bot.errors import Conflict, ProviderError, Refused, StoreUnavailable, UsageError, UserError, VersionConflict
from bot.ports import Attachment, Message, Ports
from bot.services import copy_audit, stock
from bot.services.copies_kept import being_copied
from bot.services.freezing import require_thawed
from bot.services.replication import control, question, report
from bot.services.requests import require_unfrozen
from bot.services.survey import observe

log = structlog.get_logger()
MOST_LIVE = 40
"""Repositories that are read at both sites before the list is shown: the answer is waited for."""
LIVE_WITHIN = timedelta(seconds=20)
CONTROL_DEADLINE = timedelta(seconds=3)
TRIES = 3
MISSING = "missing"


@dataclass(frozen=True, slots=True)
class CopyWish:
    """What to copy from where to where: a repository, one tag of it, or, without a path, what is missing."""

    source: Site
    target: Site
    path: str | None = None
    tag: str | None = None

    @property
    def words(self) -> str:
        """Return it as it was typed."""
        return MISSING if self.path is None else f"{self.path}:{self.tag}" if self.tag else self.path


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks, and in which channel."""

    person: Person
    user_id: str
    channel: str


@dataclass(frozen=True, slots=True)
class _Found:
    """What was chosen, how many are there already, and how that is known."""

    choice: Choice
    identical: int
    seen: str


async def prepare(ports: Ports, wish: CopyWish, asker: Asker) -> CopyJob:
    """Return what would be copied, which may be nothing; nothing is stored.

    Raises Frozen, UsageError, UserError or a ProviderError.
    """
    require_unfrozen(ports)
    await require_thawed(ports, scopes_of(wish.source.name, wish.target.name))
    await _require_channel(ports, asker.channel)
    await _require_possible(ports, wish)
    taken = await being_copied(ports, wish.source.name, wish.target.name)
    found = await (_missing(ports, wish, taken) if wish.path is None else _named(ports, wish, wish.path, taken))
    return CopyJob(
        id=ports.ids.operation_id(PREFIX),
        asked=wish.words if found.choice.exact is None else f"{wish.path}:{found.choice.exact}",
        source=wish.source.name,
        target=wish.target.name,
        instances=(wish.source.instance, wish.target.instance),
        person=asker.person.name,
        user_id=asker.user_id,
        channel=asker.channel,
        created_at=ports.clock.now(),
        copies=found.choice.copies(),
        left_out=tuple(found.choice.left_out),
        left_counts=dict(found.choice.left_counts),
        identical=found.identical,
        rest=found.choice.rest,
        seen=found.seen,
    )


async def publish(
    ports: Ports, job: CopyJob, card: Callable[[CopyJob], Message], file: Attachment | None
) -> tuple[CopyJob, str | None]:
    """Store an offer, post its message, and return both the job and a link to it. Raises a ProviderError."""
    job = await _stored(ports, job)
    ts = await ports.workspace.post(job.channel, card(job))
    try:
        job = await ports.copies.save(replace(job, ts=ts))
    except VersionConflict:
        log.info("copies.pressed_at_once", operation=job.id)  # and the press has told where the message stands
    await _attach(ports, job.channel, ts, file)
    return job, await ports.workspace.permalink(job.channel, ts)


async def _attach(ports: Ports, channel: str, ts: str, file: Attachment | None) -> None:
    """Put the whole list below an offer; without it the offer stands all the same."""
    if file is None:
        return
    try:
        await ports.workspace.share(channel, ts, file)
    except ProviderError as error:
        log.warning("copies.no_list", code=error.code, why=str(error))


async def _stored(ports: Ports, job: CopyJob) -> CopyJob:
    for _ in range(TRIES):
        try:
            return await ports.copies.save(job, copy_audit.entry(copy_audit.OFFERED, job, job.person, job.user_id))
        except VersionConflict:
            job = replace(job, id=ports.ids.operation_id(PREFIX))  # the random id is taken
    raise Conflict("No free id was found. Ask again.")


async def _require_channel(ports: Ports, channel: str) -> None:
    try:
        has_bot = (await ports.workspace.channel(channel)).has_bot
    except Refused:
        has_bot = False
    if not has_bot:
        raise UserError("The bot is not a member of this channel. Type `/invite @registry` here, then ask again.")


async def _require_possible(ports: Ports, wish: CopyWish) -> None:
    source, target = wish.source, wish.target
    instance = await observe(ports.registries.instance(source), CONTROL_DEADLINE)
    found = feasibility(source, target, instance)
    if found.possible is Possible.NO:
        raise UserError(
            f"Nothing can be copied from {source.name} to {target.name}: {found.reason}. What {target.name} "
            f"lacks has to be pushed there; `/registry replication from {source.name} to {target.name}` names it."
        )
    if isinstance(instance, Unknown):
        raise UserError(
            f"{source.name} does not tell whether it can be copied from, so nothing is: {instance.reason.rstrip('.')}. "
            f"`/registry replication from {source.name} to {target.name}` tells all the same what {target.name} lacks."
        )
    account = ports.rules.topology.accounts.get(target.account)
    if source.account != target.account and (account is None or account.account_id is None):
        raise UserError(
            f"{target.name} is in the account {target.account}, whose id registry.yaml does not tell: it has no "
            "role_arn. Copies into another account need it."
        )


async def _missing(ports: Ports, wish: CopyWish, taken: Mapping[str, str]) -> _Found:
    """Choose of the critical images that the kept inventories say are missing."""
    asked = replace(question(ports, wish.source, wish.target, None, None), only_critical=True)
    choice, paths = Choice(taken=taken), set[str]()
    choice.namespaces = (await stock.side(ports.inventories, wish.target)).namespaces

    def hear(difference: Difference) -> None:
        if difference.is_critical and difference.is_loss:
            choice.add(difference)
            paths.add(difference.path)

    known = await report(ports, asked, hear)
    if known.interrupted:
        raise StoreUnavailable(known.interrupted)
    if not known.source.is_started or not known.target.is_started:
        raise UserError(_unstarted(next(side for side in (known.source, known.target) if not side.is_started)))
    if paths and len(paths) <= MOST_LIVE:
        found = await _live(ports, asked, Choice(taken=taken), tuple(sorted(paths)), known.control)
        return replace(found, seen=f"{found.seen}{_unread(known)}")
    again = ", looked at again when sent" if paths else ""
    return _Found(choice, known.found.critical.identical, f"{_as_read(known)}{again}{_unread(known)}")


def _unstarted(side: Side) -> str:
    """Say what to do while nothing is known of a side: waiting helps only where it answers."""
    name, coverage = side.site.name, side.coverage
    if coverage.silent_since is None:
        return f"What {name} holds has not been read yet. Name one image, or ask again in a few minutes."
    return f"What {name} holds was never read and cannot be now, so nothing can be listed: {coverage.trouble}"


def _as_read(known: Report) -> str:
    spans = (known.found.source_span, known.found.target_span)
    at = min((span.first for span in spans if span), default=known.taken_at)
    return f"as read at {at:%H:%M} UTC"


def _unread(known: Report) -> str:
    """Say in a clause that there may be more: what was not read is not known to be missing."""
    silent = [side.site.name for side in (known.source, known.target) if side.coverage.silent_since is not None]
    blind = f", {' and '.join(silent)} cannot be read now" if silent else ""
    if count := known.found.critical.unread:
        return f", {count:,} critical repositories not read{blind}"
    return blind if known.judgement.is_whole else f", not all was read{blind}"


async def _named(ports: Ports, wish: CopyWish, path: str, taken: Mapping[str, str]) -> _Found:
    asked = question(ports, wish.source, wish.target, None, path)
    found = await _live(ports, asked, Choice(wish.tag, taken), (path,), await control(ports, asked))
    if wish.tag and not found.choice.copies() and not found.choice.left_out:
        return replace(found, identical=1)
    return found


async def _live(ports: Ports, asked: Question, choice: Choice, paths: tuple[str, ...], told: Control) -> _Found:
    """Compare these repositories as both sites answer now."""
    here, there = [await _read(ports, site, paths) for site in (asked.source, asked.target)]
    await _require_there(ports, asked, choice, here)
    sides = _side(asked.source, here), await _target(ports, asked.target, there.as_of)
    choice.namespaces = sides[1].namespaces
    explainer = Explainer(asked.instances, told, choice.namespaces)
    counts = asked.only_critical

    def hear(difference: Difference) -> None:
        if not counts or (difference.is_critical and difference.is_loss):
            choice.add(difference)

    comparer = Comparer(*sides, Critical(asked.critical), explainer, hear)
    for path in paths:
        comparer.add(path, here.repositories.get(path), there.repositories.get(path))
    found = comparer.result()
    return _Found(choice, (found.critical if counts else found.all).identical, "both sites asked just now")


async def _read(ports: Ports, site: Site, paths: tuple[str, ...]) -> Inventory:
    found = await observe(ports.registries.inventory(site, paths), LIVE_WITHIN)
    if isinstance(found, Unknown):
        raise UserError(f"{site.name} does not tell what it holds, so nothing is copied: {found.reason}.")
    return found


def _side(site: Site, answer: Inventory) -> Side:
    return Side.of(site, Coverage(site.instance, as_of=answer.as_of))


async def _target(ports: Ports, site: Site, as_of: datetime) -> Side:
    """Return the target's side with its namespaces as they are now, else as they are kept."""
    spaces = await observe(ports.catalogue.namespaces(site), CONTROL_DEADLINE)
    kept = (await stock.side(ports.inventories, site)).namespaces if isinstance(spaces, Unknown) else spaces
    trouble = "" if kept is not None else "not read"
    return Side.of(site, Coverage(site.instance, as_of=as_of, namespaces=dict(kept or {}), trouble=trouble))


async def _require_there(ports: Ports, asked: Question, choice: Choice, here: Inventory) -> None:
    """Raise UsageError where what was named is not at the source."""
    path = asked.repositories
    if path is None:
        return
    held = here.repositories.get(path)
    if held is None:
        known = await _known(ports, asked.source)
        raise UsageError(f"{asked.source.name} has no repository '{path}'.{nearly(path, known)}")
    if choice.exact is not None:
        choice.exact = _meant(choice.exact, held.tags, asked.source, path)


def _meant(typed: str, held: Iterable[str], site: Site, path: str) -> str:
    """Return the tag that was typed, as the site spells it: words have lost their capitals. Raises UsageError."""
    known = sorted(held)
    meant = [tag for tag in known if tag.lower() == typed]
    if not meant:
        raise UsageError(f"{site.name} has no tag '{typed}' of {path}.{nearly(typed, known)}")
    if len(meant) > 1:
        raise UsageError(
            f"{site.name} has {' and '.join(meant)} of {path}, which a command cannot tell apart. Ask for {path} "
            "without a tag; nothing is copied before you have confirmed the list."
        )
    return meant[0]


async def _known(ports: Ports, site: Site) -> tuple[str, ...]:
    try:
        return await ports.inventories.paths(site.instance)
    except ProviderError:
        return ()  # only for a hint
