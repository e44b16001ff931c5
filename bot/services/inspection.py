"""Inspect images at a registry: the manifest that each tag names, what that refers to, and what is wrong with it."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.domain.manifests import Descriptor, Malformed, Manifest, is_content_of, read_manifest
from bot.domain.pulling import CHANGED, OF_LACK, UNANSWERED, Absent, Findings, Flaw, Lack, Trouble
from bot.ports.puller import Registry

AT_ONCE = 32
"""Images looked at side by side; each has one call under way."""
DEEPEST = 3
"""Indexes may name indexes; a pull follows them to an image."""
MOST_LISTED = 20
SILENT_AFTER = 32
"""Images in a row that could not be judged, after which a registry is silent rather than some of its images."""
LISTED_AGAIN = 20
"""Tags that do not come for which the list is asked once more; where there are more, nobody deleted them all."""
PREFIX = "sha256:"


@dataclass(frozen=True, slots=True)
class Listed:
    """One image of a repository as the inventory lists it, by all its tags that are looked at."""

    path: str
    tags: tuple[str, ...]
    digest: str
    listed_at: datetime
    repository_id: str = ""


@dataclass(frozen=True, slots=True)
class Wrong:
    """One thing that is wrong with whatever was looked into."""

    trouble: Trouble
    detail: str


async def named(registry: Registry, listed: Listed) -> Mapping[str, str | Absent]:
    """Return which manifest each tag of an image names now."""
    return {tag: await registry.digest(listed.path, tag) for tag in listed.tags}


class Inspector:
    """Looks at images one by one and adds up what it finds; `each` hears of every flaw.

    `turn` chooses which layer of an image is looked at, `is_listed` tells whether a tag still is.
    """

    def __init__(
        self,
        registry: Registry,
        now: Callable[[], datetime],
        turn: int,
        each: Callable[[Flaw], None],
        is_listed: Callable[[Listed, str], Awaitable[bool]],
    ) -> None:
        self._registry, self._now, self._turn, self._each = registry, now, turn, each
        self._is_listed = is_listed
        self._listed_again = 0
        self._tags = self._sound = self._flawed = self._unanswered = self._changed = 0
        self._children = self._layers = 0
        self._in_a_row = 0
        self._last_lack = ""
        self._flaws: list[Flaw] = []
        self._others: list[Flaw] = []
        self._open: list[Flaw] = []

    @property
    def silence(self) -> str:
        """Return why there is no sense in going on; nothing as long as there is."""
        return self._last_lack if self._in_a_row >= SILENT_AFTER else ""

    def result(self) -> Findings:
        """Return what was found so far: flaws, then what has changed, then what could not be judged."""
        shown = [flaw for kept in (self._flaws, self._others, self._open) for flaw in sorted(kept, key=_place)]
        return Findings(
            tags=self._tags,
            sound=self._sound,
            flawed=self._flawed,
            unanswered=self._unanswered,
            children=self._children,
            layers=self._layers,
            flaws=tuple(shown[:MOST_LISTED]),
            changed=self._changed,
        )

    async def inspect(self, listed: Listed) -> None:
        """Look at one image, by each of its tags; at nothing once the registry is silent."""
        if self.silence:
            return
        found = await named(self._registry, listed)
        inside: dict[str, Sequence[Wrong]] = {}
        for tag, digest in found.items():
            if isinstance(digest, Absent):
                self._judge(listed, tag, [await self._why(listed, tag, digest)])
                continue
            if digest not in inside:
                inside[digest] = [wrong async for wrong in self._look_into(listed.path, digest)]
            self._judge(listed, tag, [*_unlike(listed, digest), *inside[digest]])

    async def _why(self, listed: Listed, tag: str, lack: Absent) -> Wrong:
        """Tell a tag that does not come though it is listed from one that was deleted meanwhile."""
        if lack.lack is Lack.MISSING and self._listed_again < LISTED_AGAIN:
            self._listed_again += 1
            if not await self._is_listed(listed, tag):
                return Wrong(Trouble.DELETED, "")
        return _lacking(lack, Trouble.NO_MANIFEST)

    async def _look_into(self, path: str, digest: str, depth: int = 1) -> AsyncIterator[Wrong]:
        """Yield what is wrong with a manifest, with the images that it names, and with one layer of one of them."""
        manifest = await self._manifest(path, digest)
        if isinstance(manifest, Wrong):
            yield manifest
            return
        for child in manifest.children:
            if wrong := await self._child(path, child):
                yield wrong
        async for wrong in self._sample(path, manifest, depth):
            yield wrong

    async def _manifest(self, path: str, digest: str) -> Manifest | Wrong:
        content = await self._registry.manifest(path, digest)
        if isinstance(content, Absent):
            return _lacking(content, Trouble.NO_MANIFEST)
        if not is_content_of(content.raw, digest):
            return Wrong(Trouble.MALFORMED, "comes with other bytes than its digest names")
        manifest = read_manifest(content.raw, content.media_type)
        return Wrong(Trouble.MALFORMED, manifest.reason) if isinstance(manifest, Malformed) else manifest

    async def _child(self, path: str, child: Descriptor) -> Wrong | None:
        if child.is_elsewhere:
            return None
        self._children += 1
        found = await self._registry.digest(path, child.digest)
        return _lacking(found, Trouble.NO_CHILD, child) if isinstance(found, Absent) else None

    async def _sample(self, path: str, manifest: Manifest, depth: int) -> AsyncIterator[Wrong]:
        """Look at one layer: of the image itself, or of one of those that an index names."""
        layer, child = manifest.sample(self._turn), manifest.sampled_child(self._turn)
        if layer is not None:
            self._layers += 1
            lack = await self._registry.blob(path, layer.digest)
            if lack is not None:
                yield _lacking(lack, Trouble.NO_LAYER, layer)
        elif child is not None and depth < DEEPEST:
            async for wrong in self._look_into(path, child.digest, depth + 1):
                if wrong.trouble is not Trouble.NO_MANIFEST:  # that it is not there has been said
                    yield wrong

    def _judge(self, listed: Listed, tag: str, wrongs: Sequence[Wrong]) -> None:
        flaws = [
            Flaw(listed.path, tag, each.trouble, each.detail, listed.digest, listed.listed_at, self._now())
            for each in wrongs
        ]
        is_open = any(flaw.trouble in UNANSWERED for flaw in flaws)
        is_flawed = any(flaw.trouble not in (*UNANSWERED, *CHANGED) for flaw in flaws)
        self._tags += 1
        self._sound += not flaws
        self._flawed += is_flawed
        self._unanswered += is_open and not is_flawed
        self._changed += bool(flaws) and not is_open and not is_flawed
        self._in_a_row = self._in_a_row + 1 if is_open else 0
        for flaw in flaws:
            self._keep(flaw)
            self._each(flaw)

    def _keep(self, flaw: Flaw) -> None:
        kept = self._others if flaw.trouble in CHANGED else self._flaws
        if flaw.trouble in UNANSWERED:
            kept, self._last_lack = self._open, flaw.detail
            if any(flaw.detail == each.detail for each in kept):
                return
        if len(kept) < MOST_LISTED:
            kept.append(flaw)


def _unlike(listed: Listed, digest: str) -> Sequence[Wrong]:
    if digest == PREFIX + listed.digest:
        return ()
    return (Wrong(Trouble.OTHER_DIGEST, f"names {digest} now"),)


def _lacking(lack: Absent, trouble: Trouble, what: Descriptor | None = None) -> Wrong:
    if lack.lack is Lack.MISSING and what is not None:
        return Wrong(trouble, f"{what.platform} {what.digest}".strip())
    return Wrong(OF_LACK.get(lack.lack, trouble), lack.reason)


def _place(flaw: Flaw) -> tuple[str, str]:
    return flaw.path, flaw.tag
