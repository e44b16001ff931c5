"""What a target has of its source: answered from what is kept of both, with the source dead or the store half gone."""

from dataclasses import replace
from typing import Any

import pytest

from bot.domain.differences import Cause, Difference
from bot.domain.inventory import Coverage, Repository
from bot.domain.report import Question, Report
from bot.domain.rule_audit import PairAudit, Possible
from bot.domain.snapshot import Unknown
from bot.domain.verdict import Verdict
from bot.errors import StoreUnavailable, UsageError
from bot.ports import Ports
from bot.services import stock
from bot.services.replication import question, report, reports
from bot.services.rule_auditing import audit_rules
from tests.builders import DOMAIN, INSTANCE_ID, NOW
from tests.domain.stocks import SOURCE, TARGET, a_feed, a_repository, a_rule, a_tag, a_task, at
from tests.fake_inventories import FakeInventories
from tests.fakes import FakeRegistries, some_ports

GONE = StoreUnavailable("Redis does not answer.")
IMAGES = ("core/api", {"1": a_tag("a"), "2": a_tag("b", -30)})


class _GivesOut(FakeInventories):
    """A store that answers a few more reads of repositories and then no more."""

    def __init__(self, reads: int) -> None:
        super().__init__()
        self._left = reads

    async def repositories(self, instance: str, paths: Any) -> tuple[Repository | None, ...]:
        """Return repositories until it is too many."""
        self._left -= 1
        if self._left < 0:
            raise GONE
        return await super().repositories(instance, paths)


def _ports(*down: str, inventories: FakeInventories | None = None) -> Ports:
    registries = FakeRegistries(*down)
    registries.rules, registries.feed = (a_rule(),), a_feed()
    return some_ports(inventories=inventories or FakeInventories(), registries=registries)


async def _keep(ports: Ports, site: str, *repositories: Repository, **fields: Any) -> None:
    instance = INSTANCE_ID[site]
    known: dict[str, Any] = {"as_of": NOW, "namespaces": {"core": True}} | fields
    await ports.inventories.put(instance, repositories)
    await ports.inventories.save_coverage(Coverage(instance, **known))


def _asked(ports: Ports, repositories: str | None = None) -> Question:
    sites = ports.rules.topology.sites
    return question(ports, sites[SOURCE], sites[TARGET], None, repositories)


async def _answer(ports: Ports, repositories: str | None = None) -> Report:
    return await report(ports, _asked(ports, repositories))


async def test_the_answer_names_what_would_be_lost() -> None:
    ports = _ports()
    await _keep(ports, SOURCE, a_repository(*IMAGES), a_repository("web/shop", {"1": a_tag()}))
    await _keep(ports, TARGET, a_repository("core/api", {"1": a_tag("a")}))

    found = await _answer(ports)

    assert found.judgement.verdict is Verdict.BEHIND
    assert [each.image for each in found.found.missing] == ["core/api:2", "web/shop:1"]
    assert (found.found.critical.compared, found.found.all.compared) == (2, 3)
    assert (found.done, found.total, found.is_final) == (2, 2, True)


async def test_a_dead_source_is_answered_for_from_what_is_kept() -> None:
    ports = _ports(SOURCE)
    await _keep(ports, SOURCE, a_repository(*IMAGES), as_of=at(-9), silent_since=at(-3))
    await _keep(ports, TARGET, a_repository(*IMAGES))

    found = await _answer(ports)

    assert found.judgement.verdict is Verdict.IN_STEP
    assert found.control.rules == (a_rule(),)
    assert found.source.coverage.silent_since == at(-3)


async def test_when_no_end_answers_images_are_compared_all_the_same() -> None:
    ports = _ports(SOURCE, TARGET)
    await _keep(ports, SOURCE, a_repository(*IMAGES))
    await _keep(ports, TARGET)

    found = await _answer(ports)

    assert found.judgement.verdict is Verdict.BEHIND
    assert isinstance(found.control.rules, Unknown)
    assert found.found.critical.causes == {Cause.UNKNOWN: 2}


async def test_losses_are_explained_by_rules_tasks_and_namespaces() -> None:
    ports = _ports()
    await _keep(ports, SOURCE, a_repository("core/api", {"1": a_tag()}), a_repository("web/shop", {"1": a_tag()}))
    await _keep(ports, TARGET)
    ports.registries.feed = a_feed(a_task("ERROR", issue="NETWORK_ERROR"))  # type: ignore[attr-defined]

    found = await _answer(ports)

    assert found.found.all.causes == {Cause.FAILED: 1, Cause.NO_RULE: 1}


