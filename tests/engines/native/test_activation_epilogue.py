"""Activation functions that leave with a kernel's sums, against the reference in float64."""

from __future__ import annotations

import numpy as np
import pytest

import convscope as cs
from convscope.engines.native.kernels.activation.pointwise import Activate, EpilogueFunction, function_of
from convscope.engines.native.kernels.convolution.direct import Convolution, ConvolutionInputGradient
from convscope.engines.native.kernels.dense.product import DenseKernel
from convscope.engines.native.kernels.depthwise.direct import DepthwiseConvolution
from convscope.engines.native.layout import Blocked, Channels, DenseBlocks, blocks_of
from convscope.engines.native.plan import KernelCall
from convscope.engines.native.runtime.program import NativeProgram
from convscope.engines.reference.layers.activation import value
from convscope.layers.base import Layer
from convscope.network import Network
from convscope.notation import parse_yaml

from .assembly import TARGETS, X86_64, spills_in_loops
from .convolutions import Numbers, empty_lanes, shape_of
from .harness import KINDS, assert_close, call, target_named
from .test_activation import IDS, LAYERS
from .test_convolution import backward, forward, own_bias
from .winograd_cases import Case

BOUND = 4e-6
"""Of the largest sum: some tens of roundings of 6e-8, through functions whose slopes are below 2."""
WINOGRAD_BOUND = 3e-5
"""Of the largest sum: the same as F(4,3) rounds, whose matrices' numbers reach 8."""
EACH = pytest.mark.parametrize("layer", LAYERS, ids=IDS)
EVERYWHERE = pytest.mark.parametrize("kind", KINDS)


def of(layer: Layer) -> EpilogueFunction:
    found = function_of(layer)
    assert found is not None
    return found


def assert_function(layer: Layer, got: np.ndarray, sums: np.ndarray, bound: float = BOUND) -> None:
    """Compare with the function of float64 sums, by the size of the sums: what is small comes of large ones."""
    scale = max(float(np.abs(sums).max()), 1.0)
    worst = float(np.abs(got - value(layer, sums)).max())
    assert worst <= bound * scale, f"off by {worst / scale:.1e}"


@EACH
@EVERYWHERE
def test_any_activation_is_fused_into_a_convolution(layer: Layer, kind: str) -> None:
    """Sum, bias, residual, function, in this order; lanes of no filter stay zero."""
    numbers = Numbers(shape_of(5, 9, 11, 19, (3, 2), (1, 2), ((1, 1), (0, 1)), kind=kind), 2)
    got = forward(Convolution(numbers.shape, False, True, of(layer), True), numbers, kind=kind)
    assert_function(layer, got, numbers.forward() + numbers.bias[:, None, None] + numbers.y)


@EACH
@pytest.mark.parametrize("channels", [3, 21])
def test_any_activation_is_fused_into_a_transposed_convolution(layer: Layer, channels: int) -> None:
    """With channels in lanes of their own, and with a few that are summed across the lanes."""
    numbers = Numbers(shape_of(channels, 8, 13, 18, (3, 2), (2, 1), ((1, 0), (1, 1))), 2)
    got = backward(ConvolutionInputGradient(numbers.shape, True, of(layer)), numbers)
    assert_function(layer, got, numbers.input_gradient() + own_bias(numbers)[:, None, None])


@EACH
@EVERYWHERE
def test_any_activation_is_fused_into_a_depthwise_convolution(layer: Layer, kind: str) -> None:
    """Rows of several tiles; lanes of no channel stay zero."""
    numbers = Numbers(shape_of(19, 7, 33, 19, (3, 5), (2, 1), ((1, 1), (2, 1)), groups=19, kind=kind), 2)
    arrays = {"x": numbers.blocked_x(), "weight": numbers.packed_weight, "bias": numbers.packed_bias}
    arrays["y"] = np.full_like(numbers.blocked_y(), np.nan)
    got = call(DepthwiseConvolution(numbers.shape, True, of(layer)), 2, arrays, kind=kind)["y"]
    sums = numbers.forward() + numbers.bias[:, None, None]
    assert_function(layer, numbers.y_layout.unpack(got), sums)
    assert not empty_lanes(got, numbers.y_layout).any()


@EACH
@pytest.mark.parametrize("tile", [2, 4])
def test_any_activation_is_fused_into_a_winograd_convolution(layer: Layer, tile: int) -> None:
    """Sum, bias, residual, function, in this order, also in tiles that reach beyond the edge."""
    case = Case(2, 21, (9, 11), 19, (1, 0), (1, 1), tile)
    sums = case.expected_forward() + case.bias[:, None, None] + case.residual
    assert_function(layer, case.forward(True, of(layer), True), sums, WINOGRAD_BOUND)


