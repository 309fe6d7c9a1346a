"""Max and min pooling against the reference: the same bits forward, the same winners backward."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from convscope.engines.native.kernels.common.shapes import PoolingShape
from convscope.engines.native.kernels.pooling.maximum import MaxPoolGradient, MaxPoolKernel
from convscope.engines.native.layout import Blocked, Channels
from convscope.engines.reference.layers.rules import Context, backward, forward
from convscope.layers import pooling as layers

from .assembly import TARGETS, spills_in_loops
from .harness import KINDS, assert_close, call, target_named


def shape_of(layer: layers.Pool, shape: tuple[int, ...], lanes: int) -> PoolingShape:
    c, h, w = shape
    before = (layer.windows(shape)[0].before, layer.windows(shape)[1].before)
    output = layer.output_shape(shape)[1:]
    return PoolingShape(c, h, w, layer.kernel_size, layer.stride, before, layer.dilation, output, lanes)


def numbers(shape: tuple[int, ...], seed: int) -> np.ndarray:
    """Draw from so few values that many are equal."""
    return np.random.default_rng(seed).integers(-3, 4, shape).astype(np.float32)


def layout_of(shape: tuple[int, ...], kind: str) -> Blocked:
    return Blocked(*shape[1:], target_named(kind).width)


def checked(layout: Blocked, packed: np.ndarray) -> np.ndarray:
    """Return (n, c, h, w) after a look at the empty lanes."""
    plain = layout.unpack(packed)
    np.testing.assert_array_equal(packed, layout.pack(plain), err_msg="empty lanes")
    return plain


def run(layer: layers.MaxPool, x: np.ndarray, kind: str, masked: bool, slices: int) -> dict[str, np.ndarray]:
    """Return y, dy, dx and parts as kernels make them."""
    lanes = target_named(kind).width
    shape = shape_of(layer, x.shape[1:], lanes)
    source, target = layout_of(x.shape, kind), Blocked(shape.channels, *shape.output, lanes)
    packed = source.pack(x)
    forwards = MaxPoolKernel(shape, smallest=isinstance(layer, layers.MinPool))
    y = call(
        forwards, len(x), {"x": packed, "y": np.full((len(x), target.floats), np.nan, np.float32)}, kind=kind
    )["y"]
    dy = numbers((len(x), shape.channels, *shape.output), 8) + 0.5
    arrays = {"x": packed, "y": y, "dy": target.pack(dy), "dx": np.full_like(packed, np.nan)}
    arrays["parts"] = np.full((slices, Channels(shape.channels, lanes).floats), np.nan, np.float32)
    got = call(MaxPoolGradient(shape, masked, slices), len(x), arrays, kind=kind)
    return {
        "y": checked(target, y),
        "dy": dy,
        "dx": checked(source, got["dx"]),
        "parts": got.get("parts", arrays["parts"]),
    }


def assert_as_the_reference(layer: layers.MaxPool, x: np.ndarray, kind: str, masked: bool, slices: int) -> None:
    if masked:
        x = np.maximum(x, 0)
    got = run(layer, x, kind, masked, slices)
    context, exact = Context(), x.astype(np.float64)
    np.testing.assert_array_equal(got["y"], forward(layer, (exact,), {}, context))
    expected = backward(layer, got["dy"].astype(np.float64), (exact,), {}, context).inputs[0]
    assert expected is not None
    expected = np.where(x > 0, expected, 0) if masked else expected
    np.testing.assert_array_equal(got["dx"], expected)  # small whole numbers and halves: every sum is exact
    if slices:
        sums = Channels(x.shape[1], target_named(kind).width).unpack(got["parts"].sum(axis=0))[:, 0]
        assert_close(sums, expected.sum(axis=(0, 2, 3)), 1e-6)


@st.composite
def poolings(draw: Any) -> tuple[layers.MaxPool, tuple[int, ...]]:
    """Draw any legal max or min pooling, and an image for it."""
    kernel = draw(st.tuples(st.integers(1, 5), st.integers(1, 5)))
    dilation = draw(st.tuples(st.integers(1, 2), st.integers(1, 2)))
    reach = [d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True)]
    pads = tuple((draw(st.integers(0, r // 2)), draw(st.integers(0, r // 2))) for r in reach)
    kind = draw(st.sampled_from([layers.MaxPool2d, layers.MinPool2d]))
    layer = kind(
        kernel, draw(st.tuples(st.integers(1, 4), st.integers(1, 4))), pads, dilation, draw(st.booleans())
    )
    shape = (draw(st.integers(1, 35)), draw(st.integers(1, 13)), draw(st.integers(1, 13)))
    assume(all(n + sum(p) >= r for n, p, r in zip(shape[1:], pads, reach, strict=True)))
    return layer, shape


@given(poolings(), st.integers(1, 3), st.booleans(), st.integers(0, 3))
@settings(max_examples=40)
def test_pooling_equals_the_reference(
    case: tuple[layers.MaxPool, tuple[int, ...]], n: int, masked: bool, slices: int
) -> None:
    """Any kernel, stride, padding, dilation and rounding; overlapping windows; ties go to the first."""
    layer, shape = case
    masked = masked and not isinstance(layer, layers.MinPool)
    assert_as_the_reference(layer, numbers((n, *shape), n), "host", masked, slices)


SMALL = [
    layers.MaxPool2d(2),
    layers.MaxPool2d((3, 2), (2, 1), padding=1),
    layers.MaxPool2d((2, 3), (3, 4), ceil_mode=True),
    layers.MinPool2d(3, (1, 2), dilation=(2, 1)),
]


@pytest.mark.parametrize("layer", SMALL, ids=str)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("slices", [0, 2])
def test_pooling_on_every_instruction_set(layer: layers.MaxPool, kind: str, slices: int) -> None:
    """Separate and overlapping windows, with and without sums by channel."""
    masked = not isinstance(layer, layers.MinPool)
    assert_as_the_reference(layer, numbers((3, 19, 7, 10), 2), kind, masked, slices)


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize(
    "layer", [layers.MaxPool2d((9, 8), (1, 2), padding=((4, 3), (2, 4))), layers.MaxPool2d((11, 5), 3)], ids=str
)
def test_large_windows_are_compiled_to_loops(layer: layers.MaxPool, masked: bool) -> None:
    """Windows too large to be written out give the same, padded or not."""
    assert_as_the_reference(layer, numbers((2, 18, 17, 19), 3), "host", masked, 2)


@pytest.mark.parametrize(
    "layer", [layers.MaxPool2d(2), layers.MaxPool2d(3, 2, padding=1), layers.MinPool2d(2)], ids=str
)
def test_nan_wins_and_infinity_counts(layer: layers.MaxPool) -> None:
    """NaN goes through, from any place of a window; −∞ can be the largest, and gets the gradient."""
    x = numbers((2, 17, 6, 8), 4)
    flat = x.reshape(-1)
    places = np.random.default_rng(0).permutation(flat.size)
    flat[places[:200]], flat[places[200:900]], flat[places[900:940]] = np.inf, -np.inf, -0.0
    assert_as_the_reference(layer, x, "host", masked=False, slices=0)
    for at in range(4):
        x = numbers((1, 3, 6, 8), 5)
        x[:, :, at // 2 :: 2, at % 2 :: 4] = np.nan
        got = run(layer, x, "host", masked=False, slices=0)
        np.testing.assert_array_equal(got["y"], forward(layer, (x,), {}, Context()))
        if layer.kernel_size == (2, 2):  # one NaN in a window: its winner is no question of order
            assert_as_the_reference(layer, x, "host", masked=False, slices=0)


def test_relu_is_fused() -> None:
    """max, then ReLU; NaN passes both."""
    x = numbers((2, 19, 6, 4), 6)
    x[0, 0, 0, 0] = np.nan
    lanes = target_named("host").width
    shape = shape_of(layers.MaxPool2d(2), x.shape[1:], lanes)
    target = Blocked(19, 3, 2, lanes)
    arrays = {"x": layout_of(x.shape, "host").pack(x), "y": np.full((2, target.floats), np.nan, np.float32)}
    got = checked(target, call(MaxPoolKernel(shape, relu=True), 2, arrays)["y"])
    np.testing.assert_array_equal(got, np.maximum(forward(layers.MaxPool2d(2), (x,), {}, Context()), 0))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("sizes", [(1, 1), (1, 5), (7, 6), (21, 22)])
def test_channel_maximum_matches_numpy(kind: str, sizes: tuple[int, int]) -> None:
    """One window over all of the image, written out or walked."""
    assert_as_the_reference(layers.MaxPool2d(sizes), numbers((3, 19, *sizes), 7), kind, masked=False, slices=2)


def test_window_of_padding_only_keeps_padding_lanes_zero() -> None:
    """Dilation can put all taps of a window into the padding: −∞, but not in lanes without a channel."""
    layer = layers.MaxPool2d(2, 1, padding=2, dilation=3)
    x = numbers((1, 5, 1, 1), 1)
    assert_as_the_reference(layer, x, "host", masked=False, slices=0)


@pytest.mark.parametrize("kind", TARGETS)
@pytest.mark.parametrize("layer", SMALL, ids=str)
def test_pooling_spills_nothing_in_loops(layer: layers.MaxPool, kind: str) -> None:
    """Nothing goes over the stack inside the innermost loops."""
    shape = shape_of(layer, (19, 14, 15), target_named(kind).width)
    for kernel in (MaxPoolKernel(shape), MaxPoolGradient(shape, True), MaxPoolGradient(shape, True, 2)):
        assert spills_in_loops(kernel, kind) == 0
