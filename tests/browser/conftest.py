"""One Chromium for all browser tests: where there is none they are skipped by name, unless that counts as a failure."""

import os
import shutil
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright

from tests.browser.room import Room, opened
from tests.scenarios.company import Company, company_with_bot

QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
CANDIDATES = ("/usr/bin/chromium", "chromium", "chromium-browser", "google-chrome")
NO_BROWSER = "There is no Chromium at /usr/bin/chromium or on PATH: install it to run the browser tests."


@pytest.fixture(scope="session")
def chromium() -> str:
    """Return the path of the browser."""
    found = next(filter(None, map(shutil.which, CANDIDATES)), None)
    if found is None and os.environ.get("REQUIRE_BROWSER") == "1":
        pytest.fail(f"{NO_BROWSER} REQUIRE_BROWSER=1 forbids to skip them.", pytrace=False)
    if found is None:
        pytest.skip(NO_BROWSER)
    return found


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser(chromium: str) -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        launched = await playwright.chromium.launch(executable_path=chromium, args=QUIET)
        yield launched
        await launched.close()


@pytest_asyncio.fixture(loop_scope="session")
async def company(browser: Browser, monkeypatch: pytest.MonkeyPatch, redis_url: str) -> AsyncIterator[Company]:
    """The simulated company with the real bot inside, started only where there is a browser to look at it."""
    async with company_with_bot(monkeypatch, redis_url) as company:
        yield company


@pytest_asyncio.fixture(loop_scope="session")
async def room(browser: Browser, company: Company) -> AsyncIterator[Room]:
    """The page on a desk."""
    async with opened(browser, company.slack.page_url) as room:
        yield room


@pytest_asyncio.fixture(loop_scope="session")
async def phone(browser: Browser, company: Company) -> AsyncIterator[Room]:
    """The page on a phone."""
    async with opened(browser, company.slack.page_url, width=390, height=844) as room:
        yield room
