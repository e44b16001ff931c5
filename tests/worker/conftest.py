"""What several tests of the worker start from."""

import pytest

from tests.builders import CHANNEL, ON_CALL
from tests.worker.watched import ZJK, Watched


@pytest.fixture
async def watched() -> Watched:
    company = Watched()
    await company.ports.operations.subscribe(ZJK, CHANNEL, ON_CALL)
    return company