@EACH
@EVERYWHERE
@pytest.mark.parametrize("depth", [37, 600])
def test_any_activation_is_fused_into_a_dense_layer(layer: Layer, kind: str, depth: int) -> None:
    """In one panel and in several, of which only the last one's sums go through the function."""
    lanes, outputs, batch = target_named(kind).width, 21, 7
    draw, source = np.random.default_rng(2), Blocked(depth, 1, 1, lanes)
    x, w = (draw.normal(size=(rows, depth)).astype(np.float32) for rows in (batch, outputs))
    bias, width = draw.normal(size=outputs).astype(np.float32), blocks_of(outputs, lanes) * lanes
    arrays = {
        "x": source.pack(x),
        "weight": DenseBlocks(outputs, source).pack(w),
        "bias": Channels(outputs, lanes).pack(bias),
        "y": np.full((batch, width), np.nan, np.float32),
    }
    got = call(DenseKernel(source.floats, outputs, lanes, True, of(layer)), batch, arrays, kind=kind)["y"]
    assert_function(layer, got[:, :outputs], x.astype(np.float64) @ w.T.astype(np.float64) + bias)
    assert not got[:, outputs:].any()


NETWORK = """
input: 3x13x11
layers:
  - conv 19 3 p1 nobias | bn | {function}
  - add:
      - ""
      - conv 19 3 p1 g19 nobias | bn | {function} | conv 19 1
  - {function}
  - add:
      - ""
      - conv 19 3 p1 | {function}
  - convtranspose 6 2 s2 | {function} | flatten | dense 9 | {function} | dense 4
"""
WRITTEN = {
    "leakyrelu": "LeakyReLU", "elu": "ELU", "hardsigmoid": "Hardsigmoid", "hardswish": "Hardswish",
    "relu6": "ReLU6", "sigmoid": "Sigmoid", "silu": "SiLU", "softplus": "Softplus",
}  # fmt: skip


def model(function: str, **settings: str) -> cs.Model:
    network: Network = parse_yaml(NETWORK.format(function=function))
    return cs.Model(network, seed=4, **settings)  # type: ignore[arg-type]


def calls(native: cs.Model, title: str) -> list[KernelCall]:
    """Return the kernels' calls of a forward pass."""
    assert isinstance(native.program, NativeProgram)
    return [step for step in native.program.plan(title).sections["forward"] if isinstance(step, KernelCall)]


def passes_of_their_own(native: cs.Model, title: str) -> list[KernelCall]:
    """Return the calls of kernels that compute a function and nothing else."""
    return [step for step in calls(native, title) if isinstance(step.kernel, Activate)]


@pytest.mark.parametrize("function", WRITTEN)
def test_predictions_match_reference(function: str) -> None:
    """Functions after convolutions of each kind, after a sum and before it; none is a pass of its own.

    Bound: seven layers, each of which rounds a few units of 6e-8 of its largest number.
    """
    native, reference = model(function), model(function, engine="reference", dtype="float64")
    for key in native.parameters:
        reference.parameters[key] = native.parameters[key].astype(np.float64)
    x = np.random.default_rng(5).normal(size=(3, 3, 13, 11)).astype(np.float32)
    assert_close(native.predict(x), reference.predict(x.astype(np.float64)), 1e-5)
    theirs = reference.activations(x.astype(np.float64))
    for name, array in native.activations(x).items():
        assert_close(array, theirs[name], 1e-5)
    assert not passes_of_their_own(native, "inference")
    assert sum(WRITTEN[function] in " ".join(step.fused) for step in calls(native, "inference")) == 6


@pytest.mark.parametrize("function", ["relu6", "silu"])
def test_training_keeps_activations_that_gradients_need(function: str) -> None:
    """Only ReLU is computed along in training: others' gradients read what stood before them."""
    assert len(passes_of_their_own(model(function), "training")) == 6


@pytest.mark.parametrize("kind", TARGETS)
@pytest.mark.parametrize(
    "function", [EpilogueFunction("relu6"), EpilogueFunction("silu"), EpilogueFunction("gelu")]
)
def test_epilogue_functions_spill_no_sums(function: EpilogueFunction, kind: str) -> None:
    """Nothing goes over the stack inside the loops over the depth, nor where the function is computed."""
    shape = shape_of(40, 13, 28, 48, (1, 1), kind=kind)
    assert spills_in_loops(Convolution(shape, False, True, function, True), kind) <= (kind == X86_64)
