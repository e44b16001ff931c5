"""How long a message that shows how something goes is left as it is: one rule for all of them."""

from datetime import timedelta

YOUNG = timedelta(seconds=15)
OFTEN, SELDOM = timedelta(seconds=2), timedelta(seconds=10)
"""Between two edits of a message while it is young, and later."""
SHARE = timedelta(seconds=3)
"""For each of several: of the 50 edits a minute that Slack allows they take at most 20 together, as cards need some."""


def spacing(age: timedelta, at_once: int) -> timedelta:
    """Return how long a message of this age is left as it is, where one process shows so many at once."""
    wanted = OFTEN if age < YOUNG else SELDOM
    return max(wanted, at_once * SHARE) if at_once > 1 else wanted
