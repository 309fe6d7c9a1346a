"""Normalization of images, and files with class names."""

from __future__ import annotations

import json

import numpy as np
import pytest

import convscope as cs
from convscope.data import ArrayDataset
from convscope.data.class_names import read_class_names
from convscope.data.normalization import IMAGENET, Normalization, normalize_dataset
from convscope.errors import BadData, BadFile, BadSetting

RNG = np.random.default_rng(8)
IMAGES = RNG.random((4, 3, 5, 6)).astype(np.float32)


def test_values_are_those_of_torchvision_normalize():
    """Written out per channel, as transforms.Normalize documents it."""
    found = IMAGENET.apply(IMAGES)
    for channel, (mean, std) in enumerate(zip((0.485, 0.456, 0.406), (0.229, 0.224, 0.225), strict=True)):
        np.testing.assert_allclose(found[:, channel], (IMAGES[:, channel] - mean) / std, rtol=1e-5, atol=1e-6)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(IMAGENET.apply(IMAGES[1]), found[1])


def test_datasets_are_normalized_as_they_are_read():
    source = ArrayDataset(IMAGES, [0, 1, 1, 0])
    one = Normalization((0.5,), (0.25,))
    found = normalize_dataset(source, one)
    x, labels = found.batch(np.array([2, 0]))
    np.testing.assert_allclose(x, (IMAGES[[2, 0]] - 0.5) / 0.25, rtol=1e-6)
    assert (list(labels), found.classes, found.image_shape, len(found)) == ([1, 0], ("0", "1"), (3, 5, 6), 4)
    assert normalize_dataset(source, None) is source
    with pytest.raises(BadData, match=r"\[normalization-channels\]$"):
        normalize_dataset(source, Normalization((0.5, 0.5), (1.0, 1.0)))


@pytest.mark.parametrize(
    "value",
    ["cifar", ((0.5,), (0.0,)), ((0.5,), (0.1, 0.2)), ((0.5, 0.5), (1, 1)), 3, ((), ()), ((float("nan"),), (1,))],
)
def test_invalid_normalizations_are_refused(value):
    model = cs.Model("input 3x5x6 | conv 2 3")
    with pytest.raises(BadSetting, match=r"\[normalization\]$"):
        model.normalization = value
    assert model.normalization is None


def test_a_network_without_images_has_no_normalization():
    model = cs.Model("input 7 | dense 2")
    with pytest.raises(BadSetting, match=r"\[normalization\]$"):
        model.normalization = ((0.5,), (1.0,))


def test_named_data_is_normalized_in_training_and_the_run_records_it(tmp_path):
    """Training on named data equals training on the same arrays, normalized beforehand."""
    network = "input 1x8x8 | conv 2 3 | relu | flatten | dense 10"
    named, prepared = cs.Model(network, seed=2), cs.Model(network, seed=2)
    named.normalization = ((0.3,), (0.4,))
    named.fit("digits", epochs=1, run=tmp_path / "run", progress=False)
    parts = {}
    for part in ("train", "validation"):
        source = cs.load_data("digits", part)
        x, labels = source.batch(np.arange(len(source)))
        parts[part] = ((x - np.float32(0.3)) / np.float32(0.4), labels)
    prepared.fit(parts["train"], epochs=1, validation=parts["validation"], progress=False)
    for name in named.parameters:
        np.testing.assert_array_equal(named.parameters[name], prepared.parameters[name])
    assert json.loads((tmp_path / "run" / "run.json").read_text())["normalization"] == {
        "mean": [0.3],
        "std": [0.4],
    }
    assert cs.Model.load(tmp_path / "run").normalization == Normalization((0.3,), (0.4,))
    other = cs.Model(network, seed=2)
    with pytest.raises(BadFile, match=r"got normalization=None.*\[other-data\]$"):
        other.fit("digits", epochs=2, resume=tmp_path / "run", progress=False)


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("a.txt", "ash\nbirch \n\ncedar\n\n", ("ash", "birch", "", "cedar")),
        ("a.json", '["ash", "桦"]', ("ash", "桦")),
        ("b.txt", ' ["ash"]', ("ash",)),
        ("c.txt", "\ufeffash\r\nbirch\r\n", ("ash", "birch")),
    ],
)
def test_class_names_are_read(tmp_path, name, text, expected):
    (tmp_path / name).write_text(text, encoding="utf-8")
    assert read_class_names(tmp_path / name) == expected


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.txt", b""),
        ("a.txt", b"\xff\xfe\x00"),
        ("a.json", b'{"0": "ash"}'),
        ("a.json", b"[1, 2]"),
        ("a.json", b"["),
    ],
)
def test_files_without_class_names_are_refused(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(BadFile, match=r"\[classes-file\]$"):
        read_class_names(tmp_path / name)
    with pytest.raises(BadFile, match=r"\[classes-file\]$"):
        read_class_names(tmp_path / "missing.txt")


@pytest.mark.parametrize(
    ("mean", "std"), [((1e300,), (1.0,)), ((0.0,), (1e-320,)), ((0.0,), (1e9,)), ((float("nan"),), (1.0,))]
)
def test_values_that_float32_does_not_hold_are_refused(mean, std):
    with pytest.raises(BadSetting, match=r"\[normalization\]$"):
        Normalization(mean, std)
