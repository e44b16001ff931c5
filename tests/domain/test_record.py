"""When two readings of a record are the same record."""

from typing import Any

import pytest

from tests.builders import a_record


@pytest.mark.parametrize(
    "fields",
    [
        {"type": "CNAME"},
        {"value": "10.9.9.9"},
        {"ttl": 30},
        {"line": "abroad"},
        {"weight": 7},
        {"priority": 9},
        {"remark": "somebody was here"},
        {"status": "DISABLE"},
        {"record_id": "other"},
        {"zone_id": "other"},
    ],
)
def test_a_record_that_differs_in_anything_is_another(fields: dict[str, Any]) -> None:
    record = a_record(weight=1, priority=5)

    assert not record.agrees_with(a_record(**_whole(**fields)))


@pytest.mark.parametrize("name", ["line", "weight", "priority", "remark", "status"])
def test_what_the_vendor_leaves_out_cannot_differ(name: str) -> None:
    record = a_record(weight=1, priority=5)

    assert record.agrees_with(a_record(**_whole(**{name: None})))


def test_a_zone_that_the_vendor_does_not_name_cannot_differ() -> None:
    assert a_record(zone_id="").agrees_with(a_record())


def test_a_final_dot_and_the_case_of_a_name_do_not_matter() -> None:
    assert a_record(type="CNAME", value="a.example.").agrees_with(a_record(type="CNAME", value="A.example"))


def _whole(**fields: Any) -> dict[str, Any]:
    return {"weight": 1, "priority": 5} | fields
