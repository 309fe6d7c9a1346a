"""Layer normalization over channels against the float64 reference.

A sum of c numbers is added lane by lane: errors are some √(c / lanes) · 6e-8; four such sums and the square root
stay below 2e-6 of the largest number.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convscope.engines.native.kernels.normalization.layer_norm import (
    AffineGradient,
    LayerNormGradient,
    LayerNormKernel,
)
from convscope.engines.native.layout import Blocked, Channels
from convscope.engines.reference.layers.rules import Context, backward, forward
from convscope.layers import LayerNorm

from .assembly import TARGETS, spills_in_loops
from .harness import KINDS, call, target_named

BOUND = 2e-6
SLICES = 3


def check(shape, kind, affine, seed, mean=0.0):
    batch, channels = shape[:2]
    lanes = target_named(kind).width
    layout, vectors = Blocked(*shape[1:], lanes), Channels(channels, lanes)
    draw = np.random.default_rng(seed)
    x = (draw.normal(size=shape) + mean).astype(np.float32)
    dy = draw.normal(size=shape).astype(np.float32)
    names = ("weight", "bias") if affine else ()
    parameters = {name: draw.normal(size=channels).astype(np.float32) for name in names}
    arrays = {"x": layout.pack(x), "dy": layout.pack(dy)}
    arrays |= {name: np.full((batch, layout.floats), np.nan, np.float32) for name in ("y", "dx")}
    arrays |= {name: vectors.pack(array) for name, array in parameters.items()}
    arrays["parts"] = np.full(SLICES * 2 * vectors.floats, np.nan, np.float32)
    arrays |= {name: np.full(vectors.floats, np.nan, np.float32) for name in ("dweight", "dbias")}
    kernels = [
        LayerNormKernel(*shape[1:], lanes, 1e-6, affine),
        LayerNormGradient(*shape[1:], lanes, 1e-6, affine, SLICES),
    ]
    for kernel in kernels + [AffineGradient(*shape[1:], lanes)] * affine:
        given_arrays = {name: arrays[name] for name in kernel.pointers}
        arrays |= call(kernel, batch, given_arrays, {"rows": SLICES}, kind)
    layer, context = LayerNorm(axes=(0,), eps=1e-6, affine=affine), Context()
    double = {name: np.float64(array) for name, array in parameters.items()}
    y = forward(layer, (np.float64(x),), double, context)
    grads = backward(layer, np.float64(dy), (np.float64(x),), double, context)
    exact = np.float64(x)
    inverse = 1 / np.sqrt(exact.var(1, keepdims=True) + 1e-6)
    # dx is what two projections leave of dy · weight / deviation: errors are a share of that.
    above = np.abs(dy * parameters["weight"].reshape(1, -1, 1, 1) if affine else dy) * inverse
    sizes = {"y": np.abs(y).max(), "dx": above.max()}
    for name, expected in (("y", y), ("dx", grads.inputs[0])):
        got = layout.unpack(arrays[name])
        np.testing.assert_array_equal(layout.pack(got), arrays[name])
        np.testing.assert_allclose(got, expected, rtol=0, atol=BOUND * (1 + mean) * sizes[name])
    # Each term of Σ dy · x̂ is off by a share of dy times the largest x̂.
    most = np.abs(dy).max() * np.abs((exact - exact.mean(1, keepdims=True)) * inverse).max()
    for name, expected in grads.parameters.items():
        got = arrays[f"d{name}"]
        np.testing.assert_array_equal(vectors.pack(vectors.unpack(got)), got)
        atol = BOUND * (1 + mean) * most * np.sqrt(x.size / channels)
        np.testing.assert_allclose(vectors.unpack(got)[:, 0], expected, rtol=0, atol=atol)


@settings(max_examples=6)
@given(
    st.integers(1, 5), st.integers(5, 50), st.integers(1, 3), st.integers(1, 7), st.booleans(), st.integers(0, 99)
)
def test_any_size_matches_reference(batch, channels, height, width, affine, seed) -> None:
    """Channels that fill their last block and that do not, groups of positions that are not full."""
    check((batch, channels, height, width), "host", affine, seed)


@pytest.mark.parametrize("kind", KINDS)
def test_kernels_match_on_every_instruction_set(kind) -> None:
    """The same text with other lanes; images of one strip and of two."""
    check((4, 21, 3, 5), kind, True, 1)
    check((2, 9, 7, 10), kind, True, 1)


def test_statistics_are_accurate_far_from_zero() -> None:
    """A hundred deviations from zero, the differences are still taken from the mean itself."""
    check((2, 37, 3, 5), "host", True, 2, mean=100.0)


def test_nan_stays_in_its_position() -> None:
    """One NaN spoils the channels of its position, and no empty lane."""
    lanes = target_named("host").width
    layout = Blocked(5, 2, 3, lanes)
    x = np.random.default_rng(0).normal(size=(1, 5, 2, 3)).astype(np.float32)
    x[0, 1, 1, 2] = np.nan
    kernel = LayerNormKernel(5, 2, 3, lanes, 1e-6, False)
    y = call(kernel, 1, {"x": layout.pack(x), "y": np.zeros((1, layout.floats), np.float32)})["y"]
    np.testing.assert_array_equal(layout.pack(layout.unpack(y)), y)
    assert np.isnan(layout.unpack(y)[:, :, 1, 2]).all()
    assert np.isnan(y).sum() == 5
    vectors = Channels(5, lanes)
    arrays = {"x": layout.pack(x), "dy": layout.pack(np.ones_like(x)), "weight": vectors.pack(np.ones(5))}
    arrays |= {"dx": np.zeros((1, layout.floats), np.float32), "parts": np.zeros((2, vectors.floats), np.float32)}
    got = call(LayerNormGradient(5, 2, 3, lanes, 1e-6, True, slices=1), 1, arrays)
    assert np.isnan(got["dx"]).sum() == 5
    np.testing.assert_array_equal(got["parts"][:, 5:], 0)
    assert np.isnan(got["parts"][0, :5]).all()


@pytest.mark.parametrize("kind", TARGETS)
def test_no_register_is_spilled_anywhere(kind) -> None:
    """Four positions' sums fit the registers."""
    sizes = (96, 14, 14, target_named(kind).width)
    assert spills_in_loops(LayerNormKernel(*sizes, 1e-6, True), kind) == 0
    assert spills_in_loops(LayerNormGradient(*sizes, 1e-6, True), kind) == 0
