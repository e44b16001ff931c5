"""Container images with real manifests, so that what a tag names can be pulled and its digest checked."""

import hashlib
import io
import tarfile
from dataclasses import dataclass, field
from functools import lru_cache
from json.encoder import encode_basestring_ascii
from typing import NamedTuple

MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
INDEX_TYPE = "application/vnd.oci.image.index.v1+json"
CONFIG_TYPE = "application/vnd.oci.image.config.v1+json"
LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar"
CONFIG = (
    '{"architecture": "%s", "os": "linux", "config": {"Labels": {"image": %s}}, '
    '"rootfs": {"type": "layers", "diff_ids": ["%s"]}}'
)
MANIFEST = '{"schemaVersion": 2, "mediaType": "%s", "config": %s, "layers": [%s]}'
INDEX = '{"schemaVersion": 2, "mediaType": "%s", "manifests": [%s]}'
ENTRY = '{"mediaType": "%s", "digest": "%s", "size": %d, "platform": {"architecture": "%s", "os": "linux"}}'
DESCRIPTOR = '{"mediaType": "%s", "digest": "%s", "size": %d}'


def sha256(content: bytes) -> str:
    """Name content as registries do, `sha256:` and all."""
    return "sha256:" + hashlib.sha256(content).hexdigest()


class Facts(NamedTuple):
    """What lists tell of an image: its digest and its configuration's, with their prefix, and all its bytes."""

    digest: str
    config: str
    size: int


@dataclass(frozen=True, slots=True)
class Image:
    """One image, determined by its label; those of one `base` share a layer, and one for `platforms` is an index.

    A large world holds hundreds of thousands, so bytes are built whenever they are looked at, and only the facts kept.
    """

    label: str
    base: str = ""
    platforms: tuple[str, ...] = ()
    architecture: str = "amd64"
    _kept: Facts | None = field(default=None, init=False, repr=False, compare=False)

    @property
    def children(self) -> tuple["Image", ...]:
        """The images that an index names, one for each platform."""
        return tuple(Image(f"{self.label}#{name}", self.base, architecture=name) for name in self.platforms)

    @property
    def media_type(self) -> str:
        return INDEX_TYPE if self.platforms else MANIFEST_TYPE

    @property
    def layer(self) -> bytes:
        return _layer(self.base or self.label)[0]

    @property
    def config(self) -> bytes:
        """The configuration, of an index that of its first image."""
        if self.platforms:
            return self.children[0].config
        label, (_, layer_digest) = encode_basestring_ascii(self.label), _layer(self.base or self.label)
        return (CONFIG % (self.architecture, label, layer_digest)).encode()

    @property
    def manifest(self) -> bytes:
        if self.platforms:
            return self._index(self.children)
        config = self.config
        return self._manifest(len(config), sha256(config))

    @property
    def facts(self) -> Facts:
        if self._kept is not None:
            return self._kept
        facts = self._facts_of_index() if self.platforms else self._facts_of_one()
        object.__setattr__(self, "_kept", facts)  # not a change: it follows from the label
        return facts

    @property
    def digest(self) -> str:
        """The digest of the manifest, with its `sha256:` prefix."""
        return self.facts.digest

    @property
    def blobs(self) -> dict[str, bytes]:
        """Everything that the manifest, or those of an index, refer to, by digest."""
        if self.platforms:
            return {digest: content for child in self.children for digest, content in child.blobs.items()}
        layer, layer_digest = _layer(self.base or self.label)
        return {self.facts.config: self.config, layer_digest: layer}

    @property
    def size(self) -> int:
        return self.facts.size

    def find(self, digest: str) -> "Image | None":
        """Return the image with this digest: this one, or one that it names."""
        return next((image for image in (self, *self.children) if image.digest == digest), None)

    def _facts_of_one(self) -> Facts:
        config = self.config
        digest = sha256(config)
        manifest = self._manifest(len(config), digest)
        return Facts(sha256(manifest), digest, len(manifest) + len(config) + len(self.layer))

    def _facts_of_index(self) -> Facts:
        children = self.children
        index = self._index(children)
        return Facts(sha256(index), children[0].facts.config, len(index) + sum(child.size for child in children))

    def _manifest(self, config_size: int, config_digest: str) -> bytes:
        layer, layer_digest = _layer(self.base or self.label)
        config = DESCRIPTOR % (CONFIG_TYPE, config_digest, config_size)
        return (MANIFEST % (MANIFEST_TYPE, config, DESCRIPTOR % (LAYER_TYPE, layer_digest, len(layer)))).encode()

    def _index(self, children: tuple["Image", ...]) -> bytes:
        entries = [ENTRY % (MANIFEST_TYPE, each.digest, len(each.manifest), each.architecture) for each in children]
        return (INDEX % (INDEX_TYPE, ", ".join(entries))).encode()

    def __deepcopy__(self, memo: dict[int, object]) -> "Image":
        return self  # it never changes


@lru_cache(maxsize=512)
def _layer(label: str) -> tuple[bytes, str]:
    content = label.encode()
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        entry = tarfile.TarInfo("label")
        entry.size = len(content)
        archive.addfile(entry, io.BytesIO(content))
    layer = buffer.getvalue()
    return layer, sha256(layer)
