"""A final field smaller than the object, and what would reach it."""

import pytest

import convscope as cs
from convscope.errors import BadSetting

# Rows: 3, then 3 + 1·2 = 5, then 5 + 2·4 = 13. Columns: 5, then 5 + 2·1 = 7, then 7 + 2·3 = 13.
NET = "input 3x40x56 | conv 4 3x5 s2x1 p1x2 | maxpool 2x3 | conv 6 3 p1"


def small(network, size):
    return [finding for finding in cs.diagnose(network, object_size=size) if finding.code == "small-field"]


def test_small_field_is_found_with_changes_that_reach_the_object():
    """7 rows and 17 columns are missing; units of conv2's input are 4 rows and 3 columns apart."""
    (finding,) = small(cs.load(NET), (20, 30))
    assert str(finding) == (
        "risk: The receptive field of conv2, the last spatial layer, is 13×13: smaller than an object of "
        "20×30 by 7×17. [small-field]\n"
        "  → Any one of these changes is enough: 3 more 3×3 layers with stride 1 at the end (field "
        "37×31); dilation 2×4 in conv2 (field 21×31); kernel 5×9 in conv2 (field 21×31)."
    )
    assert finding.numbers["missing"] == [7, 17]


def test_every_suggested_change_reaches_the_object():
    """The changed networks are written down by hand and inspected."""
    changed = {
        "3 more 3×3 layers with stride 1 at the end": NET + " | conv 6 3 p1" * 3,
        "dilation 2×4 in conv2": NET.replace("conv 6 3 p1", "conv 6 3 p2x4 d2x4"),
        "kernel 5×9 in conv2": NET.replace("conv 6 3 p1", "conv 6 5x9 p2x4"),
    }
    (finding,) = small(cs.load(NET), (20, 30))
    assert [change["change"] for change in finding.numbers["changes"]] == list(changed)
    for change in finding.numbers["changes"]:
        last = cs.inspect(cs.load(changed[change["change"]])).rows[-1]
        assert list(last.receptive_field.size) == change["field"]


def test_smallest_change_may_exceed_the_missing_pixels():
    """One row and column short: one dilation more gives 8 rows and 6 columns, two taps more likewise."""
    (finding,) = small(cs.load(NET), 14)
    assert finding.numbers["changes"][1:] == [
        {"change": "dilation 2×2 in conv2", "field": [21, 19]},
        {"change": "kernel 5×5 in conv2", "field": [21, 19]},
    ]


def test_a_larger_stride_is_tried_from_the_last_layer_to_the_first():
    """The last layer's own stride widens nothing; that of the layer before doubles the last step: 5 + 2·2 = 9."""
    (finding,) = small(cs.load("input 3x64x80 | conv 4 3 p1 | conv 5 3 p1 | conv 6 3 p1"), 9)
    assert finding.numbers["changes"][-1] == {"change": "stride 2×2 in conv2", "field": [9, 9]}


def test_field_as_large_as_the_object_has_no_finding():
    assert not small(cs.load(NET), 13)
    assert small(cs.load(NET), (13, 14))[0].numbers["missing"] == [0, 1]


def test_layers_after_global_pooling_do_not_count():
    """The field of the last map is meant, not that of the classifier."""
    (finding,) = small(cs.load(NET + " | relu | globalavgpool | dense 7"), 14)
    assert finding.layers == ("conv2",)


@pytest.mark.parametrize("size", [0, (3, 4, 5), "ab", 2.5, ()])
def test_invalid_object_size_is_refused(size):
    with pytest.raises(BadSetting) as caught:
        cs.diagnose(cs.load(NET), object_size=size)
    assert str(caught.value) == (
        "diagnose.object_size must be an integer of at least 1, or 2, one per axis (got "
        f"{size!r}). Use 64 for objects of 64 pixels. [object-size]"
    )
