"""Look at a site's images as pulls meet them: whether what its API lists really comes, whole.

The list of tags is the kept inventory. For each tag the registry is asked which manifest it names; for each manifest,
its bytes; for an index, every image that it names; and one layer of each image, another one in another hour.
Repositories go through in batches and images a few at a time, so that memory does not grow with their number.
"""

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from fnmatch import fnmatchcase
from functools import partial

from bot.domain import inventory
from bot.domain.comparing import Critical
from bot.domain.differences import Side
from bot.domain.inventory import Repository
from bot.domain.pulling import DeepReport, Flaw
from bot.domain.report import Question
from bot.domain.snapshot import Unknown
from bot.domain.topology import Site
from bot.errors import ProviderError, Refused, StoreUnavailable, Unreachable
from bot.ports import Ports
from bot.ports.puller import Registry
from bot.services import inspection, stock
from bot.services.inspection import Inspector, Listed
from bot.services.patience import side_by_side
from bot.services.survey import observe

AT_ONCE = 500
"""Images after which there is a word about how far this has come."""
ANOTHER_LAYER_EVERY = 3600


def unheard(_flaw: Flaw) -> None:
    """Hear of a flaw and do nothing."""


async def deep_reports(
    ports: Ports, asked: Question, each: Callable[[Flaw], None] = unheard
) -> AsyncIterator[DeepReport]:
    """Yield what is known of the target's images as pulls meet them, after every few hundred; the last one is final.

    Looked at are the critical images, or those of the repositories that the question names. `each` hears of every flaw.
    """
    (known,), trouble = await stock.sides(ports.inventories, asked.target)
    report = DeepReport(known, ports.clock.now())
    if trouble:
        yield report.ended(trouble, is_cut_off=True)
        return
    if not known.is_started:
        yield report.ended(f"What {asked.target.name} holds has not been read yet, so there is nothing to look at.")
        return
    yield report
    try:
        at = await _domain(ports, asked.target)
        async with ports.puller.reach(asked.target, at) as registry:
            async for further in _inspected(ports, asked, replace(report, at=at), registry, each):
                report = further
                yield report
        yield replace(report, is_final=True)
    except StoreUnavailable:
        yield replace(report, taken_at=ports.clock.now()).ended("Redis could not be read.", is_cut_off=True)
    except ProviderError as error:
        yield replace(report, taken_at=ports.clock.now()).ended(str(error))


async def _domain(ports: Ports, site: Site) -> str:
    """Return the public name of the site's own instance, which no DNS record of the customer's redirects."""
    found = await observe(ports.registries.endpoints(site), ports.rules.read_deadline)
    if isinstance(found, Unknown):
        raise Refused(f"Where {site.name} serves images could not be read: {found.reason}.")
    if not found.internet.is_open or not found.internet.system_domain:
        raise Refused(f"The public endpoint of {site.name} is off, and the bot looks at images through it.")
    return found.internet.system_domain


async def _inspected(
    ports: Ports, asked: Question, report: DeepReport, registry: Registry, each: Callable[[Flaw], None]
) -> AsyncIterator[DeepReport]:
    turn = int(ports.clock.now().timestamp()) // ANOTHER_LAYER_EVERY
    inspector = Inspector(registry, ports.clock.now, turn, each, partial(_is_listed, ports, asked.target))
    chosen = await _chosen(ports, asked, report.side)
    report = replace(report, total=len(chosen))
    yield report
    async for images, done, unlisted in _listed(ports, asked, report.side, chosen):
        await side_by_side(images, inspector.inspect, inspection.AT_ONCE)
        now, found = ports.clock.now(), inspector.result()
        report = replace(report, taken_at=now, found=found, done=done, never_listed=unlisted)
        yield report
        if inspector.silence:
            raise Unreachable(f"{report.at} {inspector.silence}.")


async def _is_listed(ports: Ports, site: Site, listed: Listed, tag: str) -> bool:
    """Tell whether the API lists a tag even now; where it does not answer, nothing says otherwise."""
    entry = inventory.Listed(listed.path, listed.repository_id)
    found = await observe(ports.catalogue.tags(site, entry), ports.rules.read_deadline)
    return isinstance(found, Unknown) or (found is not None and tag in found)


async def _chosen(ports: Ports, asked: Question, known: Side) -> Sequence[str]:
    critical = Critical(asked.critical)
    paths = await stock.paths(ports.inventories, (known,))
    if asked.repositories is None:
        return [path for path in paths if critical.touches(path)]
    return [path for path in paths if fnmatchcase(path, asked.repositories)]


async def _listed(
    ports: Ports, asked: Question, known: Side, chosen: Sequence[str]
) -> AsyncIterator[tuple[Sequence[Listed], int, int]]:
    """Yield images to look at, some hundred at once, after how many repositories, and how many of those none knows."""
    critical = Critical(asked.critical)
    images: list[Listed] = []
    unlisted = 0
    for start in range(0, len(chosen), stock.BATCH):
        batch = chosen[start : start + stock.BATCH]
        kept = await ports.inventories.repositories(known.site.instance, batch)
        for number, (path, repository) in enumerate(zip(batch, kept, strict=True), start + 1):
            if repository is None:
                unlisted += 1
                continue
            is_asked = critical.tags_of(path) if asked.repositories is None else _every_tag
            images += _by_digest(repository, is_asked, known.moment(path, repository) or repository.read_at)
            if len(images) >= AT_ONCE:
                yield images, number, unlisted
                images = []
    yield images, len(chosen), unlisted


def _by_digest(repository: Repository, is_asked: Callable[[str], bool], listed_at: datetime) -> Iterator[Listed]:
    """Put the tags that name the same image together, so that it is looked into once."""
    tags: dict[str, list[str]] = {}
    for name, tag in repository.tags.items():
        if is_asked(name):
            tags.setdefault(tag.digest, []).append(name)
    return (Listed(repository.path, tuple(names), digest, listed_at, repository.id) for digest, names in tags.items())


def _every_tag(_tag: str) -> bool:
    return True
