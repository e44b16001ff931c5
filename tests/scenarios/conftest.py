"""The company of each scenario, over Socket Mode unless a test asks for both transports."""

from collections.abc import AsyncIterator

import pytest

from tests.scenarios.company import Company, company_with_bot


@pytest.fixture
async def company(monkeypatch: pytest.MonkeyPatch, redis_url: str) -> AsyncIterator[Company]:
    async with company_with_bot(monkeypatch, redis_url) as company:
        yield company


@pytest.fixture(params=["socket", "http"])
async def company_by(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, redis_url: str
) -> AsyncIterator[Company]:
    """The same company, once by each transport."""
    async with company_with_bot(monkeypatch, redis_url, REGISTRY_BOT_SLACK_MODE=request.param) as company:
        yield company
