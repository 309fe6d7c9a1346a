"""Upsampling by repetition, frames of zeros and cropping: every bit as NumPy's, gradients as the reference's."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convscope.engines.native.kernels.merge.resampling import (
    Frame,
    UpsampleNearest,
    UpsampleNearestGradient,
)
from convscope.engines.native.layout import Blocked
from convscope.engines.reference.layers.rules import Context, backward, forward
from convscope.layers import Upsample

from .assembly import TARGETS, spills_in_loops
from .harness import KINDS, assert_close, call, target_named

BATCH = 2


def run(kernel, array, source, result, kind="host"):
    """Run from one layout to another; return the image written, once its empty lanes are seen to be zero."""
    read, written = kernel.pointers
    empty = np.full((BATCH, result.floats), np.nan, np.float32)
    got = call(kernel, BATCH, {read: source.pack(array), written: empty}, kind=kind)[written]
    image = result.unpack(got)
    np.testing.assert_array_equal(result.pack(image), got)
    return image


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("height", "width", "scale"), [(3, 5, (2, 2)), (1, 1, (7, 3)), (2, 9, (1, 3))])
def test_upsampling_and_its_gradient(kind, height, width, scale) -> None:
    """Copies are exact; a gradient is a sum of rows · columns numbers."""
    lanes, channels = target_named(kind).width, 19
    small, large = (Blocked(channels, height * rows, width * columns, lanes) for rows, columns in ((1, 1), scale))
    draw = np.random.default_rng(0)
    x = draw.normal(size=(BATCH, channels, height, width)).astype(np.float32)
    dy = draw.normal(size=(BATCH, channels, large.height, large.width)).astype(np.float32)
    layer, context = Upsample(scale_factor=scale, mode="nearest"), Context()
    sizes = (channels, height, width, lanes, scale)
    y = run(UpsampleNearest(*sizes), x, small, large, kind)
    np.testing.assert_array_equal(y, forward(layer, (x,), {}, context))
    dx = run(UpsampleNearestGradient(*sizes), dy, large, small, kind)
    assert_close(dx, backward(layer, np.float64(dy), (np.float64(x),), {}, context).inputs[0], 5e-7)


margins = st.tuples(st.integers(-9, 5), st.integers(-9, 5))


@settings(max_examples=10)
@given(st.integers(1, 7), st.integers(1, 9), margins, margins)
def test_frames_and_their_gradients(height, width, rows, columns) -> None:
    """Any mixture of zeros and cutting; the gradient has the opposite margins."""
    if height + sum(rows) < 1 or width + sum(columns) < 1:
        return
    check_frame(height, width, rows, columns, "host")


@pytest.mark.parametrize("kind", KINDS)
def test_frames_on_every_instruction_set(kind) -> None:
    """Zeros on three sides, a cut on the fourth."""
    check_frame(5, 6, (1, 2), (3, -2), kind)


def check_frame(height, width, rows, columns, kind) -> None:
    lanes, channels = target_named(kind).width, 5
    inner = Blocked(channels, height, width, lanes)
    outer = Blocked(channels, height + sum(rows), width + sum(columns), lanes)
    shape = (BATCH, channels, height, width)
    x = np.arange(1, np.prod(shape) + 1, dtype=np.float32).reshape(shape)
    expected = framed(x, rows, columns)
    y = run(Frame(channels, height, width, lanes, rows, columns), x, inner, outer, kind)
    np.testing.assert_array_equal(y, expected)
    back = [(-before, -after) for before, after in (rows, columns)]
    dx = run(Frame(channels, outer.height, outer.width, lanes, *back), y, outer, inner, kind)
    np.testing.assert_array_equal(dx, framed(expected, *back))


def framed(x, rows, columns):
    """Look every position up, one by one."""
    height, width = x.shape[2:]
    y = np.zeros((*x.shape[:2], height + sum(rows), width + sum(columns)), x.dtype)
    for row in range(y.shape[2]):
        for column in range(y.shape[3]):
            h, w = row - rows[0], column - columns[0]
            if 0 <= h < height and 0 <= w < width:
                y[:, :, row, column] = x[:, :, h, w]
    return y


@pytest.mark.parametrize("kind", TARGETS)
def test_no_register_is_spilled_anywhere(kind) -> None:
    """Copies need few registers."""
    sizes = (32, 14, 14, target_named(kind).width)
    kernels = [
        UpsampleNearest(*sizes, (2, 2)),
        UpsampleNearestGradient(*sizes, (2, 2)),
        Frame(*sizes, (1, 1), (1, 1)),
    ]
    assert [spills_in_loops(kernel, kind) for kernel in kernels] == [0] * 3
