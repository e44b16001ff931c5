"""An auditor needs the trail alone: what its entries say."""

from bot.domain.operation import Verb
from bot.services import audit
from bot.services.requests import cast_vote
from tests.builders import APPROVER, ON_CALL, a_vote, an_operation
from tests.services.world import World, a_world


async def _story(world: World) -> dict[str, dict[str, str]]:
    """Carry a failover out and return its entries by event."""
    await world.carry_out(await world.approve())
    return {entry["event"]: dict(entry) for entry in world.operations.audit}


async def test_a_request_says_what_would_change_on_what_evidence_and_why() -> None:
    requested = (await _story(a_world()))["requested"]

    assert requested["changes"].startswith("record-b (")
    assert ": A " in requested["changes"]
    assert " → CNAME " in requested["changes"] or " → A " in requested["changes"]
    assert requested.keys() >= {"kind", "away", "to", "route", "verdict", "digest", "policy", "person", "user"}


async def test_a_vote_says_when_the_person_was_confirmed_and_with_which_key_it_is_marked() -> None:
    world = a_world()
    approved = (await _story(world))["approve"]
    (vote,) = (await world.operations.get("fo-0001")).votes

    assert (approved["person"], approved["user"], approved["approvals"]) == ("approver", APPROVER, "1 of 1")
    assert approved["key"] == vote.mac.partition(":")[0]
    assert approved["identity_checked_at"].startswith("2")


async def test_a_claim_names_the_bot_its_version_and_what_it_may_write() -> None:
    story = await _story(a_world())

    assert story["claimed"]["bot_version"]
    assert story["claimed"]["bot"]
    assert story["claimed"]["changes"] == story["requested"]["changes"]


async def test_the_end_has_its_sentence_and_the_vendors_names_of_our_writes() -> None:
    done = (await _story(a_world()))["second read-back"]

    assert (done["after"], done["requests"]) == ("DONE", "request-1")


async def test_a_cancelled_request_says_by_whose_word() -> None:
    world = a_world()
    operation = await world.ask()
    await cast_vote(world.ports, operation.id, Verb.CANCEL, ON_CALL, reason="it is back")
    cancelled = world.operations.audit[-1]

    assert (cancelled["reason"], cancelled["after"]) == ("it is back", "CANCELLED")
    assert "it is back" in cancelled["outcome"]


def test_whatever_people_type_becomes_a_short_line_without_keys() -> None:
    typed = f"x\n{{}}\u202e LTAI5tAbCdEfGhIjKlMnOp {'y' * 1000}"
    vote = a_vote(reason=typed)
    said = audit.entry("approve", an_operation(votes=(vote,)), vote.person, vote.user_id)["reason"]

    assert said.isprintable()
    assert "[redacted]" in said
    assert len(said) <= audit.LONGEST
