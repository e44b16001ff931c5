"""Who may do what: every gate from both sides, with the code and the sentence that people get."""

from dataclasses import asdict, replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.access import Access, Act, Identity, People, Role, canonical_json
from bot.errors import NotPermitted
from tests.builders import (
    APPROVER,
    APPROVER_ELSEWHERE,
    NOW,
    ON_CALL,
    OUTSIDER,
    a_person,
    a_policy,
    a_site,
    a_view,
    an_access,
    an_identity,
)

ACCESS = an_access()
REQUESTER_ONLY = a_person("operator", "U01OPERATOR", roles=(Role.REQUESTER,))
VIEWER = a_person("viewer", "U01VIEWER", roles=(Role.VIEWER,))
WIDE = replace(ACCESS, people=People((*ACCESS.people.persons, REQUESTER_ONLY, VIEWER)))
SITES = (a_site("hangzhou"), a_site("zhangjiakou"))


def _code(identity: Identity, act: Act, requester: str | None = None, access: Access = WIDE) -> str:
    try:
        access.authorize(identity, act, requester)
    except NotPermitted as refused:
        return refused.code
    return ""


@pytest.mark.covers("A04", "A05", "A06", "A07")
@pytest.mark.parametrize("act", Act)
@pytest.mark.parametrize(
    ("account", "code"),
    [
        ({"is_deleted": True}, "E_INACTIVE_USER"),
        ({"is_bot": True}, "E_NOT_HUMAN"),
        ({"is_guest": True}, "E_EXTERNAL_USER"),
        ({"is_stranger": True}, "E_EXTERNAL_USER"),
        ({"team_id": "T09OTHER"}, "E_EXTERNAL_USER"),
        ({"team_id": ""}, "E_EXTERNAL_USER"),
    ],
)
def test_an_account_that_is_not_an_active_full_member_may_do_nothing(
    act: Act, account: dict[str, Any], code: str
) -> None:
    assert _code(an_identity(APPROVER, **account), act, "on-call") == code


@pytest.mark.parametrize(
    ("user_id", "act", "requester", "code"),
    [
        (OUTSIDER, Act.READ, None, ""),
        (OUTSIDER, Act.REQUEST, None, "E_NOT_REQUESTER"),
        (OUTSIDER, Act.APPROVE, "on-call", "E_NOT_APPROVER"),
        (OUTSIDER, Act.REJECT, "on-call", "E_NOT_APPROVER"),
        (OUTSIDER, Act.CANCEL, "on-call", "E_NOT_REQUESTER"),
        ("U01VIEWER", Act.REQUEST, None, "E_NOT_REQUESTER"),
        ("U01VIEWER", Act.APPROVE, "on-call", "E_NOT_APPROVER"),
        (ON_CALL, Act.REQUEST, None, ""),
        (OUTSIDER, Act.WATCH, None, "E_NO_ROLE"),
        ("U01VIEWER", Act.WATCH, None, "E_NO_ROLE"),
        ("U01VIEWER", Act.FREEZE, None, "E_NO_ROLE"),
        (APPROVER, Act.WATCH, None, ""),
        ("U01OPERATOR", Act.WATCH, None, ""),
        ("U01OPERATOR", Act.REQUEST, None, ""),
        (APPROVER, Act.REQUEST, None, "E_NOT_REQUESTER"),
        (APPROVER, Act.APPROVE, "on-call", ""),
        (APPROVER_ELSEWHERE, Act.APPROVE, "on-call", ""),
        (ON_CALL, Act.APPROVE, "approver", ""),
        (ON_CALL, Act.APPROVE, "on-call", "E_SELF_APPROVAL"),
        (APPROVER_ELSEWHERE, Act.APPROVE, "approver", "E_SELF_APPROVAL"),
        ("U01OPERATOR", Act.APPROVE, "operator", "E_SELF_APPROVAL"),
        ("U01OPERATOR", Act.APPROVE, "on-call", "E_NOT_APPROVER"),
        (APPROVER, Act.REJECT, "on-call", ""),
        ("U01OPERATOR", Act.REJECT, "operator", "E_NOT_APPROVER"),
        ("U01OPERATOR", Act.CANCEL, "operator", ""),
        ("U01OPERATOR", Act.CANCEL, "on-call", "E_NOT_REQUESTER"),
        (APPROVER, Act.CANCEL, "on-call", ""),
    ],
)
def test_roles_open_exactly_their_own_doors(user_id: str, act: Act, requester: str | None, code: str) -> None:
    assert _code(an_identity(user_id), act, requester) == code


@pytest.mark.parametrize("user_id", [APPROVER.lower(), f" {APPROVER}", APPROVER[:-1], "", "approver"])
def test_an_id_counts_whole_and_a_name_never(user_id: str) -> None:
    assert _code(an_identity(user_id), Act.APPROVE, "on-call") == "E_NOT_APPROVER"


@pytest.mark.covers("A01")
def test_self_approval_is_refused_in_the_promised_words() -> None:
    with pytest.raises(NotPermitted, match=r"You asked for this change\. Another person must approve it\."):
        ACCESS.authorize(an_identity(ON_CALL), Act.APPROVE, "on-call")


