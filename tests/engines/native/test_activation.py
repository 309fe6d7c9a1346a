"""Activation kernels against the float64 reference: values, gradients, special numbers, empty lanes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convscope.engines.native.kernels.activation.pointwise import (
    Activate,
    ActivateGradient,
    PReLUGradient,
    PReLUKernel,
    PReLUSlopeGradient,
    kind_of,
    value_at_zero,
)
from convscope.engines.native.layout import Blocked, Channels
from convscope.engines.reference.layers.activation import derivative, value
from convscope.engines.reference.layers.rules import Context, backward, forward
from convscope.layers import activation as layers
from convscope.layers.base import Layer

from .assembly import TARGETS, X86_64, spills_in_loops
from .harness import KINDS, SMALLER, assert_close, call, target_named

LAYERS: list[Layer] = [
    layers.Sigmoid(),
    layers.Tanh(),
    layers.ReLU(),
    layers.ReLU6(),
    layers.LeakyReLU(),
    layers.LeakyReLU(negative_slope=0.0),
    layers.LeakyReLU(negative_slope=-0.3),
    layers.ELU(),
    layers.ELU(alpha=0.3),
    layers.ELU(alpha=-0.7),
    layers.SELU(),
    layers.GELU(),
    layers.GELU(approximate="tanh"),
    layers.SiLU(),
    layers.Mish(),
    layers.Softplus(),
    layers.Hardsigmoid(),
    layers.Hardswish(),
]
IDS = [str(layer) for layer in LAYERS]
ELEMENT_BOUND = 8 * 2.0**-24
"""Values: a few roundings of numbers no larger than max(|x|, |y|, 1); derivatives are of order 1, too."""
KINKS = [0.0, -0.0, 3.0, -3.0, 6.0, 1e-20, -1e-20, 100.0, -100.0, 1e15, -1e15]


def parts_of(layer: Layer, sizes: tuple[int, int, int], lanes: int) -> tuple[Activate, ActivateGradient]:
    found = kind_of(layer)
    assert found is not None
    return Activate(*found, *sizes, lanes), ActivateGradient(*found, *sizes, lanes)


def run(layer: Layer, x: np.ndarray, dy: np.ndarray, kind: str) -> tuple[np.ndarray, np.ndarray]:
    """Return y and dx as kernels make them; empty lanes must hold zeros."""
    lanes = target_named(kind).width
    layout = Blocked(*x.shape[1:], lanes)
    forwards, backwards = parts_of(layer, x.shape[1:], lanes)
    arrays = {"x": layout.pack(x), "dy": layout.pack(dy)}
    arrays["y"] = arrays["dx"] = np.full_like(arrays["x"], np.nan)
    arrays["y"] = call(forwards, len(x), arrays, kind=kind)["y"]
    arrays["dx"] = call(backwards, len(x), arrays, kind=kind)["dx"]
    results = []
    for name in ("y", "dx"):
        results.append(layout.unpack(arrays[name]))
        np.testing.assert_array_equal(arrays[name], layout.pack(results[-1]), err_msg=f"{name}: empty lanes")
    return results[0], results[1]


def numbers(shape: tuple[int, ...], seed: int) -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(seed)
    x = draw.normal(0, 3, shape).astype(np.float32)
    flat = x.reshape(-1)
    chosen = draw.permutation(flat.size)[: len(KINKS)]
    flat[chosen] = KINKS[: len(chosen)]
    return x, draw.normal(size=shape).astype(np.float32)


def assert_as_the_reference(layer: Layer, shape: tuple[int, ...], seed: int, kind: str) -> None:
    x, dy = numbers(shape, seed)
    y, dx = run(layer, x, dy, kind)
    exact = x.astype(np.float64)
    expected = value(layer, exact)
    assert (np.abs(y - expected) <= ELEMENT_BOUND * np.maximum(np.abs(expected), 1)).all()
    slope = derivative(layer, exact)
    assert (np.abs(dx - dy * slope) <= ELEMENT_BOUND * 2 * np.abs(dy) * np.maximum(np.abs(slope), 1)).all()


@pytest.mark.parametrize("layer", LAYERS, ids=IDS)
@given(st.integers(1, 3), st.integers(1, 35), st.integers(1, 7), st.integers(1, 6), st.integers(0, 99))
@settings(max_examples=3)
def test_activations_equal_the_reference(layer: Layer, n: int, c: int, h: int, w: int, seed: int) -> None:
    """Values and gradients, at kinks and far out, for any sizes."""
    assert_as_the_reference(layer, (n, c, h, w), seed, "host")


@pytest.mark.parametrize("kind", SMALLER)
@pytest.mark.parametrize("layer", LAYERS, ids=IDS)
def test_activations_on_smaller_instruction_sets(layer: Layer, kind: str) -> None:
    """The same text gives the same function."""
    assert_as_the_reference(layer, (2, 19, 3, 5), 1, kind)


@pytest.mark.parametrize("layer", LAYERS, ids=IDS)
def test_special_numbers_are_the_references(layer: Layer) -> None:
    """NaN, ±∞ and ±0: value and gradient are what the reference has."""
    x = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0], np.float32).reshape(1, 2, 1, 3)
    y, dx = run(layer, x, np.ones_like(x), "host")
    with np.errstate(all="ignore"):
        (expected,) = (forward(layer, (x.astype(np.float64),), {}, Context()),)
        gradient = backward(layer, np.ones(x.shape), (x.astype(np.float64),), {}, Context()).inputs[0]
    np.testing.assert_allclose(y, expected, rtol=ELEMENT_BOUND, atol=1e-37)
    np.testing.assert_allclose(dx, gradient, rtol=2 * ELEMENT_BOUND, atol=1e-37)


def test_inactive_relu_stops_nan() -> None:
    """Where a ReLU is closed, a gradient of NaN does not get through."""
    x, dy = np.array([[-1.0, 1.0]], np.float32), np.full((1, 2), np.nan, np.float32)
    _, dx = run(layers.ReLU(), x[:, :, None, None], dy[:, :, None, None], "host")
    np.testing.assert_array_equal(dx.reshape(-1), [0, np.nan])


def test_values_at_zero_are_known() -> None:
    """What is said of f(0), by which empty lanes are kept at zero, is true."""
    for layer in LAYERS:
        found = kind_of(layer)
        assert found is not None
        assert value_at_zero(*found) == pytest.approx(value(layer, np.zeros(1))[0])
    assert kind_of(layers.Softmax()) is None


@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("slices", [1, 3, 5])
def test_prelu_equals_the_reference(shared: bool, kind: str, slices: int) -> None:
    """Value, gradient of x and of the slopes, summed in any number of parts."""
    n, c, h, w = 4, 19, 3, 5
    lanes, sizes = target_named(kind).width, (c, h, w)
    layout, layer = Blocked(*sizes, lanes), layers.PReLU(num_parameters=1 if shared else c)
    x, dy = numbers((n, *sizes), 5)
    x = np.clip(x, -50, 50)
    slope = np.random.default_rng(0).normal(size=1 if shared else c).astype(np.float32)
    own = Channels(c, lanes)
    arrays = {"x": layout.pack(x), "dy": layout.pack(dy), "slope": slope if shared else own.pack(slope)}
    arrays["y"] = arrays["dx"] = np.full_like(arrays["x"], np.nan)
    arrays["parts"] = np.full((slices, own.floats), np.nan, np.float32)
    arrays["dslope"] = np.full(1 if shared else own.floats, np.nan, np.float32)
    y = call(PReLUKernel(*sizes, lanes, shared), n, arrays, kind=kind)["y"]
    arrays |= call(PReLUGradient(*sizes, lanes, shared, slices), n, arrays, kind=kind)
    dslope = call(PReLUSlopeGradient(c, lanes, shared, slices), n, arrays, kind=kind)["dslope"]
    exact, weights = (x.astype(np.float64),), {"weight": slope.astype(np.float64)}
    expected = forward(layer, exact, weights, Context())
    gradients = backward(layer, dy.astype(np.float64), exact, weights, Context())
    np.testing.assert_allclose(y, layout.pack(expected.astype(np.float32)), rtol=1e-6)
    np.testing.assert_allclose(arrays["dx"], layout.pack(gradients.inputs[0].astype(np.float32)), rtol=1e-6)
    # Sums of some hundred numbers, each rounded once.
    assert_close(dslope if shared else own.unpack(dslope)[:, 0], gradients.parameters["weight"], 2e-6)


@pytest.mark.parametrize("kind", TARGETS)
@pytest.mark.parametrize("layer", LAYERS, ids=IDS)
def test_activations_spill_nothing_in_loops(layer: Layer, kind: str) -> None:
    """Nothing goes over the stack inside the loops; with 16 registers and no fused multiply-add, one vector may."""
    for kernel in parts_of(layer, (19, 5, 7), target_named(kind).width):
        assert spills_in_loops(kernel, kind) <= (kind == X86_64)
