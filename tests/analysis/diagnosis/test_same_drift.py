"""SAME padding is split otherwise on another input size."""

import pytest

import convscope as cs
from convscope.errors import BadSetting, BadShape

NET = "input 3x24x31 | conv 4 3x5 s2 same | conv 5 3 s2x3 same"


def of(network, other=None):
    return [finding for finding in cs.diagnose(network, other_input=other) if finding.code == "same-drift"]


def first_center(n, layers):
    """Return the first unit's center by TensorFlow's rule, written out: pad before is half of the total."""
    center, step = 0.5, 1
    for k, s in layers:
        out = -(-n // s)
        before = max((out - 1) * s + k - n, 0) // 2
        center += ((k - 1) / 2 - before) * step
        n, step = out, step * s
    return center


def test_one_more_pixel_moves_the_centers():
    """24 rows pad 0 before, 25 pad 1, in both layers; 31 columns pad 2, 32 pad 1, in the first alone."""
    (finding,) = of(cs.load(NET))
    assert str(finding) == (
        "risk: Strided SAME padding is split differently at 25×32 than at 24×31 in conv1, conv2 (conv1: "
        "0/1x2/2 becomes 1/1x1/2), so the first unit of conv2 is centered at 0.5×1.5 instead of 3.5×0.5: "
        "off by −3×1 pixels. [same-drift]\n"
        "  → Use sizes that differ by a multiple of 4×6, or set explicit padding."
    )


@pytest.mark.parametrize("other", [(25, 32), (26, 33), (27, 37), (30, 31), (41, 50)])
def test_drift_matches_the_padding_rule(other):
    rows, columns = [(3, 2), (3, 2)], [(5, 2), (3, 3)]
    expected = [
        first_center(other[0], rows) - first_center(24, rows),
        first_center(other[1], columns) - first_center(31, columns),
    ]
    found = of(cs.load(NET), (3, *other))
    assert [finding.numbers["drift"] for finding in found] == ([expected] if any(expected) else [])


def test_sizes_apart_by_the_suggested_period_do_not_drift():
    """The strides multiply to 4 rows and 6 columns."""
    assert not of(cs.load(NET), (3, 24 + 4, 31 + 6))
    assert not of(cs.load(NET), (3, 24 - 12, 31 - 18))


@pytest.mark.parametrize(
    "text",
    [
        "input 3x24x31 | conv 4 3 same | conv 5 5 same",  # without a stride the padding is always the same
        "input 3x24x31 | conv 4 3 s2 p1",
        "input 3x24x31 | maxpool 2 s2",
    ],
)
def test_only_strided_same_padding_drifts(text):
    assert not of(cs.load(text))


def test_other_input_of_another_rank_or_channels_is_refused():
    with pytest.raises(BadSetting) as caught:
        cs.diagnose(cs.load(NET), other_input=(1, 25, 32))
    assert str(caught.value) == (
        "diagnose.other_input must have the channels and axes of the input 3×24×31 (got other_input=1×25×32). "
        "Change sizes only. [other-input]"
    )


def test_an_other_input_that_the_network_cannot_take_is_an_error():
    with pytest.raises(BadShape, match=r"\[kernel-too-large\]"):
        cs.diagnose(cs.load(NET + " | conv 2 4"), other_input=(3, 5, 7))
