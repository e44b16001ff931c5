"""A channel watches a site through a stall and an outage, and is told of each once, and of its end."""

from collections.abc import AsyncIterator, Callable

import pytest

from tests.scenarios.company import ON_CALL, Company, company_with_bot

WAY = "zhangjiakou to hangzhou"


def hurry(config: str) -> str:
    """Let critical images wait for two seconds only."""
    return config.replace("replication_lag: 15m", "replication_lag: 2s")


@pytest.fixture
async def company(monkeypatch: pytest.MonkeyPatch, redis_url: str) -> AsyncIterator[Company]:
    async with company_with_bot(monkeypatch, redis_url, amend=hurry, REGISTRY_BOT_INVENTORY_EVERY="1") as company:
        yield company


def told(company: Company, words: str) -> Callable[[], bool]:
    """Return whether a channel was told exactly once what begins with these words."""
    return lambda: sum(line.startswith(words) for card in company.cards() for line in card["text"].split("\n")) == 1


async def test_a_lag_and_then_a_silent_site_are_told_once_each_and_when_they_are_over(company: Company) -> None:
    await company.command(ON_CALL, "watch zhangjiakou")
    company.sim.faults.set("replication_stalled", "zhangjiakou", True)
    company.sim.world.push("cri-bbbbb", "core/api", "9.9.9")
    await company.until(told(company, "LAG: core/api:9.9.9 since "))

    company.sim.faults.set("region_down", "zhangjiakou", True)
    await company.until(told(company, "NOT READ: zhangjiakou since "))
    assert not told(company, "RECOVERED")()

    company.sim.faults.set("region_down", "zhangjiakou", False)
    await company.until(told(company, "RECOVERED: zhangjiakou is read again"))
    company.sim.faults.set("replication_stalled", "zhangjiakou", False)
    await company.until(
        told(company, f"RECOVERED: no critical image that a rule copies by itself waits too long, {WAY}")
    )
    assert told(company, "LAG")()
    assert told(company, "NOT READ")()
