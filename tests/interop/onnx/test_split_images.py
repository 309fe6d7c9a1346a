"""Images split along the batch axis into windows or patches, as in exported networks."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import helper

import convscope as cs
from interop.onnx.models import model, numbers, saved
from interop.onnx.runtime import assert_close, by_reference, by_runtime

KERNEL, BIAS = numbers((4, 3, 3, 2), 5), numbers((4,), 6)
STATISTICS = [numbers((7,), seed) + 1.5 for seed in range(4)]


@pytest.mark.parametrize(
    ("operator", "attributes", "tensors", "parts", "kinds"),
    [
        ("Conv", {"strides": [2, 1], "pads": [1, 0, 0, 1]}, [KERNEL, BIAS], (5, 3, 6, 8), ["Conv3d"]),
        ("Conv", {"auto_pad": "SAME_LOWER"}, [KERNEL], (5, 3, 6, 8), ["Conv3d"]),
        ("Conv", {"group": 3}, [numbers((6, 1, 4), 5)], (5, 3, 9), ["Conv2d"]),
        ("MaxPool", {"kernel_shape": [3, 2], "strides": [1, 2]}, [], (5, 3, 6, 8), ["MaxPool2d"]),
        ("AveragePool", {"kernel_shape": [2, 3], "pads": [1, 1, 0, 0]}, [], (70, 3, 6, 8), ["AvgPool2d"]),
        ("BatchNormalization", {}, STATISTICS, (6, 7), ["BatchNorm1d"]),
        ("Pad", {}, [np.array([0, 0, 0, 0, 0, 1])], (6, 5, 7), ["Pad"]),
        ("Pad", {"mode": "reflect"}, [np.array([0, 3, 0, 2])], (6, 35), ["Pad"]),
        ("Pad", {}, [np.array([0, -1, 0, 0, 0, -2])], (6, 5, 7), ["Crop"]),
        ("Pad", {}, [np.array([0, 0, 0, 0])], (6, 35), []),
    ],
)
def test_parts_of_an_image_share_one_layer(operator, attributes, tensors, parts, kinds, tmp_path):
    """Values match ONNX Runtime, and there is one layer for all parts."""
    initializers = {f"t{index}": array for index, array in enumerate(tensors)}
    whole = (1, parts[0] * parts[1], *parts[2:])
    nodes = [
        helper.make_node("Reshape", ["x", "shape"], ["p"], "cut"),
        helper.make_node(operator, ["p", *initializers], ["y"], "made", **attributes),
    ]
    path = saved(model(nodes, whole, {**initializers, "shape": np.array(parts)}, opset=17), tmp_path)
    x = numbers(whole, 4)
    network, ours = by_reference(path, {"x": x})
    assert [node.kind for node in network.layers if node.kind not in ("Reshape", "Permute")] == kinds
    assert_close(ours.reshape(parts[0], -1), by_runtime(path, {"x": x})[0].reshape(parts[0], -1))


def test_pad_of_the_first_axis_appends_parts(tmp_path):
    nodes = [
        helper.make_node("Reshape", ["x", "shape"], ["p"], "cut"),
        helper.make_node("Pad", ["p", "ends", "value"], ["y"], "made"),
    ]
    tensors = {"shape": np.array([6, 5, 7]), "ends": np.array([2, 0, 1, 1, 0, 0]), "value": np.float32(0.5)}
    path = saved(model(nodes, (1, 30, 7), tensors, opset=17), tmp_path)
    x = numbers((1, 30, 7), 4)
    network, ours = by_reference(path, {"x": x})
    assert network.nodes[-1].output_shape == (9, 5, 8)
    assert_close(ours[0], by_runtime(path, {"x": x})[0])


NOTHING = {
    "slice": helper.make_node("Slice", ["x", "zero", "zero", "one"], ["e"], "cut"),
    "split": helper.make_node("Split", ["x", "sizes"], ["e", "rest"], "cut", axis=1),
}


@pytest.mark.parametrize("cut", NOTHING.values(), ids=NOTHING)
def test_empty_values_are_dropped(cut, tmp_path):
    """As the class tokens of a sequence without any: split off, scaled, and concatenated."""
    nodes = [
        cut,
        helper.make_node("Mul", ["e", "two"], ["m"], "scaled"),
        helper.make_node("Relu", ["x"], ["r"], "act"),
        helper.make_node("Concat", ["m", "r"], ["y"], "join", axis=1),
    ]
    tensors = {"zero": np.array([0]), "one": np.array([1]), "sizes": np.array([0, 6]), "two": np.float32([2])}
    path = saved(model(nodes, (1, 6, 7), tensors, opset=17), tmp_path)
    x = numbers((1, 6, 7), 4)
    network, ours = by_reference(path, {"x": x})
    assert [node.kind for node in network.layers] == ["ReLU"]
    assert_close(ours, by_runtime(path, {"x": x})[0])


def block(*ranges):
    return np.stack(np.meshgrid(*[np.arange(*pair) for pair in ranges], indexing="ij"), axis=-1)


@pytest.mark.parametrize(
    "indices",
    [
        block((0, 1), (0, 5), (0, 6), (0, 7)),
        block((0, 1), (0, 5), (2, 6), (1, 6)),
        block((0, 1), (1, 4), (0, 6), (3, 7)),
        block((0, 1), (1, 3)),
        block((0, 1), (0, 5), (-4, 0), (-6, -1)),
    ],
)
def test_scatter_of_a_block_matches_onnx_runtime(indices, tmp_path):
    """As x[:, :, a:, b:] += y is exported: for all elements, some rows, some channels."""
    sizes = (1, 5, 6, 7)
    count = indices.shape[-1]
    low, high = indices.reshape(-1, count)[[0, -1]] % sizes[:count]  # counted from the end where negative
    ends = [*(high + 1), *sizes[len(low) :]]
    nodes = [
        helper.make_node("Slice", ["x", "low", "high"], ["part"], "part"),
        helper.make_node("Relu", ["part"], ["new"], "act"),
        helper.make_node("ScatterND", ["x", "indices", "new"], ["y"], "written"),
    ]
    tensors = {"low": np.array([*low, *[0] * (4 - len(low))]), "high": np.array(ends), "indices": indices}
    path = saved(model(nodes, sizes, tensors, opset=17), tmp_path)
    x = numbers(sizes, 4)
    network, ours = by_reference(path, {"x": x})
    assert not any(node.kind.startswith("Opaque") for node in network.layers)
    assert_close(ours, by_runtime(path, {"x": x})[0])


@pytest.mark.parametrize(
    "indices", [block((0, 1), (0, 5))[:, ::-1], block((0, 1), (0, 5))[:, ::2]], ids=["reversed", "every second"]
)
def test_scatter_of_other_indices_is_opaque(indices, tmp_path):
    nodes = [
        helper.make_node("Slice", ["x", "zero", "count", "one"], ["new"], "part"),
        helper.make_node("ScatterND", ["x", "indices", "new"], ["y"], "written"),
    ]
    tensors = {
        "zero": np.array([0]),
        "one": np.array([1]),
        "count": np.array([indices.shape[1]]),
        "indices": indices,
    }
    network = cs.from_onnx(saved(model(nodes, (1, 5, 6, 7), tensors, opset=17), tmp_path))
    assert network["written"].kind == "Opaque(ScatterND)"


def test_padding_by_minus_infinity_never_wins_a_maximum(tmp_path):
    nodes = [
        helper.make_node("Pad", ["x", "ends", "least"], ["p"], "border"),
        helper.make_node("MaxPool", ["p"], ["y"], "made", kernel_shape=[3, 2]),
    ]
    tensors = {"ends": np.array([0, 0, 1, 2, 0, 0, 0, 1]), "least": np.float32(-np.inf)}
    path = saved(model(nodes, (1, 3, 5, 7), tensors, opset=17), tmp_path)
    x = numbers((1, 3, 5, 7), 4) - 3
    network, ours = by_reference(path, {"x": x})
    assert [node.kind for node in network.layers] == ["Pad", "MaxPool2d"]
    assert_close(ours, by_runtime(path, {"x": x})[0])