async def test_pushes_that_no_inventory_knows_yet_are_told_by_their_tasks() -> None:
    ports = _ports(SOURCE)
    api, web = a_repository(*IMAGES, read_at=at(-20)), a_repository("core/web", read_at=at(-1))
    await _keep(ports, SOURCE, api, web, as_of=at(-9))
    await _keep(ports, TARGET)
    ports.registries.feed = a_feed(  # type: ignore[attr-defined]
        a_task("PENDING", task_id="before", made=-10),
        a_task("SUCCESS", task_id="earlier", made=-8),
        a_task("PENDING", task_id="since", made=-3),
        a_task("ERROR", task_id="new repository", made=-5, image="core/new:1"),
        a_task("PENDING", task_id="read later", made=-2, image="core/web:1"),
        a_task("PENDING", task_id="back", made=-2, from_instance=INSTANCE_ID[TARGET], to_instance=INSTANCE_ID[SOURCE]),
    )

    assert [task.task_id for task in (await _answer(ports)).unseen] == ["since", "new repository"]
    assert [task.task_id for task in (await _answer(ports, "core/api")).unseen] == ["since"]


async def test_what_was_never_read_is_unknown_and_loses_nothing() -> None:
    ports = _ports()
    await _keep(ports, SOURCE, a_repository(*IMAGES))

    found = await _answer(ports)

    assert found.judgement.verdict is Verdict.UNKNOWN
    assert (found.found.all.missing, found.found.all.unjudged) == (0, 2)


async def test_a_repository_that_no_side_could_read_is_still_spoken_of() -> None:
    ports = _ports()
    await _keep(ports, SOURCE, unread=("core/api",))
    await _keep(ports, TARGET)

    found = await _answer(ports)

    assert found.found.unread == ("core/api",)
    assert found.judgement.verdict is Verdict.UNKNOWN


async def test_a_first_word_comes_before_anything_is_compared_and_the_last_one_is_final() -> None:
    ports = _ports()
    count = 2 * stock.BATCH + 1
    await _keep(ports, SOURCE, *(a_repository(f"core/{n}", {"1": a_tag()}) for n in range(count)))
    await _keep(ports, TARGET)

    told = [each async for each in reports(ports, _asked(ports))]

    assert [each.done for each in told] == [0, stock.BATCH, 2 * stock.BATCH, count, count]
    assert {each.total for each in told} == {count}
    assert [each.is_final for each in told] == [False] * 4 + [True]
    assert told[1].found.all.missing == stock.BATCH


async def test_every_difference_is_handed_on() -> None:
    ports = _ports()
    heard: list[Difference] = []
    await _keep(ports, SOURCE, *(a_repository(f"core/{n}", {"1": a_tag()}) for n in range(300)))
    await _keep(ports, TARGET, a_repository("core/0", {"1": a_tag(), "2": a_tag()}))

    await report(ports, _asked(ports), heard.append)

    assert len(heard) == 300
    assert {each.image for each in heard} >= {"core/0:2", "core/299:1"}


async def test_repositories_without_critical_images_can_be_left_out() -> None:
    ports = _ports()
    await _keep(ports, SOURCE, a_repository(*IMAGES), a_repository("web/shop", {"1": a_tag()}))
    await _keep(ports, TARGET)

    found = await report(ports, replace(_asked(ports), only_critical=True))

    assert (found.total, found.found.all.missing) == (1, 2)


async def test_what_is_asked_for_by_name_is_what_is_judged() -> None:
    ports = _ports()
    await _keep(ports, SOURCE, a_repository(*IMAGES), a_repository("web/shop", {"1": a_tag(), "2": a_tag()}))
    await _keep(ports, TARGET, a_repository("web/shop", {"1": a_tag()}))

    found = await _answer(ports, "web/*")

    assert found.judgement.judged.compared == 2
    assert found.judgement.verdict is Verdict.BEHIND
    assert found.total == 1


@pytest.mark.parametrize(("glob", "near"), [("cor/api", "core/api"), ("*/shop2", "web/shop"), ("shop", "web/shop")])
async def test_a_name_that_nothing_has_is_told_with_what_is_near_it(glob: str, near: str) -> None:
    ports = _ports()
    await _keep(ports, SOURCE, a_repository(*IMAGES), a_repository("web/shop"))
    await _keep(ports, TARGET)

    with pytest.raises(UsageError, match=f"None of 2 repositories is called .* Nearly: {near}") as told:
        await _answer(ports, glob)
    assert told.value.code == "E_USAGE"


async def test_a_name_that_may_be_among_what_was_not_read_is_not_called_unknown() -> None:
    ports = _ports()
    await _keep(ports, SOURCE, a_repository(*IMAGES))
    unread = f"{TARGET} is not read to the end, so it may be there: ask again later"

    with pytest.raises(UsageError, match=f"None of 1 repositories known so far is called 'web/shop'; {unread}") as told:
        await _answer(ports, "web/shop")
    assert told.value.code == "E_UNREADABLE_NOW"


