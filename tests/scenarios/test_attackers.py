"""Somebody who may write to Redis, edit zones, or sits between: nothing that two people did not agree on is written."""

import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from redis import Redis

from bot.adapters.redis_keys import DUE, OPERATION
from tests.scenarios.company import APPROVER, ON_CALL, Company

Json = dict[str, Any]


def _rewrite(redis_url: str, operation_id: str, edit: Callable[[Json], object]) -> None:
    """Change a stored operation past the bot, and make it due at once."""
    with Redis.from_url(redis_url, decode_responses=True) as store:
        document = json.loads(str(store.hget(OPERATION + operation_id, "doc")))
        edit(document)
        store.hset(OPERATION + operation_id, "doc", json.dumps(document))
        store.zadd(DUE, {operation_id: int(time.time() * 1000)})


def _approved(votes: list[Json]) -> Callable[[Json], object]:
    def edit(document: Json) -> None:
        document |= {"state": "APPROVED", "approved_at": document["created_at"], "votes": votes}

    return edit


def _vote(document: Json, **fields: Any) -> Json:
    at = document["created_at"]
    vote = {"person": "approver", "user_id": APPROVER, "verb": "approve", "digest": "", "at": at}
    return vote | {"identity_checked_at": at, "reason": "", "mac": ""} | fields


@pytest.mark.covers("A41")
async def test_an_approval_written_into_redis_moves_nothing_and_freezes_everything(
    company: Company, redis_url: str
) -> None:
    card = await company.failover()
    operation_id = company.operation_id(card)
    key = next(e["value"] for block in card["blocks"] for e in block.get("elements", []) if "value" in e).split("|")[3]
    forged = f"{key.partition(':')[0]}:{'0' * 64}"

    def approve(document: Json) -> None:
        vote = _vote(document, digest=document["digest"], mac=forged)
        _approved([vote])(document)

    _rewrite(redis_url, operation_id, approve)
    card = await company.shows("STALE")

    assert "E_APPROVAL_FORGED" in card["text"]
    assert company.writes() == []
    assert "frozen by this bot itself" in await company.command(ON_CALL, "failover hangzhou")


@pytest.mark.covers("A42")
async def test_an_approval_copied_from_another_operation_moves_nothing(company: Company, redis_url: str) -> None:
    first = company.operation_id(await company.failover("failover hangzhou"))
    await company.click(APPROVER, "approve")
    await company.shows_written()
    with Redis.from_url(redis_url, decode_responses=True) as store:
        votes = json.loads(str(store.hget(OPERATION + first, "doc")))["votes"]
    written = len(company.writes())
    second = await company.failover("failover zhangjiakou via internal")
    with Redis.from_url(redis_url, decode_responses=True) as store:
        (key,) = [key for key in store.scan_iter(f"{OPERATION}fo-*") if not str(key).startswith(OPERATION + first)]

    _rewrite(redis_url, str(key).removeprefix(OPERATION), _approved(votes))
    await company.until(lambda: "STALE" in _text(company, second))

    assert "E_APPROVAL_FORGED" in _text(company, second)
    assert len(company.writes()) == written


@pytest.mark.covers("A37")
async def test_other_records_of_the_zone_are_never_touched(company: Company) -> None:
    company.record(act="add", rr="*", value="10.99.0.1")
    company.record(act="add", rr="www", value="10.99.0.2")
    before = _others(company)

    await company.failover()
    await company.click(APPROVER, "approve")
    await company.shows_written()

    assert _others(company) == before
    assert [call["params"]["Rr"] for call in company.writes()] == ["@"]


@pytest.mark.covers("A35")
@pytest.mark.parametrize("address", ["127.0.0.1", "169.254.169.254", "100.100.2.136", "203.0.113.9", "0x0a01000a"])
async def test_an_address_that_no_record_may_hold_is_refused(company: Company, address: str) -> None:
    company.standby(link_address=address)

    told = await company.command(ON_CALL, "failover zhangjiakou via internal")

    company.refused(told, "E_VALUE_NOT_ALLOWED", address)


def _text(company: Company, card: Json) -> str:
    return str(next(each for each in company.cards() if each["ts"] == card["ts"])["text"])


def _others(company: Company) -> list[str]:
    zones = company.sim.world.zones.values()
    return [f"{zone.id} {record}" for zone in zones for record in zone.records if record.rr != "@"]
