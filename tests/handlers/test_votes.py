"""/registry approve, reject and cancel"""

import pytest

from bot.domain.operation import State
from bot.errors import InvalidTransition, NotPermitted, UnknownOperation, UsageError
from tests.builders import APPROVER, ON_CALL
from tests.fakes import some_ports
from tests.handlers.calls import answer


@pytest.mark.parametrize(
    ("text", "state", "word"),
    [
        ("approve fo-0001", State.APPROVED, "approved"),
        ("reject fo-0001 because not now", State.REJECTED, "rejected"),
        ("cancel fo-0001", State.CANCELLED, "cancelled"),
    ],
)
async def test_a_typed_vote_counts_like_a_press(text: str, state: State, word: str) -> None:
    ports = some_ports()
    await answer(ports, "failover zhangjiakou")
    message = await answer(ports, text, APPROVER)

    assert word in message.text
    assert (await ports.operations.get("fo-0001")).state is state


async def test_a_typed_reason_is_kept() -> None:
    ports = some_ports()
    await answer(ports, "failover zhangjiakou")
    await answer(ports, "reject fo-0001 because Not now", APPROVER)

    assert (await ports.operations.get("fo-0001")).votes[0].reason == "Not now"


async def test_nobody_approves_their_own_request() -> None:
    ports = some_ports()
    await answer(ports, "failover zhangjiakou")

    with pytest.raises(NotPermitted) as refused:
        await answer(ports, "approve fo-0001", ON_CALL)
    assert refused.value.code == "E_SELF_APPROVAL"


async def test_a_vote_on_a_decided_operation_tells_its_state() -> None:
    ports = some_ports()
    await answer(ports, "failover zhangjiakou")
    await answer(ports, "cancel fo-0001")

    with pytest.raises(InvalidTransition, match="CANCELLED"):
        await answer(ports, "approve fo-0001", APPROVER)


@pytest.mark.parametrize("verb", ["approve", "reject", "cancel"])
async def test_a_vote_needs_one_known_id(verb: str) -> None:
    with pytest.raises(UsageError):
        await answer(some_ports(), verb)
    with pytest.raises(UsageError):
        await answer(some_ports(), f"{verb} fo-0001 fo-0002")
    with pytest.raises(UnknownOperation):
        await answer(some_ports(), f"{verb} fo-9999")
