"""Strategies for what people, vendors and the world may put into a message."""

from dataclasses import replace
from datetime import timedelta
from typing import TypeVar

from hypothesis import strategies as st

from bot.domain import concern
from bot.domain.both_ends import Control
from bot.domain.differences import (
    Cause,
    Difference,
    Differences,
    Explanation,
    Likeness,
    Newer,
    Place,
    Side,
    Span,
    Tally,
)
from bot.domain.draft import Draft
from bot.domain.freeze import Freeze, Switches
from bot.domain.inventory import Coverage, Repository, Tag
from bot.domain.observation import Observation, Observed
from bot.domain.operation import Operation, Progress, Requester, State, Step, SubState, Verb
from bot.domain.overview import Overview
from bot.domain.plan import Change, Effect, Finding, Kind, Level
from bot.domain.pulling import DeepReport, Findings, Flaw, Trouble
from bot.domain.record import Record, Zone
from bot.domain.report import Assessment, Question, Report
from bot.domain.rule_audit import Feasibility, PairAudit, Possible, RuleUse
from bot.domain.rule_reach import Named, NamespaceGap, Reached
from bot.domain.sighting import Sight, Sighting
from bot.domain.snapshot import SiteState, SyncRule, SyncTask, TaskFeed, Unknown, ViewState
from bot.domain.spread import Course, Holding, Spread
from bot.domain.topology import View
from bot.domain.verdict import Judgement, Verdict
from tests import builders as make

T = TypeVar("T")
NASTY = st.sampled_from(
    (
        "<!channel>",
        "<https://example.org|Approve>",
        "<@U01APPROVER>",
        "```",
        "`",
        "&",
        "*_~",
        "\u202e",
        "\n",
        "x" * 1500,
        "&" * 300,
        '"\\' * 150,
        "",
    )
)
TEXT = st.lists(NASTY | st.text(max_size=40), max_size=4).map("".join)
TIMES = st.integers(0, 10**6).map(lambda seconds: make.NOW + timedelta(seconds=seconds))
MAYBE_TIME = st.none() | TIMES
VIEWS = st.builds(
    View, site=TEXT, domain=TEXT, vpcs=st.lists(TEXT, min_size=1, max_size=4).map(tuple), zone=st.none() | TEXT
)
ZONES = st.builds(Zone, zone_id=TEXT, name=TEXT, zone_type=TEXT, vpcs=st.just(()))
RECORDS = st.builds(
    Record, record_id=TEXT, zone_id=TEXT, rr=st.just("@"), type=TEXT, value=TEXT, ttl=st.integers(), status=TEXT
)
UNKNOWNS = st.builds(Unknown, TEXT)
FINDINGS = st.builds(Finding, code=TEXT, level=st.sampled_from(Level), effect=st.sampled_from(Effect), sentence=TEXT)
CHANGES = st.builds(Change, view=VIEWS, zone=ZONES, existing=RECORDS, desired=RECORDS)


def many(one: st.SearchStrategy[T], most: int) -> st.SearchStrategy[tuple[T, ...]]:
    """Return a few different values, repeated up to `most` in all."""
    few, count = st.lists(one, min_size=1, max_size=2), st.integers(0, most)
    return st.builds(lambda values, wanted: tuple((values * (wanted + 1))[:wanted]), few, count)


PLANS = st.builds(
    lambda changes, findings, away, to, is_simulation: replace(
        make.a_plan(), changes=changes, findings=findings, away=away, to=to, is_simulation=is_simulation
    ),
    many(CHANGES, 45),
    many(FINDINGS, 30),
    TEXT,
    TEXT,
    st.booleans(),
)
FREEZES = st.builds(
    Freeze, scope=st.just("all") | TEXT, person=TEXT, user_id=TEXT, at=TIMES, until=MAYBE_TIME, reason=TEXT
)
SWITCHES = st.builds(Switches, many(FREEZES, 12), many(FREEZES, 12), TEXT, TEXT)
LIFTS = st.builds(
    lambda away, lifts, is_simulation: replace(
        make.a_plan(kind=Kind.UNFREEZE, changes=()), away=away, lifts=lifts, is_simulation=is_simulation
    ),
    TEXT,
    st.lists(FREEZES, min_size=1, max_size=8).map(tuple),
    st.booleans(),
)
PROGRESS = st.builds(
    Progress,
    state=st.sampled_from(SubState),
    applied_at=MAYBE_TIME,
    request_ids=st.lists(TEXT, max_size=5).map(tuple),
    note=TEXT,
)
OBSERVATIONS = st.builds(
    Observation,
    name=st.sampled_from(("CONVERGED", "CONFIRMED")),
    change=st.integers(0, 3),
    outcome=st.sampled_from(Observed),
    sentence=TEXT,
    at=TIMES,
)
SIGHTINGS = st.builds(
    Sighting,
    change=st.integers(0, 3),
    sight=st.sampled_from(Sight),
    holds=TEXT,
    sentence=TEXT,
    at=TIMES,
    person=TEXT,
)
VOTES = st.builds(
    lambda verb, user, reason, at: make.a_vote(verb=verb, user_id=user, reason=reason, at=at),
    st.sampled_from(Verb),
    TEXT,
    TEXT,
    TIMES,
)


