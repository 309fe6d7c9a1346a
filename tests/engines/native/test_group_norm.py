"""Group and instance normalization against the float64 reference; bounds as in batch normalization."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convscope.engines.native.kernels.normalization.batch_norm import Normalize, NormGradient
from convscope.engines.native.kernels.normalization.group_norm import (
    GroupGradientSums,
    GroupStatistics,
)
from convscope.engines.native.kernels.normalization.layer_norm import AffineGradient
from convscope.engines.native.layout import Blocked, Channels
from convscope.engines.reference.layers.rules import Context, backward, forward
from convscope.layers import GroupNorm

from .assembly import TARGETS, spills_in_loops
from .harness import KINDS, call, target_named

BOUND = 3e-6


def run(kernels, arrays, batch, kind):
    for kernel in kernels:
        taken = {name: "dy" if name == "dy0" else name for name in kernel.pointers}
        given_arrays = {name: arrays[own] for name, own in taken.items()}
        got = call(kernel, batch, given_arrays, {"rows": batch}, kind)
        arrays |= {taken[name]: array for name, array in got.items()}


def arrays_for(layout, vectors, x, dy, parameters):
    n = len(x)
    arrays = {"x": layout.pack(x), "dy": layout.pack(dy)}
    arrays |= {name: vectors.pack(array) for name, array in parameters.items()}
    sizes = dict.fromkeys(("y", "dx"), (n, layout.floats))
    sizes |= dict.fromkeys(("scale", "offset", "mean", "inverse"), (n, vectors.floats))
    sizes |= dict.fromkeys(("parts", "coefficients"), (n, 2 * vectors.floats))
    sizes |= dict.fromkeys(("dweight", "dbias"), (vectors.floats,))
    return arrays | {name: np.full(size, np.nan, np.float32) for name, size in sizes.items()}


def check(shape, groups, kind, affine, seed, mean=0.0):
    lanes = target_named(kind).width
    sizes, layout, vectors = (*shape[1:], lanes), Blocked(*shape[1:], lanes), Channels(shape[1], lanes)
    draw = np.random.default_rng(seed)
    x = (draw.normal(size=shape) + draw.normal(size=(1, shape[1], 1, 1)) + mean).astype(np.float32)
    dy = draw.normal(size=shape).astype(np.float32)
    names = ("weight", "bias") if affine else ()
    parameters = {name: draw.normal(size=shape[1]).astype(np.float32) for name in names}
    arrays = arrays_for(layout, vectors, x, dy, parameters)
    kernels = [
        GroupStatistics(*sizes, groups, 1e-5, affine),
        Normalize(*sizes, per_image=True),
        GroupGradientSums(*sizes, groups, affine),
        NormGradient(*sizes, per_image=True),
        *[AffineGradient(*sizes)] * affine,
    ]
    run(kernels, arrays, shape[0], kind)
    layer, context = GroupNorm(groups, affine=affine), Context()
    double = {name: np.float64(array) for name, array in parameters.items()}
    y = forward(layer, (np.float64(x),), double, context)
    grads = backward(layer, np.float64(dy), (np.float64(x),), double, context)
    # dx is what two projections leave of dy · weight / deviation: errors are a share of that.
    above = np.abs(dy * (parameters["weight"].reshape(1, -1, 1, 1) if affine else 1)).max()
    bounds = {"y": np.abs(y).max(), "dx": above * np.abs(context.saved["inverse"]).max()}
    for name, expected in (("y", y), ("dx", grads.inputs[0])):
        got = layout.unpack(arrays[name])
        np.testing.assert_array_equal(layout.pack(got), arrays[name])
        np.testing.assert_allclose(got, expected, rtol=0, atol=BOUND * (1 + mean / 10) * bounds[name])
    most = np.abs(dy).max() * np.abs(context.saved["standard"]).max() * np.sqrt(x.size / shape[1])
    for name, expected in grads.parameters.items():
        got = arrays[f"d{name}"]
        np.testing.assert_array_equal(vectors.pack(vectors.unpack(got)), got)
        np.testing.assert_allclose(
            vectors.unpack(got)[:, 0], expected, rtol=0, atol=BOUND * (1 + mean / 10) * most
        )


@settings(max_examples=6)
@given(
    st.integers(1, 4), st.integers(1, 4), st.integers(1, 9), st.integers(2, 5), st.integers(3, 9), st.booleans(),
    st.integers(0, 99),
)  # fmt: skip
def test_any_size_matches_reference(batch, groups, channels, height, width, affine, seed) -> None:
    """Groups within a block, over blocks, of one channel each (instance normalization)."""
    check((batch, groups * channels, height, width), groups, "host", affine, seed)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("groups", [1, 3, 33])
def test_kernels_match_on_every_instruction_set(kind, groups) -> None:
    """The same text with other lanes."""
    check((2, 33, 5, 4), groups, kind, True, groups)


def test_statistics_are_accurate_far_from_zero() -> None:
    """A hundred deviations from zero: offset and x · scale round to 4e-6 each, nothing else is lost."""
    check((2, 24, 9, 7), 4, "host", True, 5, mean=100.0)


def test_nan_stays_in_its_group() -> None:
    """One NaN spoils its group in its image; empty lanes stay zero."""
    layout, vectors = Blocked(6, 2, 5, target_named("host").width), Channels(6, target_named("host").width)
    x = np.random.default_rng(0).normal(size=(2, 6, 2, 5)).astype(np.float32)
    x[1, 3, 1, 4] = np.nan
    arrays = arrays_for(layout, vectors, x, x, {})
    sizes = (6, 2, 5, layout.lanes)
    run([GroupStatistics(*sizes, 3, 1e-5, False), Normalize(*sizes, per_image=True)], arrays, 2, "host")
    y = layout.unpack(arrays["y"])
    np.testing.assert_array_equal(layout.pack(y), arrays["y"])
    assert np.isnan(y[1, 2:4]).all()
    assert np.isnan(y).sum() == 20


@pytest.mark.parametrize("kind", TARGETS)
def test_no_register_is_spilled_anywhere(kind) -> None:
    """Channel sums keep all in registers."""
    sizes = (64, 14, 14, target_named(kind).width)
    for kernel in (GroupStatistics(*sizes, 8, 1e-5, True), GroupGradientSums(*sizes, 8, True)):
        assert spills_in_loops(kernel, kind) == 0
