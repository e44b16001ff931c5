"""What every store of operations holds of freezes: one person sets them, time or a lift with two people ends them."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.domain.freeze import Freeze, scopes_of
from bot.domain.operation import Operation, State
from bot.domain.plan import Kind
from bot.errors import AlreadyFrozen, AlreadyOpen, ForgedApproval, FreezeChanged, Frozen
from bot.ports import IndexMove
from tests.builders import ON_CALL, a_freeze, a_plan, an_operation
from tests.contracts.conftest import Subject, a_commit, taken

ENTRY = {"event": "frozen", "person": "on-call"}
BETWEEN = scopes_of("zhangjiakou", "hangzhou")
HOUR = timedelta(hours=1)


def _since(subject: Subject, **fields: Any) -> Freeze:
    now = subject.now()
    return a_freeze(at=now.replace(microsecond=0), **fields)


def _unfreeze(freeze: Freeze, state: State = State.APPROVED, **fields: Any) -> Operation:
    plan = a_plan(kind=Kind.UNFREEZE, changes=(), lifts=(freeze,))
    return an_operation(state, id="uf-0001", plan=plan, **fields)


async def test_what_was_frozen_is_read_back_as_it_was_said(subject: Subject) -> None:
    freeze = _since(subject, scope="zhangjiakou", reason="“Wartung”", until=subject.now().replace(microsecond=0) + HOUR)

    await subject.store.freeze(freeze, ENTRY)

    assert await subject.store.freezes() == (freeze,)


async def test_a_freeze_appends_its_entry_in_the_same_step(subject: Subject) -> None:
    await subject.store.freeze(_since(subject), ENTRY)

    assert [entry["event"] for entry in await subject.store.entries()] == ["frozen"]


async def test_the_same_freeze_again_is_neither_set_nor_told_twice(subject: Subject) -> None:
    freeze = _since(subject)
    await subject.store.freeze(freeze, ENTRY)

    await subject.store.freeze(freeze, ENTRY)

    assert (await subject.store.freezes(), len(await subject.store.entries())) == ((freeze,), 1)


@pytest.mark.parametrize("scope", ["all", "zhangjiakou", "hangzhou"])
async def test_a_frozen_scope_stops_what_names_it_and_says_who_froze_it(subject: Subject, scope: str) -> None:
    first = await taken(subject.store)
    await subject.store.freeze(_since(subject, scope=scope), ENTRY)

    with pytest.raises(Frozen, match=f"frozen by <@{ON_CALL}> since .* until two people lift it: storage migration"):
        await subject.store.commit(a_commit(first, unless_frozen=BETWEEN))
    assert (await subject.store.commit(a_commit(first))).version == 2


async def test_a_frozen_site_stops_no_other(subject: Subject) -> None:
    first = await taken(subject.store)
    await subject.store.freeze(_since(subject, scope="shanghai"), ENTRY)

    assert (await subject.store.commit(a_commit(first, unless_frozen=BETWEEN))).version == 2


async def test_where_nothing_was_ever_frozen_nothing_is_stopped(subject: Subject) -> None:
    first = await taken(subject.store)

    assert (await subject.store.commit(a_commit(first, unless_frozen=BETWEEN))).version == 2


async def test_a_freeze_with_an_end_stops_until_then(subject: Subject) -> None:
    first = await taken(subject.store)
    await subject.store.freeze(_since(subject, until=subject.now().replace(microsecond=0) + HOUR), ENTRY)

    with pytest.raises(Frozen):
        await subject.store.commit(a_commit(first, unless_frozen=BETWEEN))


async def test_a_freeze_whose_time_has_passed_stops_nothing_and_is_not_shown(subject: Subject) -> None:
    first = await taken(subject.store)
    await subject.store.freeze(_since(subject, until=subject.now().replace(microsecond=0)), ENTRY)

    assert await subject.store.freezes() == ()
    assert (await subject.store.commit(a_commit(first, unless_frozen=BETWEEN))).version == 2


async def test_nobody_shortens_a_freeze_alone(subject: Subject) -> None:
    long, now = _since(subject), subject.now().replace(microsecond=0)
    await subject.store.freeze(long, ENTRY)

    with pytest.raises(AlreadyFrozen, match="lasts longer than what you asked for"):
        await subject.store.freeze(replace(long, at=now + timedelta(seconds=1), until=now + HOUR), ENTRY)
    assert (await subject.store.freezes(), len(await subject.store.entries())) == ((long,), 1)


async def test_anybody_makes_a_freeze_longer(subject: Subject) -> None:
    now = subject.now().replace(microsecond=0)
    await subject.store.freeze(_since(subject, until=now + HOUR), ENTRY)
    longer = _since(subject, until=now + 2 * HOUR, person="approver")

    await subject.store.freeze(longer, ENTRY)

    assert (await subject.store.freezes(), len(await subject.store.entries())) == ((longer,), 2)


async def test_a_freeze_beside_another_has_an_entry_of_its_own(subject: Subject) -> None:
    await subject.store.freeze(_since(subject, scope="zhangjiakou"), ENTRY)

    await subject.store.freeze(_since(subject, scope="hangzhou"), ENTRY)

    assert (len(await subject.store.freezes()), len(await subject.store.entries())) == (2, 2)


async def test_an_approved_lift_ends_exactly_what_it_names(subject: Subject) -> None:
    everything, site = _since(subject), _since(subject, scope="zhangjiakou")
    for freeze in (everything, site):
        await subject.store.freeze(freeze, ENTRY)
    asked = await subject.store.commit(a_commit(_unfreeze(everything, State.PENDING), "asked", index=IndexMove.TAKE))

    lifted = replace(_unfreeze(everything, State.DONE), version=asked.version)
    await subject.store.commit(a_commit(lifted, "lifted", index=IndexMove.RELEASE, lifts=(everything,)))

    assert await subject.store.freezes() == (site,)


async def test_what_was_frozen_anew_is_not_lifted_by_an_older_request(subject: Subject) -> None:
    older = _since(subject)
    newer = replace(older, at=older.at + timedelta(seconds=1))
    for freeze in (older, newer):
        await subject.store.freeze(freeze, ENTRY)

    with pytest.raises(FreezeChanged, match="was frozen anew"):
        await subject.store.commit(a_commit(_unfreeze(older), lifts=(older,)))
    assert await subject.store.freezes() == (newer,)


async def test_what_is_not_frozen_is_not_lifted(subject: Subject) -> None:
    with pytest.raises(FreezeChanged):
        await subject.store.commit(a_commit(_unfreeze(_since(subject)), lifts=(_since(subject),)))


@pytest.mark.parametrize("fields", [{"votes": ()}, {"votes": (), "approved_at": None}], ids=["approved", "pending"])
async def test_a_lift_that_nobody_else_approved_is_forged(subject: Subject, fields: dict[str, Any]) -> None:
    freeze = _since(subject)
    await subject.store.freeze(freeze, ENTRY)

    with pytest.raises(ForgedApproval):
        await subject.store.commit(a_commit(_unfreeze(freeze, **fields), lifts=(freeze,)))
    assert await subject.store.freezes() == (freeze,)


async def test_two_requests_to_lift_the_same_are_not_open_at_once(subject: Subject) -> None:
    freeze = _since(subject)
    await subject.store.commit(a_commit(_unfreeze(freeze, State.PENDING), "first", index=IndexMove.TAKE))

    other = replace(_unfreeze(freeze, State.PENDING), id="uf-0002")

    with pytest.raises(AlreadyOpen, match="uf-0001 already wants to change the same"):
        await subject.store.commit(a_commit(other, "second", index=IndexMove.TAKE))
