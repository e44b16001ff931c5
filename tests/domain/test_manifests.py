"""Reading manifests and indexes of both vocabularies."""

import json
from typing import Any

import pytest

from bot.domain.manifests import (
    IMAGE_TYPES,
    INDEX_TYPES,
    Malformed,
    Manifest,
    digest_of,
    is_content_of,
    is_digest,
    read_manifest,
)

LAYERS = tuple(digest_of(name.encode()) for name in ("one", "two", "three"))


def entry(digest: Any = LAYERS[0], size: Any = 1, **more: Any) -> dict[str, Any]:
    return {"mediaType": "application/octet-stream", "digest": digest, "size": size, **more}


def an_image(kind: str = IMAGE_TYPES[0], **fields: Any) -> dict[str, Any]:
    layers = [entry(layer) for layer in LAYERS]
    return {"schemaVersion": 2, "mediaType": kind, "config": entry(), "layers": layers, **fields}


def read(wire: Any, content_type: str = "") -> Manifest | Malformed:
    content = wire if isinstance(wire, bytes) else json.dumps(wire).encode()
    return read_manifest(content, content_type)


@pytest.mark.parametrize("kind", IMAGE_TYPES)
def test_an_image_names_its_configuration_and_its_layers(kind: str) -> None:
    manifest = read(an_image(kind), kind)

    assert isinstance(manifest, Manifest)
    assert [layer.digest for layer in manifest.layers] == list(LAYERS)
    assert (manifest.media_type, manifest.children) == (kind, ())


@pytest.mark.parametrize("kind", INDEX_TYPES)
def test_an_index_names_an_image_for_each_platform(kind: str) -> None:
    children = [
        entry(LAYERS[0], platform={"os": "linux", "architecture": "arm64", "variant": "v8"}),
        entry(LAYERS[1]),
    ]

    manifest = read({"schemaVersion": 2, "mediaType": kind, "manifests": children})

    assert isinstance(manifest, Manifest)
    assert [(child.digest, child.platform) for child in manifest.children] == [
        (LAYERS[0], "linux/arm64/v8"),
        (LAYERS[1], ""),
    ]


def test_what_the_registry_calls_it_decides_where_the_bytes_do_not_say() -> None:
    wire = an_image()
    del wire["mediaType"]

    assert isinstance(read(wire, f"{IMAGE_TYPES[0]}; charset=utf-8"), Manifest)
    assert read(wire, "text/html") == Malformed("is of the unknown kind 'text/html'")


def test_unknown_fields_are_passed_over() -> None:
    manifest = read(an_image(annotations={"a": "b"}, subject=entry(), artifactType="x"))

    assert isinstance(manifest, Manifest)


@pytest.mark.parametrize(
    ("wire", "reason"),
    [
        (b"\xff", "is no JSON object"),
        (b"[" * 100_000, "is no JSON object"),
        ([], "is no JSON object"),
        ({"schemaVersion": 1}, "is of schema version '1', which is not pulled any more"),
        (an_image(layers=None), "names its layers wrongly: there is no list"),
        (an_image(layers=["x"]), "names its layers wrongly: an entry is no object"),
        (an_image(config=entry("sha256:abc")), "names its configuration wrongly: 'sha256:abc' is no digest"),
        (an_image(config=entry(size=-1)), "names its configuration wrongly: '-1' is no size"),
        (an_image(config=entry(size=True)), "names its configuration wrongly: 'True' is no size"),
        (an_image(config=entry(mediaType=None)), "names its configuration wrongly: 'None' is no media type"),
        ({"schemaVersion": 2, "mediaType": INDEX_TYPES[0]}, "names its images wrongly: there is no list"),
    ],
)
def test_what_a_pull_could_not_use_is_said_to_be_malformed(wire: Any, reason: str) -> None:
    assert read(wire) == Malformed(reason)


def test_bytes_that_call_themselves_otherwise_than_the_registry_does_are_malformed() -> None:
    found = read(an_image(IMAGE_TYPES[1]), IMAGE_TYPES[0])

    assert isinstance(found, Malformed)
    assert found.reason.startswith("calls itself 'application/vnd.docker")


def test_each_layer_has_its_turn_and_foreign_ones_have_none() -> None:
    manifest = read(an_image(layers=[*map(entry, LAYERS), entry(digest_of(b"foreign"), urls=["https://a.example"])]))
    assert isinstance(manifest, Manifest)

    sampled = [manifest.sample(turn) for turn in range(3)]

    assert {layer.digest for layer in sampled if layer} == set(LAYERS)


def test_an_image_without_layers_has_none_to_look_at() -> None:
    manifest = read(an_image(layers=[]))

    assert isinstance(manifest, Manifest)
    assert manifest.sample(0) is None
    assert manifest.sampled_child(0) is None


def test_bytes_are_known_by_either_kind_of_digest() -> None:
    sha512 = "sha512:" + "0" * 128

    assert is_content_of(b"one", LAYERS[0])
    assert not is_content_of(b"two", LAYERS[0])
    assert not is_content_of(b"one", sha512)
    assert is_digest(sha512)
    assert not is_digest("sha256:" + "A" * 64)
