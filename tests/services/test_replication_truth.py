"""Whatever was pushed, copied, lied about and not read: the lists are the truth of the moments that they name."""

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.domain.comparing import Critical
from bot.domain.critical_images import weigh
from bot.domain.differences import Cause, Difference, Likeness, Newer
from bot.domain.plan import Level
from bot.domain.report import Report
from bot.domain.snapshot import Comparison, TaskFeed, Unknown
from bot.domain.task_book import LONGEST_COPY
from bot.domain.verdict import Verdict
from bot.errors import StoreUnavailable, Unreachable
from bot.services.replication import question, report
from bot.services.stocktaking import take_stock
from bot.services.survey import survey_replication
from tests.builders import INSTANCE_ID
from tests.domain.stocks import SOURCE, TARGET, a_rule
from tests.fake_inventories import FakeCatalogue
from tests.fakes import FakeClock, FakeRegistries, some_ports
from tests.services.replicated import Answering, Held, Replicated

Act = Callable[[], None]
Moment = Callable[[Replicated, str, str], datetime | None]
FULL_EVERY = timedelta(hours=1)
SITES = (SOURCE, TARGET)
PATHS = ("core/api", "core/web", "web/shop")
WORLDS = st.tuples(st.integers(0, 2**32), st.integers(0, 120))
"""A seed and how much happens: drawing every act on its own would leave most worlds empty."""

UNLISTED = st.one_of(st.just(0), st.integers(0, 30))


def _happenings(world: Replicated, chance: random.Random) -> tuple[tuple[int, Act], ...]:
    """Return what may happen next and how often; pushes and copies are the rule, trouble the exception."""
    site, path, tag = chance.choice(SITES), chance.choice(PATHS), chance.choice("12")
    return (
        (12, lambda: world.push(SOURCE, path, tag)),
        (4, lambda: world.push(TARGET, path, tag)),
        (12, lambda: world.land(chance.randrange(4))),
        (3, lambda: world.lie(chance.randrange(4))),
        (2, lambda: world.fail(chance.randrange(4))),
        (2, lambda: world.delete(site, path, tag)),
        (8, lambda: world.wait(chance.randint(1, 600))),
        (2, lambda: world.toggle(site)),
    )


def _readings(world: Replicated, chance: random.Random) -> tuple[tuple[int, Act], ...]:
    site = chance.choice(SITES)
    return (24, lambda: world.read(site, chance.randint(1, 6))), (4, lambda: world.skip(site))


def _act(world: Replicated, chance: random.Random, acts: tuple[tuple[int, Act], ...]) -> None:
    (chosen,) = chance.choices([act for _, act in acts], [weight for weight, _ in acts])
    chosen()
    world.wait(1)


def _world(drawn: tuple[int, int]) -> Replicated:
    """Return a world that began with both sides read, if empty, and in which so much has happened.

    Every second one began so long after a first copy that the task feed can prove that there was no other.
    """
    chance, world = random.Random(drawn[0]), Replicated()
    if drawn[0] % 2 == 0:
        world.push(SOURCE, PATHS[0], "1")
        world.land(0)
        world.wait(int(LONGEST_COPY.total_seconds()))
    if chance.random() < 0.8:
        for site in SITES:
            world.read(site, 2)
    for _ in range(drawn[1]):
        _act(world, chance, _happenings(world, chance) + _readings(world, chance))
    return world


async def _world_read_by_passes(drawn: tuple[int, int]) -> Replicated:
    """Return a world that is read by the passes that the bot makes, each at one moment."""
    chance, world = random.Random(drawn[0]), Replicated()
    for _ in range(drawn[1]):
        if chance.random() < 0.3:
            await _take_stock(world, chance.choice(SITES))
            world.wait(1)
        _act(world, chance, _happenings(world, chance))
    return world


async def _take_stock(world: Replicated, site: str) -> None:
    catalogue = FakeCatalogue()
    for path, tags in world.stocks[site].items():
        for tag, held in tags.items():
            catalogue.push(site, path, tag, held.digest, held.written_at)
        listed, found = catalogue.held[site][path]
        catalogue.held[site][path] = replace(listed, modified_at=world.modified[site, path]), found
    if site in world.down:
        catalogue.down[site] = Unreachable("It does not answer.")
    ports = some_ports(clock=FakeClock(world.now), inventories=world.kept, catalogue=catalogue)
    await take_stock(ports, ports.rules.topology.sites[site], FULL_EVERY)


