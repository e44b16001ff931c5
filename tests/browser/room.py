"""The workspace page in the hands of a person: who to be, what to type, what to press, what can be read."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.async_api import Browser, Locator, Page

PATIENCE_MS = 20_000
TOO_WIDE = """() => [...document.querySelectorAll("body *")].filter((node) => {
  const box = node.getBoundingClientRect();
  const cut = node.scrollWidth > node.clientWidth + 1 && getComputedStyle(node).overflowX === "hidden";
  return box.width && !node.closest(".skip, .channels") && (box.right > innerWidth + 1 || cut);
}).map((node) => `${node.tagName}.${node.className}: ${node.textContent.slice(0, 60)}`)"""


@dataclass
class Room:
    """One person's browser window."""

    page: Page

    async def act_as(self, persona: str) -> None:
        """Become somebody else."""
        await self.page.get_by_test_id("act-as").select_option(persona)

    async def type(self, text: str) -> None:
        """Type into the message box and send it."""
        await self.page.get_by_test_id("composer").fill(text)
        await self.page.get_by_test_id("composer").press("Enter")

    async def message(self, *words: str) -> Locator:
        """Wait for the newest message that holds all these words, and return it."""
        found = self.page.locator("#timeline > [data-testid=message]")
        for part in words:
            found = found.filter(has_text=part)
        await found.last.wait_for(timeout=PATIENCE_MS)
        return found.last

    async def press(self, verb: str) -> None:
        """Press a button of the newest card."""
        await self.page.get_by_test_id(f"button-operation.{verb}").last.click()

    async def question(self) -> str:
        """Return what the dialog asks."""
        dialog = self.page.get_by_role("dialog")
        await dialog.wait_for()
        return await dialog.inner_text()

    async def confirm(self) -> None:
        """Say yes to the dialog."""
        await self.page.get_by_test_id("confirm-ok").click()

    async def vpc(self, vpc: str, words: str) -> str:
        """Wait until the live picture says this of a VPC, and return all that it says."""
        card = self.page.get_by_test_id(f"vpc-{vpc}")
        await card.filter(has_text=words).wait_for(timeout=PATIENCE_MS)
        return await card.inner_text()

    async def too_wide(self) -> list[str]:
        """Name what sticks out of the window or is cut off at its side."""
        return list(await self.page.evaluate(TOO_WIDE))

    async def scroll_to_the_beginning(self) -> None:
        """Show the first message of the channel."""
        await self.page.get_by_test_id("message").first.scroll_into_view_if_needed()

    async def photograph(self, path: Path) -> None:
        """Write what the window shows."""
        await self.page.screenshot(path=path, animations="disabled")

    async def keep_picture(self, name: str) -> None:
        """Photograph it where somebody asked for pictures."""
        if folder := os.environ.get("PICTURES"):
            await self.photograph(Path(folder) / f"{name}.png")


@asynccontextmanager
async def opened(browser: Browser, address: str, width: int = 1280, height: int = 800) -> AsyncIterator[Room]:
    """Open the page, and let no error in its console pass."""
    page = await browser.new_page(viewport={"width": width, "height": height}, color_scheme="light")
    trouble: list[str] = []
    page.on("pageerror", lambda error: trouble.append(str(error)))
    page.on("console", lambda line: trouble.append(line.text) if line.type == "error" else None)
    await page.goto(address)
    await page.get_by_test_id("channel-C01OPS").wait_for()
    yield Room(page)
    await page.close()
    assert trouble == []