@st.composite
def operations(draw: st.DrawFn) -> Operation:
    """Draw an operation in any state, with parts that need not fit together."""
    plan = draw(PLANS | LIFTS)
    return replace(
        make.an_operation(draw(st.sampled_from(State)), plan=plan),
        id=draw(TEXT),
        requester=Requester("on-call", draw(TEXT)),
        reason=draw(TEXT),
        only=draw(TEXT),
        outcome=draw(TEXT),
        votes=draw(many(VOTES, 30)),
        progress=draw(many(PROGRESS, 45)),
        observations=draw(many(OBSERVATIONS, 20)),
        steps=draw(many(st.builds(Step, at=TIMES, text=TEXT), 60)),
        sightings=draw(many(SIGHTINGS, 20)),
        approved_at=draw(MAYBE_TIME),
        ended_at=draw(MAYBE_TIME),
        watch_until=draw(MAYBE_TIME),
    )


DRAFTS = st.builds(lambda plan: Draft(plan, make.a_snapshot()), PLANS)
SITE_STATES = st.builds(
    lambda name, instance: SiteState(replace(make.a_site(), name=name), instance, make.endpoints()),
    TEXT,
    UNKNOWNS | st.builds(lambda status: make.an_instance(status=status), TEXT),
)
VIEW_STATES = st.builds(
    ViewState,
    view=VIEWS,
    zone=ZONES | UNKNOWNS,
    records=st.lists(RECORDS, max_size=4).map(tuple) | UNKNOWNS,
)
OVERVIEWS = st.builds(
    lambda sites, views, opened, frozen, note: Overview(
        make.NOW, {str(i): site for i, site in enumerate(sites)}, views, opened, frozen, note
    ),
    many(SITE_STATES, 40),
    many(VIEW_STATES, 60),
    many(operations(), 30),
    st.lists(TEXT, max_size=4).map(tuple),
    TEXT,
)
RULES = st.builds(
    SyncRule,
    rule_id=TEXT,
    name=TEXT,
    from_instance=st.sampled_from(("cri-aaaaa", "cri-bbbbb")),
    to_instance=st.sampled_from(("cri-aaaaa", "cri-bbbbb")),
    scope=TEXT,
    is_automatic=st.booleans(),
    namespace=st.none() | TEXT,
    repository=st.none() | TEXT,
    tag_filter=st.none() | TEXT,
)
TASKS = st.builds(
    SyncTask,
    task_id=TEXT,
    status=st.sampled_from(("PENDING", "ERROR")) | TEXT,
    image=TEXT,
    created_at=MAYBE_TIME,
    changed_at=MAYBE_TIME,
    from_instance=st.just("cri-bbbbb"),
    to_instance=st.just("cri-aaaaa"),
    issue=st.none() | TEXT,
)
COUNTS = st.integers(0, 10**6)
TAGS = st.builds(Tag, digest=TEXT, pushed_at=MAYBE_TIME)
PLACES = st.builds(Place, path=TEXT, source_at=TIMES, target_at=TIMES)
EXPLANATIONS = st.builds(Explanation, cause=st.sampled_from(Cause), newer=st.sampled_from(Newer), reason=TEXT)
DIFFERENCES = st.builds(
    Difference,
    place=PLACES,
    tag=TEXT,
    likeness=st.sampled_from(Likeness),
    source=st.none() | TAGS,
    target=st.none() | TAGS,
    is_critical=st.booleans(),
    explanation=EXPLANATIONS,
)
TALLIES = st.builds(
    Tally,
    *(COUNTS for _ in range(8)),
    causes=st.dictionaries(st.sampled_from(Cause), COUNTS),
)
SPANS = st.none() | st.builds(Span, TIMES, TIMES)
FOUND = st.builds(
    Differences,
    TALLIES,
    TALLIES,
    *(many(DIFFERENCES, 20) for _ in range(3)),
    source_span=SPANS,
    target_span=SPANS,
    unread=many(TEXT, 20),
)
COVERAGES = st.builds(
    Coverage,
    instance=TEXT,
    as_of=MAYBE_TIME,
    full_as_of=MAYBE_TIME,
    silent_since=MAYBE_TIME,
    trouble=TEXT,
    unlisted=COUNTS,
)
SIDES = st.builds(Side.of, st.just(make.a_site()), COVERAGES)
FEEDS = st.builds(TaskFeed, tasks=many(TASKS, 60), total=COUNTS, as_of=TIMES) | UNKNOWNS
REPORTS = st.builds(
    Report,
    question=st.builds(
        Question,
        st.just(make.a_site()),
        st.just(make.a_site("hangzhou")),
        st.just(()),
        st.none() | TEXT,
    ),
    source=SIDES,
    target=SIDES,
    found=FOUND,
    judgement=st.builds(
        Judgement,
        st.sampled_from(Verdict),
        TALLIES,
        st.none() | DIFFERENCES,
        st.none() | st.timedeltas(),
        st.booleans(),
    ),
    taken_at=TIMES,
    control=st.builds(Control, many(RULES, 40) | UNKNOWNS, many(RULES, 3) | UNKNOWNS, FEEDS),
    done=COUNTS,
    total=COUNTS,
    interrupted=TEXT,
    unseen=many(TASKS, 20),
)
USES = st.builds(
    RuleUse,
    rule=RULES,
    troubles=many(st.tuples(TEXT, TEXT), 2),
    last_success_at=MAYBE_TIME,
    failed=COUNTS,
    issues=many(TEXT, 5),
)
NAMED = st.builds(Named, COUNTS, st.lists(TEXT, max_size=20))
GAPS = st.dictionaries(TEXT, st.builds(NamespaceGap, TEXT, st.booleans(), COUNTS), max_size=30)
AUDITS = st.builds(
    PairAudit,
    source=st.just(make.a_site()),
    target=st.just(make.a_site("hangzhou")),
    feasibility=st.builds(Feasibility, st.sampled_from(Possible), TEXT),
    rules=many(USES, 30) | UNKNOWNS,
    feed=FEEDS,
    reached=st.builds(Reached, COUNTS, *(NAMED for _ in range(7)), GAPS) | UNKNOWNS,
    last_success_at=MAYBE_TIME,
    silent=many(st.tuples(TEXT, TEXT), 2),
    mute=many(st.tuples(st.just("zhangjiakou"), TEXT), 1),
)
FLAWS = st.builds(
    Flaw,
    path=TEXT,
    tag=TEXT,
    trouble=st.sampled_from(Trouble),
    detail=TEXT,
    listed_digest=TEXT,
    listed_at=TIMES,
    seen_at=TIMES,
)
DEEP = st.builds(
    DeepReport,
    side=SIDES,
    taken_at=TIMES,
    at=TEXT,
    found=st.builds(Findings, *(COUNTS for _ in range(6)), flaws=many(FLAWS, 20)),
    done=COUNTS,
    total=COUNTS,
    never_listed=COUNTS,
    interrupted=TEXT,
)
CONCERNS = st.builds(concern.Concern, st.sampled_from(concern.Kind), TEXT, TEXT)
REPOSITORIES = st.builds(
    Repository,
    path=TEXT,
    id=TEXT,
    tags=st.dictionaries(TEXT, TAGS, max_size=12),
    read_at=TIMES,
    scan=st.just(1),
)
COURSES = st.builds(
    Course,
    st.just(make.a_site()),
    st.just(make.a_site("hangzhou")),
    FOUND,
    many(RULES, 20) | UNKNOWNS,
    many(TASKS, 5) | UNKNOWNS,
)
SPREADS = st.builds(
    Spread,
    TEXT,
    st.none() | TEXT,
    many(st.builds(Holding, st.just(make.a_site()), st.none() | REPOSITORIES, MAYBE_TIME), 12),
    many(COURSES, 12),
)
ASSESSMENTS = st.builds(Assessment, REPORTS, AUDITS | UNKNOWNS, st.none() | DEEP)