async def test_a_name_is_no_mistake_while_nothing_at_all_is_known() -> None:
    assert (await _answer(_ports(), "core/*")).judgement.verdict is Verdict.UNKNOWN


async def test_without_the_store_both_ends_are_asked_what_they_hold_now() -> None:
    inventories = FakeInventories()
    inventories.down = GONE

    found = await _answer(_ports(inventories=inventories))

    assert found.judgement.verdict is Verdict.IN_STEP
    assert (found.found.critical.identical, found.live_because, found.interrupted) == (3, str(GONE), "")


async def test_without_the_store_and_one_end_the_answer_says_so() -> None:
    inventories = FakeInventories()
    inventories.down = GONE

    found = await _answer(_ports(SOURCE, inventories=inventories))

    assert found.judgement.verdict is Verdict.UNKNOWN
    assert (found.interrupted, found.is_final) == (str(GONE), True)
    assert found.source.coverage.trouble == str(GONE)


async def test_what_was_compared_before_the_store_gave_out_stays_good() -> None:
    ports = _ports(inventories=_GivesOut(2))
    await _keep(ports, SOURCE, *(a_repository(f"core/{n:03}", {"1": a_tag()}) for n in range(300)))
    await _keep(ports, TARGET)

    found = await _answer(ports)

    assert (found.done, found.total, found.interrupted) == (stock.BATCH, 300, str(GONE))
    assert found.judgement.verdict is Verdict.BEHIND
    assert not found.judgement.is_whole


@pytest.mark.parametrize(("domain", "compared"), [(DOMAIN, 2), ("other.registry.io", 0)])
async def test_a_domain_chooses_what_is_critical(domain: str, compared: int) -> None:
    ports = _ports()
    await _keep(ports, SOURCE, a_repository(*IMAGES))
    await _keep(ports, TARGET, a_repository(*IMAGES))
    sites = ports.rules.topology.sites

    found = await report(ports, question(ports, sites[SOURCE], sites[TARGET], domain, None))

    assert found.found.critical.compared == compared


@pytest.mark.parametrize(
    ("path", "fields", "at_minute"),
    [("core/api", {}, 0), ("core/gone", {"as_of": at(-9)}, -9), ("core/gone", {"as_of": None}, None)],
)
async def test_one_repository_is_told_with_the_moment_it_holds_for(
    path: str, fields: dict[str, Any], at_minute: float | None
) -> None:
    ports = _ports()
    kept = a_repository(*IMAGES)
    await _keep(ports, SOURCE, kept, **fields)

    found = await stock.seen(ports.inventories, ports.rules.topology.sites[SOURCE], path)

    assert found.repository == (kept if path == kept.path else None)
    assert found.at == (None if at_minute is None else at(at_minute))


async def _audits(ports: Ports) -> dict[tuple[str, str], PairAudit]:
    return {(each.source.name, each.target.name): each for each in await audit_rules(ports)}


async def test_every_ordered_pair_is_audited() -> None:
    ports = _ports()
    ports.registries.feed = a_feed(a_task())  # type: ignore[attr-defined]
    await _keep(ports, SOURCE, a_repository(*IMAGES))
    await _keep(ports, TARGET, a_repository(*IMAGES))

    audits = await _audits(ports)

    there, back = audits[SOURCE, TARGET], audits[TARGET, SOURCE]
    assert (there.is_automatic, back.is_automatic) == (True, False)
    assert (there.last_success_at, back.last_success_at) == (at(-58), None)
    assert not isinstance(there.reached, Unknown)
    assert not isinstance(back.reached, Unknown)
    assert (there.reached.uncovered.names, back.reached.uncovered.names) == ([], ["core/api"])


async def test_rules_of_a_dead_source_are_told_by_its_target() -> None:
    audit = (await _audits(_ports(SOURCE)))[SOURCE, TARGET]

    assert audit.is_automatic
    assert audit.feasibility.possible is Possible.UNKNOWN
    assert audit.silent == audit.mute == ((SOURCE, f"cn-{SOURCE} does not answer"),)


async def test_an_audit_says_which_part_is_unknown() -> None:
    audit = (await _audits(_ports(SOURCE, TARGET)))[SOURCE, TARGET]

    assert isinstance(audit.rules, Unknown)
    assert isinstance(audit.reached, Unknown)
    assert len(audit.silent) == 2


async def test_an_audit_of_what_was_never_read_says_so() -> None:
    audit = (await _audits(_ports()))[SOURCE, TARGET]

    assert audit.reached == Unknown(f"{SOURCE} has not been read yet")


async def test_an_audit_without_the_store_says_so() -> None:
    ports = _ports(inventories=_GivesOut(0))
    await _keep(ports, SOURCE, a_repository(*IMAGES))

    assert (await _audits(ports))[SOURCE, TARGET].reached == Unknown("Redis does not answer")
