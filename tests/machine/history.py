"""The rules by which a history grows: any of these may come next, whatever came before."""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from bot.domain.freeze import ALL
from bot.domain.operation import HOLD, LEASE, START_WITHIN, Verb
from tests.builders import ON_CALL
from tests.fakes import FakeClock
from tests.machine.cloud import Fault
from tests.machine.company import ACCOUNTS, BOTS, LEAD, Company
from tests.machine.judge import PAUSES, Meddling
from tests.machine.stores import Store
from tests.machine.witness import Moment
from tests.simulation.bots import Alter

people = st.sampled_from(sorted(ACCOUNTS))
names = st.sampled_from(("approver", "lead", "on-call"))
sites = st.sampled_from(("zhangjiakou", "hangzhou"))
scopes = st.sampled_from((ALL, "zhangjiakou", "hangzhou"))
records = st.sampled_from(("record-a", "record-b", "record-c"))
bots = st.sampled_from(BOTS)
moments = st.sampled_from(Moment)
DECISIONS = (Meddling.FREEZE, Meddling.POLICY, Meddling.ACCOUNT, Meddling.EDIT, Meddling.CANCEL)
TROUBLES = (Meddling.EDIT, Meddling.FREEZE, Meddling.POLICY, Meddling.ACCOUNT, *sorted(PAUSES))
FAULTS = st.lists(st.sampled_from(Fault), max_size=3)
SHORT = st.integers(1, 12).map(lambda seconds: timedelta(seconds=seconds))
LONG = st.sampled_from((LEASE, HOLD, START_WITHIN, timedelta(minutes=15), timedelta(minutes=20)))


