"""Axis maps against plain enumeration: every map says the same in all its answers."""

import doctest
from math import ceil, floor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convscope import axis
from convscope.axis import Bins, Folded, Resize, TransposedWindow, Window
from convscope.axis import spans as spans_module
from convscope.axis import window as window_module
from convscope.axis.window import same_padding

MANY = settings(max_examples=300)
SMALL = st.integers(1, 5)


@MANY
@given(st.integers(1, 30), SMALL, SMALL, st.integers(0, 4), st.integers(0, 4), st.integers(1, 3))
def test_window_positions_match_a_loop(n, size, stride, before, after, dilation):
    window = Window(size, stride, before, after, dilation)
    last_tap = dilation * (size - 1)
    stops = [start for start in range(-before, n + after) if start + last_tap < n + after][::stride]
    assert window.positions(n) == len(stops)
    if stops:
        first, last = window.span(np.arange(len(stops)))
        assert first.tolist() == stops
        assert last.tolist() == [start + last_tap for start in stops]
        for row, start in zip(window.taps(n), stops, strict=True):
            wanted = [start + dilation * t for t in range(size)]
            assert row.tolist() == [place if 0 <= place < n else -1 for place in wanted]
        assert window.unused(n) == n + after - 1 - (stops[-1] + last_tap)


@MANY
@given(st.integers(2, 30), SMALL, SMALL, st.integers(0, 2), st.integers(1, 3))
def test_borders_repeat_what_numpy_repeats(n, size, stride, pads, dilation):
    pads = min(pads, n - 1)
    for border, mode in (("reflect", "reflect"), ("replicate", "edge"), ("circular", "wrap")):
        window = Window(size, stride, pads, pads, dilation, border=border)
        padded = np.pad(np.arange(n), pads, mode=mode)
        for number, row in enumerate(window.taps(n)):
            assert row.tolist() == padded[number * stride : number * stride + window.reach : dilation].tolist()


@MANY
@given(st.integers(1, 40), SMALL, SMALL, st.integers(1, 3))
def test_same_gives_the_rounded_up_quotient_with_the_odd_pad_at_the_end(n, size, stride, dilation):
    window = Window.same(n, size, stride, dilation)
    assert window.positions(n) == ceil(n / stride)
    assert window.after - window.before in (0, 1)
    assert window.before + window.after == same_padding(n, size, stride, dilation)
    if window.after:  # one pad less would lose the last window
        assert Window(size, stride, window.before, window.after - 1, dilation).positions(n) < ceil(n / stride)


@pytest.mark.parametrize(("size", "pads"), [(3, 1), (5, 2), (7, 3)])
def test_same_at_stride_1_pads_half_the_kernel(size, pads):
    """Spec D2."""
    window = Window.same(20, size)
    assert (window.before, window.after) == (pads, pads)


@pytest.mark.parametrize(
    ("n", "size", "stride", "count"), [(7, 2, 2, 4), (7, 3, 2, 3), (2, 3, 2, 1), (6, 3, 2, 3)]
)
def test_ceil_mode_keeps_a_window_that_starts_inside(n, size, stride, count):
    assert Window(size, stride, ceil=True).positions(n) == count


@MANY
@given(st.integers(1, 20), SMALL, SMALL, st.integers(0, 2), st.integers(1, 3))
def test_a_transposed_window_is_the_window_read_backwards(n, size, stride, pads, dilation):
    one = TransposedWindow(size, stride, pads, pads, dilation)
    count = one.positions(n)
    if count < 1:
        return
    feeds = {output: set() for output in range(count)}
    for place in range(n):
        for tap in range(size):
            output = place * stride - pads + tap * dilation
            if output in feeds:
                feeds[output].add(place)
    for output, row in enumerate(one.taps(n)):
        assert set(row[row >= 0].tolist()) == feeds[output]


@MANY
@given(st.integers(1, 30), st.integers(1, 30), st.booleans())
def test_linear_resize_blends_the_two_neighbors(n, size, corners):
    one = Resize(n, size, 2, corners)
    for output, row in enumerate(one.taps(n)):
        source = output * (n - 1) / (size - 1) if corners and size > 1 else (output + 0.5) * n / size - 0.5
        if corners and size == 1:
            continue
        near = {min(max(floor(source + 1e-9), 0), n - 1)}
        if abs(source - round(source)) > 1e-9:
            near.add(min(max(floor(source) + 1, 0), n - 1))
        assert set(row.tolist()) == near


@MANY
@given(st.integers(1, 30), st.integers(1, 12))
def test_bins_cover_everything_in_order(n, size):
    rows = [row[row >= 0].tolist() for row in Bins(n, size).taps(n)]
    assert rows == [list(range(o * n // size, ceil((o + 1) * n / size))) for o in range(size)]
    assert sorted({place for row in rows for place in row}) == list(range(n))


@MANY
@given(st.lists(st.integers(1, 5), min_size=1, max_size=4), st.data())
def test_a_folded_axis_is_numpys_row_major_order(shape, data):
    axis_number = data.draw(st.integers(0, len(shape) - 1))
    length = int(np.prod(shape))
    inner = int(np.prod(shape[axis_number + 1 :]))
    folded = Folded(shape[axis_number], inner, length)
    expected = np.unravel_index(np.arange(length), shape)[axis_number]
    assert folded.taps(shape[axis_number])[:, 0].tolist() == expected.tolist()


@pytest.mark.parametrize("module", [window_module, spans_module])
def test_examples_in_docstrings(module):
    assert doctest.testmod(module).failed == 0


def test_every_map_is_an_axis_map():
    for one in (
        Window(3),
        TransposedWindow(3),
        Resize(4, 7),
        Bins(7, 3),
        Folded(3, 2, 12),
        axis.Spans((0,), (1,)),
    ):
        assert isinstance(one, axis.AxisMap)
