"""Container images with real manifests, so that what a tag names can be pulled and its digest checked."""

import hashlib
import io
import tarfile
from dataclasses import dataclass, field
from functools import lru_cache
from json.encoder import encode_basestring_ascii
from typing import NamedTuple

MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
CONFIG_TYPE = "application/vnd.oci.image.config.v1+json"
LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar"
CONFIG = (
    '{"architecture": "amd64", "os": "linux", "config": {"Labels": {"image": %s}}, '
    '"rootfs": {"type": "layers", "diff_ids": ["%s"]}}'
)
MANIFEST = '{"schemaVersion": 2, "mediaType": "%s", "config": %s, "layers": [%s]}'
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
    """One image, determined by its label; images of one `base` share their layer.

    A large world holds hundreds of thousands, so bytes are built whenever they are looked at, and only the facts kept.
    """

    label: str
    base: str = ""
    _kept: Facts | None = field(default=None, init=False, repr=False, compare=False)

    @property
    def layer(self) -> bytes:
        return _layer(self.base or self.label)[0]

    @property
    def config(self) -> bytes:
        return (CONFIG % (encode_basestring_ascii(self.label), _layer(self.base or self.label)[1])).encode()

    @property
    def manifest(self) -> bytes:
        config = self.config
        return self._manifest(len(config), sha256(config))

    @property
    def facts(self) -> Facts:
        if self._kept is not None:
            return self._kept
        config = self.config
        digest = sha256(config)
        manifest = self._manifest(len(config), digest)
        facts = Facts(sha256(manifest), digest, len(manifest) + len(config) + len(self.layer))
        object.__setattr__(self, "_kept", facts)  # not a change: it follows from the label
        return facts

    def _manifest(self, config_size: int, config_digest: str) -> bytes:
        layer, layer_digest = _layer(self.base or self.label)
        config = DESCRIPTOR % (CONFIG_TYPE, config_digest, config_size)
        return (MANIFEST % (MANIFEST_TYPE, config, DESCRIPTOR % (LAYER_TYPE, layer_digest, len(layer)))).encode()

    @property
    def digest(self) -> str:
        """The digest of the manifest, with its `sha256:` prefix."""
        return self.facts.digest

    @property
    def blobs(self) -> dict[str, bytes]:
        """Everything that the manifest refers to, by digest."""
        layer, layer_digest = _layer(self.base or self.label)
        return {self.facts.config: self.config, layer_digest: layer}

    @property
    def size(self) -> int:
        return self.facts.size

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