async def _ask(
    world: Replicated, unlisted: int, answering: FakeRegistries | None = None
) -> tuple[Report, list[Difference]]:
    """Ask, while the task feed has lost some of its oldest tasks."""
    registries = answering or FakeRegistries(*world.down)
    tasks = tuple(world.tasks.values())[unlisted:]
    registries.rules, registries.feed = (a_rule(),), TaskFeed(tasks, len(tasks), world.now)
    ports = some_ports(clock=FakeClock(world.now), inventories=world.kept, registries=registries)
    sites = ports.rules.topology.sites
    heard: list[Difference] = []
    return await report(ports, question(ports, sites[SOURCE], sites[TARGET], None, None), heard.append), heard


async def _plan(world: Replicated) -> Comparison | Unknown:
    """Compare as for a plan to leave the source."""
    ports = some_ports(clock=FakeClock(world.now), inventories=world.kept, registries=Answering(world))
    sites = ports.rules.topology.sites
    found = await survey_replication(ports, sites[SOURCE], sites[TARGET], timedelta(seconds=3))
    return found.comparison


def _moment(world: Replicated, site: str, path: str) -> datetime | None:
    """Say from the history of reading alone when a repository of a site was last seen, or seen to be absent."""
    known = world.kept.known.get(INSTANCE_ID[site])
    kept = world.kept.kept.get(INSTANCE_ID[site], {}).get(path)
    seen = [kept.read_at] if kept else []
    if known and known.as_of and path not in known.unread:
        seen.append(known.as_of)
    return max(seen, default=None)


def _moment_in_a_plan(world: Replicated, site: str, path: str) -> datetime | None:
    """Say the same for a plan, which asks every site that answers."""
    return _moment(world, site, path) if site in world.down else world.now


def _expected(world: Replicated, moment: Moment = _moment) -> dict[str, Likeness]:
    """Return how every image compares in truth, of repositories of which both sides were seen."""
    expected: dict[str, Likeness] = {}
    for path in world.paths():
        moments = [moment(world, site, path) for site in (SOURCE, TARGET)]
        if moments[0] is not None and moments[1] is not None:
            ours, theirs = world.truth(SOURCE, path, moments[0]), world.truth(TARGET, path, moments[1])
            expected |= {f"{path}:{tag}": _likeness(ours.get(tag), theirs.get(tag)) for tag in {*ours, *theirs}}
    return expected


def _likeness(ours: Held | None, theirs: Held | None) -> Likeness:
    if ours is None:
        return Likeness.EXTRA
    if theirs is None:
        return Likeness.MISSING
    return Likeness.IDENTICAL if ours.digest == theirs.digest else Likeness.DIFFERENT


def _is_critical(image: str) -> bool:
    path, tag = image.split(":")
    return Critical(["core/*"]).tags_of(path)(tag)


@settings(max_examples=60, deadline=None)
@given(WORLDS, UNLISTED)
async def test_every_list_and_count_is_the_truth_of_the_moments_claimed(drawn: tuple[int, int], unlisted: int) -> None:
    world = _world(drawn)
    expected = _expected(world)

    found, heard = await _ask(world, unlisted)

    different = {image: likeness for image, likeness in expected.items() if likeness is not Likeness.IDENTICAL}
    assert {each.image: each.likeness for each in heard} == different
    counts = Counter(expected.values())
    tally = found.found.all
    assert [tally.identical, tally.missing, tally.different, tally.extra] == [counts[each] for each in Likeness]
    critical = Counter(likeness for image, likeness in expected.items() if _is_critical(image))
    assert found.found.critical.lost == critical[Likeness.MISSING] + critical[Likeness.DIFFERENT]


@settings(max_examples=25, deadline=None)
@given(WORLDS)
async def test_what_passes_keep_bears_out_what_is_claimed_of_it(drawn: tuple[int, int]) -> None:
    world = await _world_read_by_passes(drawn)
    different = {image: likeness for image, likeness in _expected(world).items() if likeness is not Likeness.IDENTICAL}

    _, heard = await _ask(world, 0)

    assert {each.image: each.likeness for each in heard} == different


@settings(max_examples=60, deadline=None)
@given(WORLDS, UNLISTED)
async def test_the_verdict_denies_a_loss_only_where_all_was_seen(drawn: tuple[int, int], unlisted: int) -> None:
    world = _world(drawn)
    critical = {image: each for image, each in _expected(world).items() if _is_critical(image)}
    lost = any(each in (Likeness.MISSING, Likeness.DIFFERENT) for each in critical.values())

    found, _ = await _ask(world, unlisted)

    assert (found.judgement.verdict is Verdict.BEHIND) == lost
    if found.judgement.verdict in (Verdict.IN_STEP, Verdict.NOTHING_COMPARED):
        paths = {path for path in world.paths() if path.startswith("core/")}
        assert all(_moment(world, site, path) for path in paths for site in (SOURCE, TARGET))


