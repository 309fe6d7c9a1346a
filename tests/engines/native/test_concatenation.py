"""Kernels that only move channels: every bit as NumPy moves it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convscope.engines.native.kernels.merge.concatenation import (
    ChannelShuffleKernel,
    ChannelSlice,
    Concatenate,
    Split,
    runs_of,
)
from convscope.engines.native.layout import Blocked
from convscope.engines.reference.layers.rules import Context, forward
from convscope.layers import ChannelShuffle

from .assembly import TARGETS, spills_in_loops
from .harness import KINDS, SMALLER, call, target_named

BATCH = 2


def run(kernel, images, kind="host", dirty=True):
    """Run on images by name; return those written, once their empty lanes are seen to be zero.

    With `dirty`, the empty lanes of what is read hold NaN, which no lane that is written may take.
    """
    height, width, lanes = kernel.sizes
    layouts = {name: Blocked(count, height, width, lanes) for name, count in kernel.sources.items()}
    layouts |= {name: Blocked(len(origins), height, width, lanes) for name, origins in kernel.results.items()}
    arrays = {}
    for name, layout in layouts.items():
        if name in images:
            packed = layout.pack(images[name])
            there = layout.pack(np.ones_like(images[name]))
            arrays[name] = np.where(there == 0, np.nan if dirty else 0, packed).astype(np.float32)
        else:
            arrays[name] = np.full((BATCH, layout.floats), np.nan, np.float32)
    got = call(kernel, BATCH, arrays, kind=kind)
    written = {}
    for name in kernel.results:
        written[name] = layouts[name].unpack(got[name])
        np.testing.assert_array_equal(layouts[name].pack(written[name]), got[name])
    return written


def numbered(channels, height, width):
    """Return images in which no number stands twice."""
    shape = (BATCH, channels, height, width)
    return np.arange(1, np.prod(shape) + 1, dtype=np.float32).reshape(shape)


@settings(max_examples=6)
@given(st.lists(st.integers(1, 40), min_size=1, max_size=4), st.integers(1, 3), st.integers(1, 9))
def test_concatenation_and_split_match_numpy_for_any_channels(channels, height, width) -> None:
    """Whole blocks, parts of blocks, several images in one block; and back."""
    whole = numbered(sum(channels), height, width)
    parts = np.split(whole, np.cumsum(channels)[:-1], axis=1)
    lanes = target_named("host").width
    kernel = Concatenate(tuple(channels), height, width, lanes)
    got = run(kernel, {f"x{n}": part for n, part in enumerate(parts)})
    np.testing.assert_array_equal(got["y"], whole)
    got = run(Split(tuple(channels), height, width, lanes), {"dy": whole})
    for n, part in enumerate(parts):
        np.testing.assert_array_equal(got[f"dx{n}"], part)


@pytest.mark.parametrize("kind", SMALLER)
def test_kernels_match_on_other_instruction_sets(kind) -> None:
    """Offsets 5 and 13 fit no vector."""
    whole = numbered(29, 3, 6)
    lanes = target_named(kind).width
    parts = {"x0": whole[:, :5], "x1": whole[:, 5:13], "x2": whole[:, 13:]}
    np.testing.assert_array_equal(run(Concatenate((5, 8, 16), 3, 6, lanes), parts, kind)["y"], whole)
    got = run(Split((5, 8, 16), 3, 6, lanes), {"dy": whole}, kind)
    for n, part in enumerate(parts.values()):
        np.testing.assert_array_equal(got[f"dx{n}"], part)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("channels", "groups"), [(58, 2), (12, 3), (32, 4)])
def test_channels_are_shuffled(kind, channels, groups) -> None:
    """As the reference deals; the other number of groups deals them back."""
    x = numbered(channels, 3, 5)
    sizes = (3, 5, target_named(kind).width)
    y = run(ChannelShuffleKernel(channels, groups, *sizes), {"x": x}, kind)["y"]
    np.testing.assert_array_equal(y, forward(ChannelShuffle(groups), (x,), {}, Context()))
    np.testing.assert_array_equal(
        run(ChannelShuffleKernel(channels, channels // groups, *sizes), {"x": y}, kind)["y"], x
    )


@pytest.mark.parametrize(("start", "stop", "step"), [(0, 16, 1), (3, 38, 1), (1, 39, 3)])
def test_slices_and_their_gradients(start, stop, step) -> None:
    """What is not taken has gradient zero."""
    x, sizes = numbered(39, 2, 5), (2, 5, target_named("host").width)
    taken = run(ChannelSlice(39, start, stop, step, *sizes), {"x": x})["y"]
    np.testing.assert_array_equal(taken, x[:, start:stop:step])
    back = run(ChannelSlice(39, start, stop, step, *sizes, backward=True), {"dy": taken})["dx"]
    expected = np.zeros_like(x)
    expected[:, start:stop:step] = taken
    np.testing.assert_array_equal(back, expected)


def test_code_does_not_grow_with_whole_blocks() -> None:
    """Blocks that are made alike share a loop: whole blocks one each, blocks at an offset two or three."""
    assert len(list(runs_of(Concatenate((512, 32, 480), 1, 1, 16).results["y"], 16))) == 3
    assert len(list(runs_of(Concatenate((500, 500), 1, 1, 16).results["y"], 16))) == 4


@pytest.mark.parametrize("kind", TARGETS)
def test_no_register_is_spilled_anywhere(kind) -> None:
    """Shuffles keep their lanes in registers."""
    kernel = Concatenate((40, 41), 7, 14, target_named(kind).width)
    assert spills_in_loops(kernel, kind) == 0
