"""What keeps the protocol to one effect, and how much may happen in one exploration."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Guards:
    """What keeps it to one effect; each can be taken away to see that it is needed."""

    random_token: bool = True
    reread: bool = True
    wait: bool = True
    wait_for_words: bool = True
    deadline: bool = True
    hold: bool = True
    version: bool = True
    stamp: bool = True
    before_image: bool = True
    second_person: bool = True
    approval_lapses: bool = True
    takeover_is_unclean: bool = True
    silence_is_unclean: bool = True
    silence_is_no_failure: bool = True
    read_back: bool = True
    freeze_before_write: bool = True
    policy_at_takeover: bool = True
    lease_before_takeover: bool = True


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much may happen: spans in ticks, the rest in times."""

    records: int = 1
    lease: int = 2
    deadline: int = 1
    life: int = 1
    hold: int = 2
    window: int = 1
    claims: int = 2
    resends: int = 1
    crashes: int = 1
    losses: int = 1
    edits: int = 0
    policies: int = 0
    freezes: int = 0
    people: bool = False
    refusals: bool = False
