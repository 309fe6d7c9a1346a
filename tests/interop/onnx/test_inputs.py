"""Several inputs, their batch axes and their open sizes."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import helper

import convscope as cs
from convscope.errors import BadSetting, BadShape
from interop.onnx.invalid_files import refused
from interop.onnx.models import FLOAT, model, numbers, one, saved
from interop.onnx.runtime import assert_close, by_reference, by_runtime

node = helper.make_node


def state_model(dims, axis):
    """Return a model that concatenates one of two states to its input, with a dense layer."""
    nodes = [
        node("Gather", ["state", "zero"], ["h"], "first", axis=axis),
        node("Concat", ["x", "h"], ["c"], "joined", axis=1),
        node("Gemm", ["c", "w", "b"], ["y"], "made", transB=1),
    ]
    tensors = {"zero": np.array(0), "w": numbers((3, 9)), "b": numbers((3,), 5)}
    state = [helper.make_tensor_value_info("state", FLOAT, dims)]
    return model(nodes, ("batch", 4), tensors, 17, inputs=state)


@pytest.mark.parametrize(("dims", "axis"), [(("batch", 2, 5), 1), ((2, "batch", 5), 0)])
def test_batch_axis_of_a_second_input_is_found_by_name(dims, axis, tmp_path):
    path = saved(state_model(dims, axis), tmp_path)
    x, state = numbers((1, 4)), numbers((1, 2, 5), 3)
    network, ours = by_reference(path, {"x": x, "state": state})
    assert [n.output_shape for n in network.inputs] == [(4,), (2, 5)]
    assert cs.inspect(network).totals.params == 30
    assert_close(ours, by_runtime(path, {"x": x, "state": np.moveaxis(state, 0, dims.index("batch"))})[0])


def test_second_input_of_fixed_size_has_a_batch_only_if_its_first_axis_fits(tmp_path):
    for dims, shape in (((1, 2, 5), (2, 5)), ((2, 1, 5), (2, 1, 5))):
        network = cs.from_onnx(saved(state_model(dims, dims.index(2)), tmp_path))
        assert network["state"].output_shape == shape
        assert cs.inspect(network).totals.params == 30


def test_batch_axis_of_the_first_input_is_found_by_name(tmp_path):
    nodes = [node("ReduceSum", ["x", "time"], ["y"], "made", keepdims=0)]
    network = cs.from_onnx(saved(model(nodes, (7, "batch_size", 5), {"time": np.array([0])}, 17), tmp_path))
    assert (network.input_shape, network["made"].output_shape) == ((7, 5), (5,))


def two_open_inputs(folder):
    more = [helper.make_tensor_value_info("z", FLOAT, ["n", 3, "h2", "w2"])]
    return saved(model([node("Add", ["x", "z"], ["y"], "made")], ("n", 3, "h", "w"), inputs=more), folder)


def test_open_sizes_of_a_second_input_are_set_by_its_name(tmp_path):
    path = two_open_inputs(tmp_path)
    network = cs.from_onnx(path, input_shape={"z": (3, 8, 6), "x": (3, 8, 6)})
    assert [(n.name, n.output_shape) for n in network.inputs] == [("x", (3, 8, 6)), ("z", (3, 8, 6))]
    message = (
        "The size of input 'z' of {path} is unknown (got 3×?×?). Pass "
        "input_shape={'x': (3, 8, 6), 'z': (3, 224, 224)}, or --input z=3x224x224. [onnx-dims]"
    )
    refused(path, BadShape, message, input_shape=(3, 8, 6))
    with pytest.raises(
        BadSetting, match=r"^input_shape must name inputs of the model \(got 'q'\)\. .* \[input-name\]$"
    ):
        cs.from_onnx(path, input_shape={"q": (3, 8, 6)})


def test_named_size_is_the_same_for_all_inputs(tmp_path):
    more = [helper.make_tensor_value_info("z", FLOAT, ["n", 3, "h", "w"])]
    path = saved(model([node("Add", ["x", "z"], ["y"], "made")], ("n", 3, "h", "w"), inputs=more), tmp_path)
    assert cs.from_onnx(path, input_shape={"z": (3, 8, 6)})["made"].output_shape == (3, 8, 6)


@pytest.mark.parametrize(
    ("dims", "shown", "hint", "option"),
    [
        (("n", "t"), "?", "(100,)", "100"),
        (("n", 64, None), "64×?", "(64, 100)", "64x100"),
        ((1, 1, 64, None), "1×64×?", "(1, 64, 224)", "1x64x224"),
        (("n", 3, "d", "h", "w"), "3×?×?×?", "(3, 16, 112, 112)", "3x16x112x112"),
    ],
)
def test_hint_for_open_sizes_has_the_rank_and_known_sizes(dims, shown, hint, option, tmp_path):
    path = saved(model([one("Relu")], dims), tmp_path)
    message = (
        f"The size of input 'x' of {{path}} is unknown (got {shown}). "
        f"Pass input_shape={hint}, or --input {option}. [onnx-dims]"
    )
    refused(path, BadShape, message)
    assert cs.from_onnx(path, input_shape=eval(hint))["made"].output_shape == eval(hint)


@pytest.mark.parametrize(("onesided", "bins"), [(1, 9), (0, 16)])
def test_opaque_stft_has_the_bins_of_its_window(onesided, bins, tmp_path):
    """15 frames of 16 of 128 samples with stride 8: 16 / 2 + 1 bins, with real and imaginary parts."""
    made = model(
        [one("STFT", {"onesided": onesided}, ("x", "step", "window"))],
        (1, 128, 1),
        {"step": np.int64(8), "window": np.ones(16, np.float32)},
        17,
    )
    theirs = by_runtime(made.SerializeToString(), {"x": numbers((1, 128, 1))})[0]
    network = cs.from_onnx(saved(made, tmp_path))
    assert (network["made"].kind, network["made"].output_shape) == ("Opaque(STFT)", (15, bins, 2))
    assert theirs.shape == (1, 15, bins, 2)
