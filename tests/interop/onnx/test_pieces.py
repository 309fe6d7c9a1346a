"""Pictures cut into pieces that stand where the batch stood, as windows and patches do in exported networks."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import helper

from interop.onnx.models import model, numbers, saved
from interop.onnx.runtime import assert_close, by_reference, by_runtime

KERNEL, BIAS = numbers((4, 3, 3, 2), 5), numbers((4,), 6)
STATISTICS = [numbers((7,), seed) + 1.5 for seed in range(4)]


@pytest.mark.parametrize(
    ("operator", "attributes", "tensors", "pieces", "kinds"),
    [
        ("Conv", {"strides": [2, 1], "pads": [1, 0, 0, 1]}, [KERNEL, BIAS], (5, 3, 6, 8), ["Conv3d"]),
        ("Conv", {"auto_pad": "SAME_LOWER"}, [KERNEL], (5, 3, 6, 8), ["Conv3d"]),
        ("Conv", {"group": 3}, [numbers((6, 1, 4), 5)], (5, 3, 9), ["Conv2d"]),
        ("MaxPool", {"kernel_shape": [3, 2], "strides": [1, 2]}, [], (5, 3, 6, 8), ["MaxPool2d"]),
        ("AveragePool", {"kernel_shape": [2, 3], "pads": [1, 1, 0, 0]}, [], (70, 3, 6, 8), ["AvgPool2d"]),
        ("BatchNormalization", {}, STATISTICS, (6, 7), ["BatchNorm1d"]),
    ],
)
def test_pieces_are_computed_as_one_layer(operator, attributes, tensors, pieces, kinds, tmp_path):
    """Values are ONNX Runtime's, and no layer is unknown or there for every piece."""
    held = {f"t{index}": array for index, array in enumerate(tensors)}
    whole = (1, pieces[0] * pieces[1], *pieces[2:])
    nodes = [
        helper.make_node("Reshape", ["x", "shape"], ["p"], "cut"),
        helper.make_node(operator, ["p", *held], ["y"], "made", **attributes),
    ]
    path = saved(model(nodes, whole, {**held, "shape": np.array(pieces)}, opset=17), tmp_path)
    x = numbers(whole, 4)
    network, ours = by_reference(path, {"x": x})
    assert [node.kind for node in network.layers if node.kind not in ("Reshape", "Permute")] == kinds
    assert_close(ours.reshape(pieces[0], -1), by_runtime(path, {"x": x})[0].reshape(pieces[0], -1))


def test_a_border_of_minus_infinity_never_wins_a_maximum(tmp_path):
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
