"""Rows and columns that the floor of the output size throws away."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import convscope as cs
from analysis.brute_force import influence
from convscope import layers as L
from convscope.analysis.diagnosis.lost_border import lost_rows
from convscope.axis import Window
from convscope.network import Entry, Network

LOSSY = "input 3x20x25 | conv 4 3 s3 | maxpool 2"


def of(network, *codes):
    return [finding for finding in cs.diagnose(network) if finding.code in codes]


def test_rows_after_the_last_window_are_found_with_a_fix():
    """20 − 3 = 17 leaves 2 after steps of 3, 25 − 3 = 22 leaves 1; pool1 takes 6×8 without loss."""
    first, second = of(cs.load(LOSSY), "lost-rows", "unseen-border")
    ways = "No layer loses any for images of height 18 or 24 and width 24 or 30."
    assert str(first) == (
        "waste: conv1 never covers the last 2 rows and the last column of its 20×25 input: the remainder after "
        f"the last window is smaller than the stride. [lost-rows]\n  → Use padding 0/1x0/2 (before/after) in conv1. {ways}"
    )
    assert str(second) == (
        "waste: pool1, the last spatial layer, never sees the last 2 rows and the last column of the 20×25 image: a "
        "remainder smaller than the stride is left in conv1. [unseen-border]\n"
        f"  → Crop the input explicitly, or change these layers. {ways}"
    )


@pytest.mark.parametrize("size", [(18, 24), (24, 24), (18, 30), (24, 30)])
def test_suggested_sizes_lose_no_rows(size):
    assert not of(cs.load(LOSSY).with_input((3, *size)), "lost-rows", "unseen-border")


@pytest.mark.parametrize("size", [(19, 24), (21, 24), (18, 26), (18, 27)])
def test_intermediate_sizes_drop_border_pixels(size):
    assert of(cs.load(LOSSY).with_input((3, *size)), "lost-rows")


def test_suggested_padding_loses_no_rows():
    """conv1 keeps its rows and makes 7×9 units now, of which pool1 loses one each."""
    found = of(cs.load(LOSSY.replace("conv 4 3 s3", "conv 4 3 s3 p0/1x0/2")), "lost-rows")
    assert [finding.layers for finding in found] == [("pool1",)]


def test_lost_rows_of_a_deep_layer_are_mapped_to_the_image():
    """conv1 gives 11×13 units 2 apart; pool1 takes 10×12: its lost row is seen by conv1 alone in 2 pixels."""
    found = of(cs.load("input 3x23x27 | conv 4 3 s2 | maxpool 2"), "lost-rows")
    assert [finding.message for finding in found] == [
        (
            "pool1 never covers the last row and the last column of its 11×13 input, and with it the last 2 "
            "rows and the last 2 columns of the image: the remainder after the last window is smaller than "
            "the stride."
        )
    ]
    assert found[0].numbers["rows"] == [1, 1]
    assert found[0].numbers["pixels"] == [2, 2]
    assert found[0].suggestion.startswith("Use ceil_mode in pool1. ")
    assert not of(cs.load("input 3x23x27 | conv 4 3 s2 | maxpool 2 ceil"), "lost-rows")


def test_rows_seen_by_another_layer_are_not_lost():
    """Two pools read one map; the second takes every row."""
    entries = [
        Entry("input", L.Input((3, 9, 11))),
        Entry("map", L.Conv2d(4, 1), ("input",)),
        Entry("halved", L.MaxPool2d(2), ("map",)),
    ]
    assert of(Network(entries), "lost-rows")[0].layers == ("halved",)
    assert not of(Network([*entries, Entry("whole", L.Conv2d(5, 3), ("map",))]), "lost-rows")


@pytest.mark.parametrize(
    "text",
    [
        "input 3x224x224 | conv 64 7 s2 p3 | maxpool 3 s2 p1",  # what is left over is padding
        "input 3x56x58 | conv 8 1 s2",  # a 1×1 kernel skips every second row on purpose
        "input 3x55x57 | maxpool 3 s2",
        "input 3x14x19 | conv 4 3 s2 same",
        "input 3x14x19 | maxpool 2 ceil",
    ],
)
def test_covered_borders_have_no_finding(text):
    assert not of(cs.load(text), "lost-rows", "unseen-border")


@settings(max_examples=400)
@given(
    st.integers(1, 30),
    st.integers(1, 5),
    st.integers(1, 4),
    st.integers(1, 2),
    st.integers(0, 2),
    st.integers(0, 2),
)
def test_lost_rows_match_a_loop_over_windows(n, k, s, d, before, after):
    """Windows are laid down one by one; the gap that a large stride leaves behind each is skipped at the end too."""
    reach = d * (k - 1) + 1
    assume(reach <= n + before + after)
    start = -before
    while start + s + reach <= n + after:
        start += s
    behind = range(start + max(s, reach), n)
    assert lost_rows(Window(k, s, before, after, d), n) == len(behind)


def test_rows_wrapped_by_circular_padding_are_seen():
    """The first window looks at the last row, which the last window misses."""
    assert lost_rows(Window(2, 2, before=1), 8) == 1
    assert lost_rows(Window(2, 2, before=1, border="circular"), 8) == 0


def test_pixels_of_the_unseen_border_change_no_output():
    """Every pixel is perturbed: the rows and columns at the end that change nothing are those reported."""
    network = cs.load("input 2x12x15 | conv 3 3 s2 | maxpool 3 s2")
    finding = next(finding for finding in cs.diagnose(network) if finding.code == "unseen-border")
    changed = influence(network)["pool1"].any(axis=(2, 3, 4))
    rows, columns = np.flatnonzero(changed.any(axis=1)), np.flatnonzero(changed.any(axis=0))
    assert finding.numbers["pixels"] == [12 - 1 - rows[-1], 15 - 1 - columns[-1]]
