"""What the bot reports when things go wrong, as people see it on a phone."""

from datetime import timedelta

import pytest
from playwright.async_api import expect

from bot import messages
from bot.domain.operation import State
from simulator.slack.model import BOT_USER_ID
from tests.browser.room import Room
from tests.builders import NOW
from tests.messages.test_matrix_words import REFUSED, WAITING, WRITTEN, several
from tests.scenarios.company import OPS, Company

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def test_a_half_written_plan_is_read_on_a_phone_without_scrolling_sideways(company: Company, phone: Room) -> None:
    half = several(State.PARTIAL, WRITTEN, REFUSED, WAITING)
    said = messages.operation_card(half, lambda _operation, verb: verb, NOW + timedelta(minutes=1))

    company.slack.workspace.post(OPS, BOT_USER_ID, said.text, [dict(block) for block in said.blocks])
    card = await phone.message("PARTIAL", "1 of 3 records written")

    await expect(card.get_by_text("Moved: vpc-bbbbb")).to_be_in_viewport()
    await expect(card.get_by_text("Set by hand what is not written")).to_have_count(1)
    assert await phone.too_wide() == []
    await phone.keep_picture("partial")


async def test_a_person_reads_of_their_own_word_and_takes_it_back_with_one_press(company: Company, phone: Room) -> None:
    await phone.type("/registry failover zhangjiakou because the region is down")
    await phone.message("needs a second person")
    await phone.page.get_by_test_id("channel-D01ONCALL").click()
    await phone.message("You requested failover", "If this was you, there is nothing to do")
    assert await phone.too_wide() == []
    await phone.keep_picture("own-word")

    await phone.press("not_me")
    asked = await phone.question()
    await phone.confirm()

    assert "until two people lift it" in asked
    await phone.message("All sites are frozen on your word")
    await phone.page.get_by_test_id("channel-C01OPS").click()
    await phone.message("FROZEN", "says that what was done in their name")
    await phone.keep_picture("frozen")
    assert await phone.too_wide() == []