class History(RuleBasedStateMachine):
    """One company from its first day; `store` is chosen by a subclass."""

    store: Callable[[FakeClock], Store]
    alter: Alter = staticmethod(lambda ports: ports)

    def __init__(self) -> None:
        super().__init__()
        self._runner, self._rounds = asyncio.Runner(), 0
        clock = FakeClock()
        self.company = Company(type(self).store(clock), clock, type(self).alter)

    def _run(self, act: Coroutine[Any, Any, Any]) -> Any:
        return self._runner.run(act)

    def _some(self, which: int) -> Any:
        """Return an operation: of the open ones if there is any, else the latest."""
        found = self._run(self.company.open()) or list(self._run(self.company.store.everything()))[-1:]
        return found[which % len(found)] if found else None

    def _vote(self, who: str, verb: Verb, which: int) -> None:
        operation = self._some(which)
        if operation is not None:
            self._run(self.company.vote(who, verb, operation))

    @initialize(away=sites, is_approved=st.booleans())
    def a_failover_is_asked_for(self, away: str, is_approved: bool) -> None:
        self._run(self.company.request(ON_CALL, away))
        if is_approved:
            self.all_approve(0)

    @initialize(away=sites, faults=FAULTS, moment=moments, what=st.sampled_from(TROUBLES), name=bots)
    def the_first_failover_meets_trouble(
        self, away: str, faults: list[Fault], moment: Moment, what: Meddling, name: str
    ) -> None:
        self._meet_trouble(away, faults, moment, what, name)

    @rule(away=sites, faults=FAULTS, moment=moments, what=st.sampled_from(TROUBLES), name=bots)
    def all_is_well_until_a_failover_meets_trouble(
        self, away: str, faults: list[Fault], moment: Moment, what: Meddling, name: str
    ) -> None:
        self._meet_trouble(away, faults, moment, what, name)

    def _meet_trouble(self, away: str, faults: list[Fault], moment: Moment, what: Meddling, name: str) -> None:
        """Hold a bot up at a moment of its claim, or let it die there and another take over what is not wanted now."""
        self._begin(away, faults)
        if what in (Meddling.EDIT, *PAUSES):
            self._run(self.company.meddle_at(name, moment, what))
            return
        self._run(self.company.crash_at(BOTS[0], moment))
        self._run(self.company.disturb(what))
        self.company.wait(LEASE)
        self._run(self.company.tick(name))

    @rule(away=sites, faults=FAULTS, moment=moments, what=st.sampled_from(DECISIONS))
    def all_is_well_until_something_happens_at_a_moment_of_a_claim(
        self, away: str, faults: list[Fault], moment: Moment, what: Meddling
    ) -> None:
        self._begin(away, faults)
        self._run(self.company.meddle_at(BOTS[0], moment, what))

    @rule(away=sites, what=st.sampled_from(DECISIONS))
    def all_is_well_until_something_happens_before_a_claim(self, away: str, what: Meddling) -> None:
        self._begin(away, [])
        self._run(self.company.disturb(what))
        self._run(self.company.tick_both())

    @rule(away=sites, faults=st.lists(st.sampled_from(Fault), min_size=1, max_size=4))
    def all_is_well_until_the_cloud_fails_in_a_failover(self, away: str, faults: list[Fault]) -> None:
        self._begin(away, faults)
        self._run(self.company.run_on(LEASE))
        while self.company.cloud.has_late_writes:
            self.company.cloud.let_late_write_arrive()

    @rule(away=sites, approvals=st.integers(1, 2), voters=st.sets(people, min_size=1, max_size=2))
    def all_is_well_until_some_of_those_who_must_approve_do(self, away: str, approvals: int, voters: set[str]) -> None:
        self._run(self.company.recover())
        self.company.demand(approvals)
        self._run(self.company.request(ON_CALL, away))
        for who in sorted(voters):
            self._vote(who, Verb.APPROVE, 0)
        self._run(self.company.tick_both())

    @rule(away=sites, verb=st.sampled_from((Verb.REJECT, Verb.CANCEL)))
    def all_is_well_until_one_declines_and_all_decide_again(self, away: str, verb: Verb) -> None:
        self._run(self.company.recover())
        self._run(self.company.request(ON_CALL, away))
        latest = self._run(self.company.store.everything())[-1]
        self._run(self.company.vote(LEAD, verb, latest))
        for who in sorted(ACCOUNTS):
            self._run(self.company.vote(who, Verb.APPROVE, latest))

    def _begin(self, away: str, faults: list[Fault]) -> None:
        self._run(self.company.recover())
        self._run(self.company.request(ON_CALL, away))
        self.all_approve(0)
        self.company.cloud.faults = list(faults)

    @rule(name=bots, at=st.integers(1, 20), what=st.sampled_from(Meddling))
    def something_happens_while_a_bot_works(self, name: str, at: int, what: Meddling) -> None:
        self._run(self.company.meddle(name, at, what))

    @rule(who=people, away=sites)
    def somebody_asks(self, who: str, away: str) -> None:
        self._run(self.company.request(who, away))

    @rule(which=st.integers(0, 2))
    def all_approve(self, which: int) -> None:
        """Let everybody try, each time in another order, so that the word of each counts some time."""
        self._rounds += 1
        who = sorted(ACCOUNTS)
        for user_id in who[self._rounds % len(who) :] + who[: self._rounds % len(who)]:
            self._vote(user_id, Verb.APPROVE, which)

    @rule(who=people, which=st.integers(0, 2))
    def somebody_approves(self, who: str, which: int) -> None:
        self._vote(who, Verb.APPROVE, which)

    @rule(who=people, verb=st.sampled_from((Verb.REJECT, Verb.CANCEL)), which=st.integers(0, 2))
    def somebody_declines(self, who: str, verb: Verb, which: int) -> None:
        self._vote(who, verb, which)

    @rule(who=people, scope=scopes, minutes=st.sampled_from((None, 1, 5)))
    def somebody_freezes(self, who: str, scope: str, minutes: int | None) -> None:
        span = None if minutes is None else timedelta(minutes=minutes)
        self._run(self.company.freeze(who, scope, span))

    @rule(who=people, scope=scopes)
    def somebody_asks_to_lift(self, who: str, scope: str) -> None:
        self._run(self.company.ask_to_lift(who, scope))

    @rule(approvals=st.integers(1, 2), without=st.none() | names)
    def the_policy_changes(self, approvals: int, without: str | None) -> None:
        self.company.demand(approvals, without=without)

    @rule(who=people, is_deleted=st.booleans())
    def an_account_is_switched(self, who: str, is_deleted: bool) -> None:
        self.company.deactivate(who, is_deleted=is_deleted)

    @rule(record=records)
    def somebody_edits_a_record(self, record: str) -> None:
        self.company.edit(record, "10.9.9.9")

    @rule(record=records)
    def somebody_puts_a_record_back(self, record: str) -> None:
        self._run(self.company.put_back(record))

    @rule(span=SHORT | LONG)
    def time_passes(self, span: timedelta) -> None:
        self.company.wait(span)

    @rule(faults=FAULTS)
    def the_cloud_will_fail(self, faults: list[Fault]) -> None:
        self.company.cloud.faults = faults

    @rule()
    def the_cloud_goes_dark(self) -> None:
        self.company.cloud.go_dark()

    @rule()
    def the_cloud_is_well(self) -> None:
        self.company.cloud.heal()

    @precondition(lambda self: self.company.cloud.has_late_writes)
    @rule()
    def a_late_write_arrives(self) -> None:
        self.company.cloud.let_late_write_arrive()

    @rule(name=bots)
    def a_bot_works(self, name: str) -> None:
        self._run(self.company.tick(name))

    @rule()
    def both_bots_work(self) -> None:
        self._run(self.company.tick_both())

    @rule(name=bots, at=st.integers(1, 40), is_after=st.booleans())
    def a_bot_crashes(self, name: str, at: int, is_after: bool) -> None:
        self._run(self.company.crash(name, at, is_after=is_after))

    @rule(seconds=st.integers(5, 40))
    def time_and_bots_go_on(self, seconds: int) -> None:
        self._run(self.company.run_on(timedelta(seconds=seconds)))

    @invariant()
    def everything_that_must_hold_holds(self) -> None:
        self._run(self.company.judge.judge_history())

    def teardown(self) -> None:
        """Let everything that was begun come to its end, and judge once more."""
        try:
            self._run(self.company.settle())
            self._run(self.company.judge.judge_history())
        finally:
            self._run(self.company.store.close())
            self._runner.close()
