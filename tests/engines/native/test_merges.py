"""Sums, products and channel factors, with gradients, against NumPy in float64.

A sum or product of k numbers is off by k roundings of 6e-8 each; a sum over positions is added in short runs.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import convscope as cs
from convscope.engines.native.kernels.merge.merges import (
    MultiplyGradient,
    MultiplyKernel,
    ReluGradient,
    ScaleGradient,
    ScaleKernel,
    SumKernel,
)
from convscope.engines.native.layout import Blocked
from convscope.engines.reference.layers.rules import Context, backward, forward
from convscope.layers import Add, Multiply

from .assembly import TARGETS, spills_in_loops
from .harness import KINDS, assert_close, call, target_named

ROUNDING = 6e-8


def flat(kernel, arrays, kind="host"):
    """Run on arrays of whole vectors; results begin as NaN."""
    size = len(next(iter(arrays.values())))
    given_arrays = {name: arrays.get(name, np.full(size, np.nan, np.float32)) for name in kernel.pointers}
    return call(kernel, 1, given_arrays, {"floats": size}, kind)


def vectors(count, draw, kind="host"):
    return draw.normal(size=count * target_named(kind).width).astype(np.float32)


@settings(max_examples=8)
@given(st.integers(1, 300), st.integers(1, 5), st.booleans(), st.integers(0, 99))
def test_sums_of_any_count(size, count, relu, seed) -> None:
    """Fewer vectors than pieces, and more; the order is the reference's."""
    draw = np.random.default_rng(seed)
    terms = [vectors(size, draw) for _ in range(count)]
    got = flat(SumKernel(count, relu), {f"x{n}": term for n, term in enumerate(terms)})["y"]
    exact = forward(Add(), tuple(map(np.float64, terms)), {}, Context())
    assert_close(got, np.maximum(exact, 0) if relu else exact, count * ROUNDING)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("count", [2, 3])
def test_products_and_their_gradients(kind, count) -> None:
    """As the reference's, with a zero factor, which a quotient would turn into NaN."""
    draw = np.random.default_rng(count)
    factors = [vectors(70, draw, kind) for _ in range(count)]
    factors[0][3] = 0
    above = vectors(70, draw, kind)
    arrays = {f"x{n}": factor for n, factor in enumerate(factors)}
    inputs, context = tuple(map(np.float64, factors)), Context()
    got = flat(MultiplyKernel(count), arrays, kind)["y"]
    assert_close(got, forward(Multiply(), inputs, {}, context), count * ROUNDING)
    got = flat(MultiplyGradient(count), arrays | {"dy": above}, kind)
    expected = backward(Multiply(), np.float64(above), inputs, {}, context).inputs
    for n in range(count):
        assert_close(got[f"dx{n}"], expected[n], count * ROUNDING)


@pytest.mark.parametrize("kind", KINDS)
def test_relu_and_nan(kind) -> None:
    """NaN goes through a sum's ReLU and lets its gradient through, as in PyTorch; the gradient at 0 is 0."""
    x = np.resize(np.array([-1, 0, 2, np.nan, np.inf, -np.inf], np.float32), 48)
    zeros = np.zeros_like(x)
    y = flat(SumKernel(2, relu=True), {"x0": x, "x1": zeros}, kind)["y"]
    np.testing.assert_array_equal(y, np.resize(np.array([0, 0, 2, np.nan, np.inf, 0], np.float32), 48))
    np.testing.assert_array_equal(flat(SumKernel(2, relu=True), {"x0": zeros, "x1": x}, kind)["y"], y)
    dx = flat(ReluGradient(), {"y": y, "dy": np.arange(1, 49, dtype=np.float32)}, kind)["dx"]
    np.testing.assert_array_equal(dx, np.where(y <= 0, 0, np.arange(1, 49)))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("sizes", [(19, 5, 3), (3, 1, 1), (33, 41, 27)])
def test_factors_of_channels(kind, sizes) -> None:
    """Products and both gradients; sums over more positions than are added in a row."""
    layout = Blocked(*sizes, target_named(kind).width)
    gates = Blocked(sizes[0], 1, 1, layout.lanes)
    draw = np.random.default_rng(1)
    x, dy = (draw.normal(size=(2, *sizes)).astype(np.float32) for _ in range(2))
    gate = draw.uniform(size=(2, sizes[0], 1, 1)).astype(np.float32)
    empty = np.full((2, layout.floats), np.nan, np.float32)
    arrays = {"x": layout.pack(x), "gate": gates.pack(gate), "dy": layout.pack(dy), "y": empty, "dx": empty}
    kernel = ScaleKernel(*sizes, layout.lanes)
    y = call(kernel, 2, {name: arrays[name] for name in kernel.pointers}, kind=kind)["y"]
    np.testing.assert_array_equal(layout.unpack(y), x * gate)
    arrays["dgate"] = np.full((2, gates.floats), np.nan, np.float32)
    kernel = ScaleGradient(*sizes, layout.lanes)
    got = call(kernel, 2, {name: arrays[name] for name in kernel.pointers}, kind=kind)
    np.testing.assert_array_equal(got["dx"], layout.pack(dy * gate))
    exact = (np.float64(dy) * x).sum((2, 3), keepdims=True)
    assert_close(gates.unpack(got["dgate"]), exact, 1e-6)
    np.testing.assert_array_equal(gates.pack(gates.unpack(got["dgate"])), got["dgate"])


@pytest.mark.parametrize("kind", TARGETS)
def test_no_register_is_spilled_anywhere(kind) -> None:
    """The loops keep all in registers."""
    sizes = (64, 14, 14, target_named(kind).width)
    kernels = [SumKernel(4, True), ReluGradient(), MultiplyGradient(2), ScaleKernel(*sizes), ScaleGradient(*sizes)]
    assert [spills_in_loops(kernel, kind) for kernel in kernels] == [0] * len(kernels)


@pytest.mark.parametrize("gate", ["1x1x1", "3x1x1", "1x5x7", "3x5x1"])
@pytest.mark.parametrize("order", ["w x", "x w"])
def test_products_with_repeated_axes_match_the_reference(gate, order) -> None:
    """One factor for all channels is not one for each."""
    text = f"input 3x5x7 | x: relu | w: parameter {gate} | m: mul {order}"
    x = np.random.default_rng(0).normal(size=(2, 3, 5, 7)).astype(np.float32)
    results = []
    for engine in ("reference", "native"):
        model = cs.Model(text, seed=3, engine=engine)
        shape = model.parameters["w.weight"].shape
        model.parameters["w.weight"] = np.arange(2.0, 2.0 + np.prod(shape), dtype=np.float32).reshape(shape)
        results.append(model.activations(x)["m"])
    np.testing.assert_allclose(results[1], results[0], rtol=1e-6)
