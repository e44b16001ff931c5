"""What Slack says about people, and whom we answer by response_url."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import aiohttp
import pytest

from bot.adapters.response_url import ResponseUrls
from bot.adapters.slack import SlackIdentities
from bot.errors import ProviderError, Refused, Throttled, Unreachable
from bot.ports import Message
from tests.adapters.slack_servers import saying, served, serving
from tests.builders import APPROVER, WORKSPACE
from tests.office import Office, office

MINUTE = timedelta(minutes=1)
HELLO = Message("Hello", [{"type": "section", "text": {"type": "mrkdwn", "text": "Hello"}}])


@pytest.fixture
async def place() -> AsyncIterator[Office]:
    async with office() as opened:
        yield opened


@pytest.mark.parametrize(
    ("user_id", "flags"),
    [
        ("U01APPROVER", set()),
        ("U01ONCALL", set()),
        ("U01GUEST", {"is_guest"}),
        ("U01LEFT", {"is_deleted"}),
        ("U01BOTTY", {"is_bot"}),
        ("USLACKBOT", {"is_bot"}),
        ("U01OUTSIDER", {"is_stranger"}),
    ],
)
async def test_slacks_flags_become_ours(place: Office, user_id: str, flags: set[str]) -> None:
    identity = await place.ports.identities.identity(user_id, MINUTE)

    assert {name for name in ("is_deleted", "is_bot", "is_guest", "is_stranger") if getattr(identity, name)} == flags
    assert identity.team_id == ("T0OUTSIDE" if user_id == "U01OUTSIDER" else WORKSPACE)


async def test_who_has_authorised_this_very_app_is_no_bot(place: Office) -> None:
    place.slack.change_user(APPROVER, {"is_app_user": True})

    assert not (await place.ports.identities.identity(APPROVER, MINUTE)).is_bot


async def test_a_person_is_asked_about_again_when_the_answer_is_too_old(place: Office) -> None:
    await place.ports.identities.identity(APPROVER, MINUTE)
    place.slack.change_user(APPROVER, {"deleted": True})
    place.clock.move(timedelta(seconds=59))
    young = await place.ports.identities.identity(APPROVER, MINUTE)
    place.clock.move(timedelta(seconds=2))
    fresh = await place.ports.identities.identity(APPROVER, MINUTE)

    assert (young.is_deleted, fresh.is_deleted) == (False, True)
    assert place.ports.identities.cached(APPROVER) == fresh


async def test_many_askers_at_once_share_one_call(place: Office) -> None:
    before = len(place.slack.calls)
    await asyncio.gather(*(place.ports.identities.identity(APPROVER, MINUTE) for _ in range(20)))

    assert len(place.slack.calls) == before + 1


async def test_an_unknown_person_passes_for_nobody(place: Office) -> None:
    with pytest.raises(Unreachable, match="no such person") as failed:
        await place.ports.identities.identity("U0NOBODY", MINUTE)

    assert failed.value.code == "user_not_found"
    assert place.ports.identities.cached("U0NOBODY") is None


WHOLE = {"id": "U1", "team_id": "T1", "deleted": False, "is_bot": False, "is_restricted": False}


@pytest.mark.parametrize("missing", sorted(WHOLE))
async def test_an_incomplete_answer_about_a_person_passes_for_no_answer(missing: str) -> None:
    user = {name: value for name, value in WHOLE.items() if name != missing}
    async with served(saying({"ok": True, "user": user})) as (api, clock):
        with pytest.raises(Unreachable, match="incomplete"):
            await SlackIdentities(api, clock, "T1").identity("U1", MINUTE)


async def test_in_an_organisation_a_member_of_our_workspace_belongs_to_it() -> None:
    user = WHOLE | {"team_id": "T9HOME", "enterprise_user": {"id": "U1", "teams": ["T9HOME", "T1"]}}
    async with served(saying({"ok": True, "user": user})) as (api, clock):
        ours = await SlackIdentities(api, clock, "T1").identity("U1", MINUTE)
        theirs = await SlackIdentities(api, clock, "T2").identity("U1", MINUTE)

    assert (ours.team_id, theirs.team_id) == ("T1", "T9HOME")


@pytest.mark.covers("A40")
@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/response",
        "http://hooks.slack.com/commands/1",
        "https://hooks.slack.com.evil.example/",
        "https://hooks.slack.com:8443/",
        "https://user@hooks.slack.com/",
        "file:///etc/passwd",
        "",
    ],
)
async def test_only_slack_is_answered(url: str) -> None:
    async with aiohttp.ClientSession() as session:
        answers = ResponseUrls(session, api_url="https://slack.com/api/")

        with pytest.raises(Refused, match="does not belong to Slack"):
            await answers.answer(url, HELLO)


@pytest.mark.parametrize(("status", "kind"), [(404, Refused), (429, Throttled), (503, Unreachable), (302, Refused)])
async def test_an_answer_that_slack_does_not_take_is_an_error(status: int, kind: type[ProviderError]) -> None:
    handler = saying({}, status, Location="http://127.0.0.1:9/")
    async with serving(handler) as url, aiohttp.ClientSession() as session:
        with pytest.raises(kind):
            await ResponseUrls(session, api_url=url).answer(url, HELLO)