@settings(max_examples=60, deadline=None)
@given(WORLDS, st.sets(st.sampled_from(SITES)))
async def test_a_plan_counts_what_is_true_and_denies_a_loss_only_where_all_was_seen(
    drawn: tuple[int, int], silent: set[str]
) -> None:
    world = _world(drawn)
    for site in silent - world.down:
        world.toggle(site)
    critical = {i: each for i, each in _expected(world, _moment_in_a_plan).items() if _is_critical(i)}

    found = await _plan(world)

    if isinstance(found, Unknown):
        known = [world.kept.known.get(INSTANCE_ID[site]) for site in world.down]
        assert any(each is None or each.as_of is None for each in known)
        return
    level, _ = weigh(found, world.now)
    counts, tally = Counter(critical.values()), found.found.critical
    assert [tally.identical, tally.missing, tally.different, tally.extra] == [counts[each] for each in Likeness]
    assert (level is Level.FAIL) == bool(tally.lost)
    if level in (Level.PASS, Level.WARN):
        paths = {path for path in world.paths() if path.startswith("core/")}
        assert all(_moment_in_a_plan(world, site, path) for path in paths for site in SITES)


@settings(max_examples=60, deadline=None)
@given(WORLDS, UNLISTED)
async def test_lag_is_the_age_of_the_oldest_push_that_never_arrived(drawn: tuple[int, int], unlisted: int) -> None:
    world = _world(drawn)

    found, heard = await _ask(world, unlisted)

    lost = [
        each
        for each in heard
        if each.is_critical and each.is_loss and each.explanation.newer is not Newer.TARGET and not each.is_overtaken
    ]
    pushes = [world.truth(SOURCE, each.path, each.place.source_at)[each.tag].born_at for each in lost]
    assert found.judgement.lag == (world.now - min(pushes) if pushes else None)


@settings(max_examples=60, deadline=None)
@example((735, 26), 3)  # the feed has lost the task of a copy that landed after its oldest one was made
@given(WORLDS, UNLISTED)
async def test_a_side_that_is_called_newer_is_newer(drawn: tuple[int, int], unlisted: int) -> None:
    world = _world(drawn)

    _, heard = await _ask(world, unlisted)

    for each in heard:
        ours = world.truth(SOURCE, each.path, each.place.source_at).get(each.tag)
        theirs = world.truth(TARGET, each.path, each.place.target_at).get(each.tag)
        if ours and theirs and each.explanation.newer is Newer.SOURCE:
            assert theirs.born_at < ours.born_at
        if ours and theirs and each.explanation.newer is Newer.TARGET:
            assert theirs.born_at >= ours.born_at
            assert theirs.born_in == TARGET


@settings(max_examples=60, deadline=None)
@given(WORLDS, UNLISTED)
async def test_what_is_said_of_a_task_is_true_of_it(drawn: tuple[int, int], unlisted: int) -> None:
    world = _world(drawn)

    _, heard = await _ask(world, unlisted)

    statuses = {Cause.NOT_LANDED: "SUCCESS", Cause.FAILED: "ERROR"}
    for each in heard:
        if (status := statuses.get(each.explanation.cause)) and each.source:
            task = world.tasks[each.explanation.task_id or ""]
            assert task.status == status
            assert world.sent[task.task_id] == each.source.digest


@settings(max_examples=60, deadline=None)
@given(WORLDS)
async def test_without_the_store_only_what_both_sites_answer_now_is_believed(drawn: tuple[int, int]) -> None:
    world = _world(drawn)
    expected = _expected(world, _moment_in_a_plan)
    critical = {image: likeness for image, likeness in expected.items() if _is_critical(image)}
    world.kept.down = StoreUnavailable("Redis does not answer.")

    found, heard = await _ask(world, 0, Answering(world))

    if world.down:
        assert found.judgement.verdict is Verdict.UNKNOWN
        assert heard == []
        return
    different = {image: likeness for image, likeness in critical.items() if likeness is not Likeness.IDENTICAL}
    assert {each.image: each.likeness for each in heard} == different
    lost = any(each in (Likeness.MISSING, Likeness.DIFFERENT) for each in critical.values())
    assert (found.judgement.verdict is Verdict.BEHIND) == lost
