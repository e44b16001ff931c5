"""Whatever both sites hold, and whatever changes meanwhile: no copy overwrites but what was confirmed."""

import asyncio
from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.copy_job import Copy
from bot.domain.topology import Site
from bot.errors import UsageError
from tests.builders import NOW
from tests.fake_copies import FakeCopier
from tests.fakes import FakeClock
from tests.handlers.calls import answer
from tests.services.copying import SOURCE, TARGET, Copying, copying

TAGS = ("1", "2", "3", "4")
DIGESTS = st.sampled_from(("", "a" * 64, "b" * 64, "c" * 64))
MINUTES = st.one_of(st.none(), st.integers(1, 300))
STOCKS = st.fixed_dictionaries({tag: st.tuples(DIGESTS, MINUTES, DIGESTS, MINUTES) for tag in TAGS})
CHANGES = st.lists(st.tuples(st.sampled_from((SOURCE, TARGET)), st.sampled_from(TAGS), DIGESTS), max_size=4)
ASKED = st.sampled_from(("missing", "core/api", *(f"core/api:{tag}" for tag in TAGS)))
Stocks = dict[str, tuple[str, int | None, str, int | None]]


class Watched(FakeCopier):
    """A vendor that compares every call with what both sites hold at that moment, and with what was confirmed."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__(clock)
        self.company: Copying | None = None
        self.wrong: list[str] = []

    async def begin(self, copy: Copy, source: Site, target: Site, repository_id: str, **fields: Any) -> str:
        assert self.company is not None
        confirmed = {each.image: each for each in self.company.job().copies}[copy.image]
        held = self.company.registries.shelves
        here, there = (held[site].get(copy.path, {}).get(copy.tag) for site in (SOURCE, TARGET))
        if here is None or here.digest != confirmed.digest:
            self.wrong.append(f"{copy.image} is not what was confirmed")
        if there is not None and there.digest != confirmed.replaces:
            self.wrong.append(f"{copy.image} overwrites what was not confirmed")
        if fields["overrides"] != (there is not None):
            self.wrong.append(f"{copy.image} overrides={fields['overrides']}")
        return await super().begin(copy, source, target, repository_id, **fields)


def _put(company: Copying, site: str, tag: str, digest: str, minutes: int | None = 1) -> None:
    held = company.registries.shelves[site].setdefault("core/api", {})
    held.pop(tag, None)
    if digest:
        pushed = None if minutes is None else NOW - timedelta(minutes=minutes)
        company.registries.put(site, f"core/api:{tag}", digest, pushed)


async def _run(stocks: Stocks, asked: str, first: list[Any], second: list[Any]) -> list[str]:
    company = await copying(0)
    watched = Watched(company.clock)
    company.use(watched)
    watched.company = company
    for tag, (here, pushed, there, written) in stocks.items():
        _put(company, SOURCE, tag, here, pushed)
        _put(company, TARGET, tag, there, written)
    await company.know()
    for change in first:
        _put(company, *change)
    try:
        told = await answer(company.ports, f"sync {asked} from {SOURCE} to {TARGET}")
    except UsageError:
        return []
    if told.text.startswith("NOTHING TO COPY"):
        return []
    job = company.job()
    named = {copy.image for copy in job.copies if copy.replaces}
    shown = str(next(post.message.blocks for post in company.workspace.posts if post.ts == job.ts))
    await company.press(job)
    for change in second:
        _put(company, *change)
    await company.work(3)
    unsaid = [image for image in named if f"`{image}` *replaces*" not in shown]
    return [*watched.wrong, *unsaid]


@settings(max_examples=150, deadline=None)
@given(STOCKS, ASKED, CHANGES, CHANGES)
def test_no_copy_overwrites_what_was_not_confirmed_to_be_replaced(
    stocks: Stocks, asked: str, first: list[Any], second: list[Any]
) -> None:
    assert asyncio.run(_run(stocks, asked, first, second)) == []
