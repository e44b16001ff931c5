"""What somebody may have meant who typed a name that nothing has; said to them, never acted on."""

import difflib
from collections.abc import Sequence

MOST_NEAR = 3


def nearly(typed: str, known: Sequence[str]) -> str:
    """Return a sentence with names that contain the typed one, else those spelt like it; nothing without any.

    What was copied from an error of a pull has the host before the name.
    """
    bare = typed.strip("*?[]/:")
    near = [name for name in known if bare and (bare in name or bare.endswith(f"/{name}"))][:MOST_NEAR]
    near = near or difflib.get_close_matches(typed, known, n=MOST_NEAR, cutoff=0.6)
    return f" Nearly: {', '.join(near)}." if near else ""