def test_reading_tells_who_the_person_is_where_the_list_knows_them() -> None:
    assert ACCESS.authorize(an_identity(ON_CALL), Act.READ) == ACCESS.people.persons[0]
    assert ACCESS.authorize(an_identity(OUTSIDER), Act.READ) is None


@pytest.mark.covers("A10")
def test_an_empty_people_list_means_nobody() -> None:
    nobody = an_access(people=People(()))

    assert _code(an_identity(ON_CALL), Act.REQUEST, access=nobody) == "E_NOT_REQUESTER"
    assert not nobody.people.can_complete(1)


@pytest.mark.parametrize(
    ("persons", "approvals", "can"),
    [
        ((a_person("a", "U1", roles=(Role.REQUESTER,)), a_person("b", "U2")), 1, True),
        ((a_person("a", "U1", roles=(Role.REQUESTER,)), a_person("b", "U2")), 2, False),
        ((a_person("a", "U1", roles=(Role.REQUESTER,)), a_person("b", "U2", roles=(Role.VIEWER,))), 1, False),
        ((a_person("a", "U1", "U2", roles=(Role.REQUESTER, Role.APPROVER)),), 1, False),
        ((a_person("a", "U1"), a_person("b", "U2")), 1, False),
        ((a_person("a", "U1", roles=(Role.REQUESTER, Role.APPROVER)), a_person("b", "U2")), 1, True),
    ],
)
def test_a_policy_needs_a_requester_with_enough_other_people(persons: Any, approvals: int, can: bool) -> None:
    assert People(persons).can_complete(approvals) is can


def test_the_ids_of_a_role_are_those_of_every_person_who_has_it() -> None:
    assert ACCESS.people.slack_ids(Role.APPROVER) == (ON_CALL, APPROVER, APPROVER_ELSEWHERE)
    assert ACCESS.people.slack_ids(Role.VIEWER) == ()


@pytest.mark.parametrize(
    ("channel", "name", "is_admitted"),
    [
        ("C01OPS", "whatever", True),
        ("C02", "inc-4711", True),
        ("C02", "INC-4711", False),
        ("C02", "prod-inc-1", False),
        ("C02", "", False),
        ("c01ops", "random", False),
    ],
)
def test_a_channel_is_admitted_by_exact_id_or_by_name_pattern(channel: str, name: str, is_admitted: bool) -> None:
    assert a_policy().admits_channel(channel, name) is is_admitted


def test_no_channel_in_the_policy_admits_no_channel() -> None:
    assert not a_policy(channels=()).admits_channel("C01OPS", "ops")


@pytest.mark.parametrize(
    "access",
    [
        an_access(policy=a_policy(approvals=2)),
        an_access(policy=a_policy(pending_for=timedelta(minutes=16))),
        an_access(policy=a_policy(channels=("C01OPS",))),
        an_access(people=People(ACCESS.people.persons[:1])),
        an_access(people=People((ACCESS.people.persons[0], a_person("approver", APPROVER)))),
        an_access(people=People((ACCESS.people.persons[0], a_person(roles=(Role.APPROVER, Role.REQUESTER))))),
    ],
)
def test_another_policy_or_another_list_of_people_has_another_hash(access: Access) -> None:
    assert access.policy_hash(SITES) != ACCESS.policy_hash(SITES)


@pytest.mark.parametrize(
    "site",
    [
        a_site("zhangjiakou", instance="cri-other"),
        a_site("zhangjiakou", egress=()),
        a_site("zhangjiakou", views=(a_view(vpcs=("vpc-other",)),)),
    ],
)
def test_a_changed_site_changes_the_hash_of_its_own_plans(site: Any) -> None:
    assert ACCESS.policy_hash((SITES[0], site)) != ACCESS.policy_hash(SITES)


def test_the_order_in_which_sites_are_given_does_not_change_the_hash() -> None:
    assert ACCESS.policy_hash(reversed(SITES)) == ACCESS.policy_hash(SITES)


KEYS = st.text(min_size=1, max_size=5)
DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(KEYS, DOCUMENTS, max_size=4))
def test_the_order_of_keys_does_not_change_canonical_bytes(document: dict[str, Any]) -> None:
    turned = dict(reversed(document.items()))

    assert canonical_json(turned) == canonical_json(document)


def test_canonical_bytes_take_sets_spans_and_moments_and_nothing_unforeseen() -> None:
    assert canonical_json({"b": frozenset("ba"), "a": timedelta(minutes=1), "c": NOW}) == (
        b'{"a":60,"b":["a","b"],"c":"2026-11-03T03:00:00+00:00"}'
    )
    with pytest.raises(TypeError, match="object has no canonical form"):
        canonical_json(object())


def test_a_policy_can_be_told_apart_by_its_fields_alone() -> None:
    assert canonical_json(asdict(a_policy())) != canonical_json(asdict(a_policy(soak=timedelta(0))))
