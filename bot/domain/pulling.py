"""What pulls of a site's images would meet: what came, what did not and why, and how many images are sound."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from bot.domain.differences import Side


class Lack(StrEnum):
    """Why something did not come."""

    MISSING = "missing"
    REFUSED = "refused"
    SILENT = "silent"


@dataclass(frozen=True, slots=True)
class Absent:
    """Something that did not come; `reason` completes "it …"."""

    lack: Lack
    reason: str


@dataclass(frozen=True, slots=True)
class Content:
    """The bytes of a manifest, and what the registry calls them."""

    raw: bytes
    media_type: str


class Trouble(StrEnum):
    """What a pull of an image would meet.

    The last two say nothing about the image: the registry did not let itself be asked.
    """

    NO_MANIFEST = "is listed, but does not come"
    OTHER_DIGEST = "is another image than was listed"
    DELETED = "was deleted since it was listed"
    MALFORMED = "has a manifest that cannot be used"
    NO_CHILD = "lacks the image of a platform"
    NO_LAYER = "lacks a layer"
    REFUSED = "is refused"
    SILENT = "gets no answer"


CHANGED = (Trouble.OTHER_DIGEST, Trouble.DELETED)
"""What is no flaw of its own: somebody has pushed or deleted since the image was listed, or the list is wrong."""
UNANSWERED = (Trouble.REFUSED, Trouble.SILENT)
OF_LACK = {Lack.REFUSED: Trouble.REFUSED, Lack.SILENT: Trouble.SILENT}
"""What a lack means wherever it is met; what it means that something is missing depends on what is."""


@dataclass(frozen=True, slots=True)
class Flaw:
    """One thing wrong with one image.

    `detail` completes "it …" or names what is missing. `listed_at` is when the inventory saw the tag, `seen_at` when
    the registry was asked; a push in between explains OTHER_DIGEST.
    """

    path: str
    tag: str
    trouble: Trouble
    detail: str
    listed_digest: str
    listed_at: datetime
    seen_at: datetime

    @property
    def image(self) -> str:
        """Return `namespace/repository:tag`."""
        return f"{self.path}:{self.tag}"


@dataclass(frozen=True, slots=True)
class Findings:
    """How many tags were looked at, and what was wrong with the first of those that are not sound.

    A tag counts once: among `flawed` where a pull of it would fail, else among `unanswered` where that is not known,
    else among `changed` where it is another image than was listed, but whole, or deleted. Of what got no answer each
    reason is in `flaws` once.
    """

    tags: int = 0
    sound: int = 0
    flawed: int = 0
    unanswered: int = 0
    children: int = 0
    layers: int = 0
    flaws: tuple[Flaw, ...] = ()
    changed: int = 0


@dataclass(frozen=True, slots=True)
class DeepReport:
    """What is known so far of a site's images as pulls meet them, `done` of `total` repositories looked at.

    `at` is the name that was dialled. `interrupted` says why there is no more to come, and `is_cut_off` that it was
    the store. `never_listed` are the repositories whose tags nobody knows; nothing of them was looked at.
    """

    side: Side
    taken_at: datetime
    at: str = ""
    found: Findings = field(default_factory=Findings)
    done: int = 0
    total: int = 0
    never_listed: int = 0
    interrupted: str = ""
    is_cut_off: bool = False
    is_final: bool = False

    def ended(self, why: str = "", *, is_cut_off: bool = False) -> "DeepReport":
        """Return this as the last word."""
        return replace(self, interrupted=why, is_cut_off=is_cut_off, is_final=True)
