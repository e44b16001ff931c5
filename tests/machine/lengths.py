"""How many histories are grown, and how long they are."""

import os

from hypothesis import HealthCheck, Phase, settings

IS_DEEP = bool(os.environ.get("DEEP"))
IN_MEMORY, IN_REDIS = 50, 4
STEPS = 30


def lengths(histories: int) -> settings:
    """Return how long to look: the same histories each time, and new ones where it may take long."""
    return settings(
        max_examples=histories * 100 if IS_DEEP else histories,
        stateful_step_count=STEPS * 2 if IS_DEEP else STEPS,
        derandomize=not IS_DEEP,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        print_blob=True,
    )


def as_every_time() -> settings:
    """Return the settings under which a planted bug must be found: those of each run; nothing is made shorter then."""
    return settings(
        max_examples=IN_MEMORY,
        stateful_step_count=STEPS,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=(Phase.generate,),
        report_multiple_bugs=False,
    )
