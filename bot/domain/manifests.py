"""What a tag names, read from its bytes: an image with its layers, or an index of images for several platforms.

Both vocabularies are known, Docker's schema 2 and OCI's; fields that neither names are passed over. What a pull could
not use is said to be malformed rather than guessed at.
"""

import hashlib
import json
import re
from dataclasses import dataclass
from typing import Any, TypeVar

T = TypeVar("T")
IMAGE_TYPES = (
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
INDEX_TYPES = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
)
ACCEPT = ", ".join((*IMAGE_TYPES, *INDEX_TYPES))
"""What to ask a registry for: one that is asked for images alone says that an index is not there."""
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}")
_NAMED = ("application/vnd.oci.image.", "application/vnd.docker.distribution.manifest.")


@dataclass(frozen=True, slots=True)
class Descriptor:
    """One content that a manifest refers to; `is_elsewhere` where it is not in the registry, as foreign layers are."""

    digest: str
    media_type: str
    size: int
    platform: str = ""
    is_elsewhere: bool = False


@dataclass(frozen=True, slots=True)
class Manifest:
    """One manifest: of an image, whose layers and configuration it names, or of an index, which names its children."""

    digest: str
    media_type: str
    config: Descriptor | None = None
    layers: tuple[Descriptor, ...] = ()
    children: tuple[Descriptor, ...] = ()

    def sample(self, turn: int) -> Descriptor | None:
        """Return one layer that the registry must have; another `turn` chooses another, None where there are none."""
        held = [layer for layer in self.layers if not layer.is_elsewhere]
        return held[(int(self.digest[-8:], 16) + turn) % len(held)] if held else None

    def sampled_child(self, turn: int) -> Descriptor | None:
        """Return one child, chosen the same way; None for an image."""
        held = [child for child in self.children if not child.is_elsewhere]
        return held[(int(self.digest[-8:], 16) + turn) % len(held)] if held else None


@dataclass(frozen=True, slots=True)
class Malformed:
    """Why bytes are no manifest that a pull could use; `reason` completes "it …"."""

    reason: str


def digest_of(content: bytes) -> str:
    """Name content by its bytes, with the `sha256:` prefix."""
    return "sha256:" + hashlib.sha256(content).hexdigest()


def is_content_of(content: bytes, digest: str) -> bool:
    """Tell whether these are the bytes that a digest names."""
    algorithm, _, code = digest.partition(":")
    return algorithm in ("sha256", "sha512") and hashlib.new(algorithm, content).hexdigest() == code


def is_digest(text: str) -> bool:
    """Tell whether a text is a digest with its algorithm, in the form of the OCI image specification."""
    return _DIGEST.fullmatch(text) is not None


def read_manifest(content: bytes, content_type: str) -> Manifest | Malformed:
    """Read a manifest; `content_type` is what the registry calls it, which decides where the bytes do not say."""
    wire = _parsed(content)
    if not isinstance(wire, dict):
        return Malformed("is no JSON object")
    told, own = content_type.partition(";")[0].strip().lower(), wire.get("mediaType")
    if isinstance(own, str) and told.startswith(_NAMED) and own != told:
        return Malformed(f"calls itself {_short(own)} and came as {_short(told)}")
    kind = own if isinstance(own, str) else told
    if wire.get("schemaVersion") != 2:
        return Malformed(f"is of schema version {_short(wire.get('schemaVersion'))}, which is not pulled any more")
    if kind in INDEX_TYPES:
        return _index(digest_of(content), kind, wire)
    if kind in IMAGE_TYPES:
        return _image(digest_of(content), kind, wire)
    return Malformed(f"is of the unknown kind {_short(kind)}")


def _index(digest: str, kind: str, wire: dict[str, Any]) -> Manifest | Malformed:
    children = _descriptors(wire.get("manifests"))
    if isinstance(children, Malformed):
        return Malformed(f"names its images wrongly: {children.reason}")
    return Manifest(digest, kind, children=children)


def _image(digest: str, kind: str, wire: dict[str, Any]) -> Manifest | Malformed:
    config, layers = _descriptor(wire.get("config")), _descriptors(wire.get("layers"))
    if isinstance(config, Malformed):
        return Malformed(f"names its configuration wrongly: {config.reason}")
    if isinstance(layers, Malformed):
        return Malformed(f"names its layers wrongly: {layers.reason}")
    return Manifest(digest, kind, config, layers)


def _descriptors(wires: Any) -> tuple[Descriptor, ...] | Malformed:
    if not isinstance(wires, list):
        return Malformed("there is no list")
    found: list[Descriptor] = []
    for wire in wires:
        each = _descriptor(wire)
        if isinstance(each, Malformed):
            return each
        found.append(each)
    return tuple(found)


def _descriptor(wire: Any) -> Descriptor | Malformed:
    if not isinstance(wire, dict):
        return Malformed("an entry is no object")
    digest, size, kind = wire.get("digest"), wire.get("size"), wire.get("mediaType")
    if not isinstance(digest, str) or not is_digest(digest):
        return Malformed(f"{_short(digest)} is no digest")
    if isinstance(size, bool) or not isinstance(size, int) or size < 0:
        return Malformed(f"{_short(size)} is no size")
    if not isinstance(kind, str):
        return Malformed(f"{_short(kind)} is no media type")
    return Descriptor(digest, kind, size, _platform(wire.get("platform")), bool(wire.get("urls")))


def _platform(wire: Any) -> str:
    """Return `os/architecture` and the variant where there is one; nothing where it is not told."""
    if not isinstance(wire, dict):
        return ""
    parts = [wire.get(key) for key in ("os", "architecture", "variant")]
    return "/".join(part for part in parts if isinstance(part, str) and part)


def _parsed(content: bytes) -> Any:
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None


def _short(value: Any) -> str:
    """Quote what somebody else wrote, at no more length than a sentence bears."""
    return f"'{str(value)[:60]}'"
