"""Container images with real manifests, so that what a tag names can be pulled and its digest checked."""

import hashlib
import io
import json
import tarfile
from dataclasses import dataclass
from functools import cached_property

MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
CONFIG_TYPE = "application/vnd.oci.image.config.v1+json"
LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar"


def sha256(content: bytes) -> str:
    """Name content as registries do, `sha256:` and all."""
    return "sha256:" + hashlib.sha256(content).hexdigest()


@dataclass(frozen=True)
class Image:
    """One image, determined by its label alone; built when first looked at, as a large world holds thousands."""

    label: str

    @cached_property
    def layer(self) -> bytes:
        content = self.label.encode()
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w") as archive:
            entry = tarfile.TarInfo("label")
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
        return buffer.getvalue()

    @cached_property
    def config(self) -> bytes:
        root = {"type": "layers", "diff_ids": [sha256(self.layer)]}
        return json.dumps({"architecture": "amd64", "os": "linux", "config": {}, "rootfs": root}).encode()

    @cached_property
    def manifest(self) -> bytes:
        body = {
            "schemaVersion": 2,
            "mediaType": MANIFEST_TYPE,
            "config": _descriptor(CONFIG_TYPE, self.config),
            "layers": [_descriptor(LAYER_TYPE, self.layer)],
        }
        return json.dumps(body).encode()

    @cached_property
    def digest(self) -> str:
        """The digest of the manifest, with its `sha256:` prefix."""
        return sha256(self.manifest)

    @cached_property
    def blobs(self) -> dict[str, bytes]:
        """Everything that the manifest refers to, by digest."""
        return {sha256(self.config): self.config, sha256(self.layer): self.layer}

    def __deepcopy__(self, memo: dict[int, object]) -> "Image":
        return self  # it never changes

    @property
    def size(self) -> int:
        return len(self.manifest) + sum(map(len, self.blobs.values()))


def _descriptor(media_type: str, content: bytes) -> dict[str, object]:
    return {"mediaType": media_type, "digest": sha256(content), "size": len(content)}
