"""keras.applications: parameters and shapes of all, numbers of many.

A few models are tried in every run, all of them with CONVSCOPE_FRAMEWORKS=1 (`make test-frameworks`).
"""

from __future__ import annotations

import os

import keras
import pytest

import convscope as cs
from convscope.interop.keras.importer import without_weights
from interop.keras.parity import (
    counted_by_keras,
    learned_by_keras,
    read_whole,
    same_as_keras,
    unknown,
    variables_kept,
)

EVERYTHING = bool(os.environ.get("CONVSCOPE_FRAMEWORKS"))
REFUSED = {"NASNetMobile"} if keras.backend.backend() == "torch" else set()
"""Models that Keras itself does not build on PyTorch's backend."""

NAMES = [name for name in dir(keras.applications) if name[0].isupper() and name not in REFUSED]

FEW = ["ConvNeXtTiny", "DenseNet121", "EfficientNetB0", "EfficientNetV2B0", "InceptionV3", "MobileNetV3Small"]
FEW += ["NASNetLarge", "ResNet50V2", "VGG16", "Xception"]

PUBLISHED = {
    "VGG16": 138_357_544,
    "ResNet50": 25_636_712,
    "InceptionV3": 23_851_784,
    "Xception": 22_910_480,
    "MobileNet": 4_253_864,
    "MobileNetV2": 3_538_984,
    "DenseNet121": 8_062_504,
    "InceptionResNetV2": 55_873_736,
}
"""Parameters with the statistics of batch normalization, as the models' summaries print them."""


def model_without_weights(name: str, **settings: object) -> keras.Model:
    with without_weights():
        return getattr(keras.applications, name)(weights=None, **settings)


@pytest.mark.parametrize("name", NAMES if EVERYTHING else FEW)
def test_models_are_imported_completely(name):
    """Nothing is opaque, all shapes match Keras, and every weight is counted once."""
    model = model_without_weights(name)
    walk, network = read_whole(model)
    assert unknown(network) == []
    assert variables_kept(walk, network) == counted_by_keras(model)
    assert cs.inspect(network).totals.params == learned_by_keras(model)


@pytest.mark.parametrize("name", PUBLISHED if EVERYTHING else ["InceptionV3", "MobileNet"])
def test_parameter_counts_match_published_ones(name):
    walk, network = read_whole(model_without_weights(name))
    assert variables_kept(walk, network) == PUBLISHED[name]


SMALL = ["DenseNet121", "MobileNet", "MobileNetV2", "MobileNetV3Small", "EfficientNetB0"]
LARGE = ["ConvNeXtTiny", "EfficientNetV2B0", "InceptionResNetV2", "InceptionV3", "NASNetLarge", "ResNet50"]
LARGE += ["ResNet50V2", "VGG16", "Xception", "MobileNetV3Large", "EfficientNetV2S"]


@pytest.mark.parametrize("name", [*SMALL, *LARGE] if EVERYTHING else SMALL)
def test_values_match_keras(name):
    """On oblong images, layer by layer."""
    size = (96, 80) if name in ("InceptionResNetV2", "InceptionV3", "NASNetLarge", "Xception") else (64, 48)
    top = {"include_top": False} if name == "NASNetLarge" else {"classes": 11}
    model = getattr(keras.applications, name)(weights=None, input_shape=(*size, 3), **top)
    same_as_keras(model)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [("vgg16", "VGG16"), ("vgg19", "VGG19"), ("inception_v3", "InceptionV3"), ("densenet121", "DenseNet121")],
)
def test_macs_match_zoo(ours, theirs):
    """The same networks, written in the notation; Keras' Inception has no bias where PyTorch's has none."""
    zoo = cs.load(ours)
    network = cs.from_keras(model_without_weights(theirs, input_shape=(*zoo.input_shape[1:], 3)))
    assert cs.inspect(network).totals.macs == cs.inspect(zoo).totals.macs
