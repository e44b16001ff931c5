"""When an instance that does not answer is taken for silent."""

from functools import partial

import pytest

from bot.errors import ProviderError, Refused, Unreachable
from bot.services.patience import PAUSES, SILENT_AFTER, Patience
from tests.fakes import FakeClock

LOST, NO = Unreachable("It does not answer."), Refused("It may not be read.")
NEARLY = [LOST] * (SILENT_AFTER // (1 + len(PAUSES)))


@pytest.mark.parametrize(("answers", "is_silent"), [([*NEARLY, LOST], True), ([*NEARLY, NO, LOST], False)])
async def test_an_instance_that_answers_anything_is_not_silent_and_a_refusal_is_an_answer(
    answers: list[ProviderError], is_silent: bool
) -> None:
    patience = Patience(FakeClock())

    async def fail(error: ProviderError) -> None:
        raise error

    for answer in answers:
        with pytest.raises(type(answer)):
            await patience.keep(partial(fail, answer))

    assert patience.is_over is is_silent
