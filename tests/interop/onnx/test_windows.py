"""Convolution and pooling with random settings: every padding mode, in one to three dimensions."""

from __future__ import annotations

import numpy as np
import pytest

import convscope as cs
from interop.onnx.models import inferred_shape, model, numbers, one, saved
from interop.onnx.runtime import assert_close, by_reference, by_runtime

AUTOMATIC = ["NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER"]
SEEDS = range(12)


class Draw:
    """Random settings of a window over `rank` axes."""

    def __init__(self, seed: int, rank: int) -> None:
        self.random = np.random.default_rng(seed)
        self.rank = rank

    def each(self, low: int, high: int) -> list[int]:
        """Return an integer from low to high for every axis."""
        return self.random.integers(low, high + 1, self.rank).tolist()

    def sizes(self) -> list[int]:
        """Return distinct sizes of an image."""
        return [int(n) for n in 9 + self.random.permutation(5)[: self.rank]]

    def window(self, word: str, dilated: bool = True) -> dict[str, object]:
        """Return kernel, stride, dilation and pads."""
        attributes = {"kernel_shape": self.each(1, 4), "strides": self.each(1, 3)}
        if dilated:
            attributes["dilations"] = self.each(1, 2)
        if word == "NOTSET":
            reach = [
                (k - 1) * d + 1
                for k, d in zip(attributes["kernel_shape"], attributes.get("dilations", [1] * 3), strict=False)
            ]
            attributes["pads"] = [int(self.random.integers(0, r // 2 + 1)) for r in reach * 2]
        else:
            attributes["auto_pad"] = word
        return attributes


def assert_matches_runtime(made, shape, tmp_path, kind, relative=1e-5):
    x = numbers(shape, 5)
    network, ours = by_reference(saved(made, tmp_path), {"x": x})
    (theirs,) = by_runtime(made.SerializeToString(), {"x": x})
    assert [node.kind for node in network.layers] == [kind]
    inferred = inferred_shape(made)
    assert inferred in (None, theirs.shape)
    assert_close(ours, theirs, relative)


@pytest.mark.parametrize("word", AUTOMATIC)
@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize("seed", SEEDS)
def test_convolution_matches_onnx_runtime(seed, rank, word, tmp_path):
    """Groups, asymmetric pads, dilation; ONNX Runtime supports SAME without dilation only."""
    draw = Draw(seed, rank)
    attributes = draw.window(word, dilated=not word.startswith("SAME"))
    groups = int(draw.random.choice([1, 2, 4]))
    shape = (1, 4, *draw.sizes())
    tensors = {"w": numbers((8, 4 // groups, *attributes["kernel_shape"]))}
    if draw.random.random() < 0.5:
        tensors["b"] = numbers((8,), 9)
    made = model([one("Conv", {**attributes, "group": groups}, ("x", *tensors))], shape, tensors, 11 + seed)
    assert_matches_runtime(made, shape, tmp_path, f"Conv{rank}d")


@pytest.mark.parametrize("word", AUTOMATIC)
@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize("seed", SEEDS)
def test_transposed_convolution_matches_onnx_runtime(seed, rank, word, tmp_path):
    """Cropped by pads, to an output shape, or to stride times the input."""
    draw = Draw(seed, rank)
    attributes = draw.window(word)
    strides = attributes["strides"]
    groups = int(draw.random.choice([1, 2]))
    shape = (1, 4, *draw.sizes())
    if word == "NOTSET":
        attributes["output_padding"] = [int(draw.random.integers(0, s)) for s in strides]
    elif word.startswith("SAME"):
        # With kernels smaller than the stride there is nothing to crop, and ONNX Runtime shortens the output.
        attributes["kernel_shape"] = [k + s for k, s in zip(attributes["kernel_shape"], strides, strict=True)]
    tensors = {"w": numbers((4, 6 // groups, *attributes["kernel_shape"])), "b": numbers((6,), 9)}
    made = model([one("ConvTranspose", {**attributes, "group": groups}, ("x", "w", "b"))], shape, tensors)
    assert_matches_runtime(made, shape, tmp_path, f"ConvTranspose{rank}d")


def test_transposed_convolution_with_output_shape_matches_onnx_runtime(tmp_path):
    """`output_shape` with an odd number of pixels to crop: ONNX Runtime crops more at the beginning."""
    attributes = {"kernel_shape": [4, 3], "strides": [2, 3], "output_shape": [11, 16]}
    made = model([one("ConvTranspose", attributes, ("x", "w"))], (1, 2, 5, 6), {"w": numbers((2, 3, 4, 3))})
    assert_matches_runtime(made, (1, 2, 5, 6), tmp_path, "ConvTranspose2d")


@pytest.mark.parametrize("word", AUTOMATIC)
@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize("operator", ["MaxPool", "AveragePool", "LpPool"])
@pytest.mark.parametrize("seed", SEEDS)
def test_pooling_matches_onnx_runtime(seed, operator, rank, word, tmp_path):
    """ceil_mode, dilation, count_include_pad."""
    draw = Draw(seed, rank)
    attributes = draw.window(word, dilated=not word.startswith("SAME") and operator != "LpPool")
    shape = (1, 4, *draw.sizes())
    if word.startswith("SAME"):
        # For kernels smaller than the stride, SAME would need negative pads, which ONNX Runtime refuses.
        pairs = zip(attributes["kernel_shape"], attributes["strides"], strict=True)
        attributes["kernel_shape"] = [max(kernel, stride) for kernel, stride in pairs]
    if operator == "AveragePool":
        attributes |= {"count_include_pad": 1} if draw.random.random() < 0.5 else {}
    if operator != "LpPool" and word in ("NOTSET", "VALID"):
        attributes["ceil_mode"] = int(draw.random.integers(0, 2))
    made = model([one(operator, attributes)], shape, opset=22)
    kind = {"MaxPool": "MaxPool", "AveragePool": "AvgPool", "LpPool": "LPPool"}[operator]
    assert_matches_runtime(made, shape, tmp_path, f"{kind}{rank}d")


def test_padding_of_more_than_half_the_kernel_is_a_pad_layer(tmp_path):
    """PyTorch's pooling pads at most half the kernel, ONNX's any number of pixels."""
    attributes = {"kernel_shape": [3, 2], "pads": [2, 1, 0, 1], "strides": [1, 2]}
    made = model([one("MaxPool", attributes)], (1, 2, 5, 8))
    x = numbers((1, 2, 5, 8)) - 2
    network, ours = by_reference(saved(made, tmp_path), {"x": x})
    assert [node.kind for node in network.layers] == ["Pad", "MaxPool2d"]
    assert_close(ours, by_runtime(made.SerializeToString(), {"x": x})[0])


@pytest.mark.parametrize("more", [{}, {"ceil_mode": 1, "count_include_pad": 1}])
def test_unsupported_wide_padding_is_opaque(more, tmp_path):
    """An average that excludes padding, or ceil_mode, cannot be computed on a padded input."""
    made = model([one("AveragePool", {"kernel_shape": [3, 2], "pads": [2, 1, 0, 1], **more})], (1, 2, 5, 8))
    network = cs.from_onnx(saved(made, tmp_path))
    (theirs,) = by_runtime(made.SerializeToString(), {"x": numbers((1, 2, 5, 8))})
    assert [(layer.kind, layer.output_shape) for layer in network.layers] == [
        ("Opaque(AveragePool)", theirs.shape[1:])
    ]
