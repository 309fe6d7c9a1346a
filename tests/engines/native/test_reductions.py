"""Sums of parts, of channels and of arrays, against NumPy in float64."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convscope.engines.native.kernels.update.reductions import (
    Accumulate,
    AddInto,
    ChannelSums,
    SumParts,
)
from convscope.engines.native.layout import Blocked, Channels

from .assembly import TARGETS, spills
from .harness import KINDS, assert_close, call, target_named

EPSILON = 2.0**-24
"""The largest error of one rounding, as a share of the number."""


def drawn(*shape: int) -> np.ndarray:
    return np.random.default_rng(len(shape) + sum(shape)).normal(size=shape).astype(np.float32)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("slices", [1, 2, 5, 16])
def test_parts_are_summed_in_order(kind: str, slices: int) -> None:
    """The sum has the bits of additions one after the other, for few vectors and for many."""
    for vectors in (1, 3, 32, 291):
        floats = vectors * target_named(kind).width
        parts = drawn(slices, floats)
        arrays = {"parts": parts, "out": np.full(floats, np.nan, np.float32)}
        got = call(SumParts(slices), 3, arrays, {"floats": floats}, kind)["out"]
        expected = parts[0].copy()
        for part in parts[1:]:
            expected += part
        np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize("kind", KINDS)
def test_arrays_are_added(kind: str) -> None:
    """Into a third array, and into one of the two."""
    for vectors in (1, 31, 133):
        x, y = drawn(vectors, target_named(kind).width), drawn(1, vectors, target_named(kind).width)[0]
        numbers = {"floats": x.size}
        got = call(AddInto(), 2, {"x": x, "y": y, "out": np.full_like(x, np.nan)}, numbers, kind)["out"]
        np.testing.assert_array_equal(got, x + y)
        np.testing.assert_array_equal(call(Accumulate(), 2, {"x": x, "out": y}, numbers, kind)["out"], x + y)


def channel_sums(kernel: ChannelSums, dy: np.ndarray, kind: str) -> np.ndarray:
    """Return the parts' sum for each channel, after a look at the lanes past the last one."""
    layout = Blocked(kernel.channels, kernel.height, kernel.width, kernel.lanes)
    channels = Channels(kernel.channels, kernel.lanes)
    parts = np.full((kernel.slices, channels.floats), np.nan, np.float32)
    got = call(kernel, len(dy), {"dy": layout.pack(dy), "parts": parts}, kind=kind)["parts"]
    assert not got[:, kernel.channels :].any()
    return channels.unpack(got.astype(np.float64).sum(axis=0))[:, 0]


@settings(max_examples=12)
@given(
    st.sampled_from([1, 3, 16, 17, 40]),
    st.sampled_from([(1, 1), (1, 7), (2, 4), (3, 5), (14, 13)]),
    st.sampled_from([1, 2, 7]),
    st.sampled_from([1, 3, 16]),
    st.sampled_from(KINDS),
)
def test_channels_are_summed(channels: int, size: tuple[int, int], batch: int, slices: int, kind: str) -> None:
    """Every channel, with fewer images than parts and with more.

    The error of a chain grows with its length: pixels / 8, then eight chains, then images.
    """
    dy = drawn(batch, channels, *size)
    kernel = ChannelSums(channels, *size, target_named(kind).width, slices)
    got = channel_sums(kernel, dy, kind)
    steps = size[0] * size[1] // 8 + 11 + batch
    bound = steps * EPSILON * np.abs(dy).sum(axis=(0, 2, 3), dtype=np.float64)
    assert (np.abs(got - dy.sum(axis=(0, 2, 3), dtype=np.float64)) <= bound).all()


def test_long_sums_stay_accurate() -> None:
    """A hundred thousand pixels that all pull one way cost no more than a few roundings."""
    dy = np.abs(drawn(16, 1, 81, 79)) + 1
    got = channel_sums(ChannelSums(1, 81, 79, target_named("host").width, 4), dy, "host")
    assert_close(got, dy.sum(axis=(0, 2, 3), dtype=np.float64), 2e-7)


def test_nan_and_infinity_stay_in_their_channel() -> None:
    """One NaN makes its own channel's sum NaN and no other."""
    dy = drawn(2, 5, 3, 4)
    dy[1, 2, 2, 3], dy[0, 3, 0, 0] = np.nan, -np.inf
    got = channel_sums(ChannelSums(5, 3, 4, target_named("host").width, 2), dy, "host")
    assert np.isnan(got[2])
    assert got[3] == -np.inf
    assert np.isfinite(got[[0, 1, 4]]).all()


@pytest.mark.parametrize("kind", TARGETS)
def test_sums_are_not_spilled(kind: str) -> None:
    """Nothing goes through the stack."""
    lanes = target_named(kind).width
    assert not any(spills(kernel, kind) for kernel in (SumParts(16), ChannelSums(40, 14, 13, lanes, 4), AddInto()))
