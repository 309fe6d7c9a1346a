"""Even kernels shift the maps by half a pixel."""

import pytest

import convscope as cs

# Rows: 4/2 − 1 − ½ = ½, then again ½ at a step of 2. Columns: an odd kernel, then 2/2 − 0 − ½ = ½ at a step of 2.
NET = "input 3x20x26 | conv 4 4x3 p1 | maxpool 2 | conv 5 4x2 same"


def of(network):
    return [finding for finding in cs.diagnose(network) if finding.code == "even-kernel-shift"]


def test_even_kernel_shifts_add_up_over_layers():
    (finding,) = of(cs.load(NET))
    assert str(finding) == (
        "risk: Even kernels with an odd stride each shift the map by half a pixel of their input: conv1 "
        "(4×3), conv2 (4×2). Units of conv2 are 1.5×1 pixels off their nominal positions (positive: down "
        "and right). [even-kernel-shift]\n"
        "  → Use odd kernels, or pad the opposite end in every second of these layers so that the shifts "
        "cancel."
    )
    assert finding.numbers["by_layer"] == {"conv1": [0.5, 0.0], "conv2": [0.5, 0.5]}


def test_shift_is_the_distance_of_the_first_centers():
    """A unit of step 2 stands for 2 pixels, whose middle is at 1."""
    field = cs.inspect(cs.load(NET)).rows[-1].receptive_field
    ideal = [step / 2 for step in field.stride]
    assert [start - at for start, at in zip(field.start, ideal, strict=True)] == [1.5, 1.0]
    assert of(cs.load(NET))[0].numbers["shift"] == [1.5, 1.0]


def test_even_kernel_is_a_note_without_a_map_output():
    assert of(cs.load(NET + " | globalavgpool | dense 7"))[0].severity == "note"


@pytest.mark.parametrize(
    "text",
    [
        "input 3x20x26 | conv 4 3x5 p1x2 | maxpool 2",  # odd kernels, and a pool that tiles
        "input 3x20x26 | conv 4 4 s2 p1 | conv 5 2 s2",  # even strides
        "input 3x20x26 | conv 4 2",  # nothing padded: no output of the input's extent was meant
        "input 3x20x26 | conv 4 4",
        "input 3x20x26 | conv 4 2 p1 | conv 5 2",  # up and left by ½, then down and right
        "input 3x20x26 | conv 4 4 p1/2 | conv 5 4 p2/1",
    ],
)
def test_odd_kernels_have_no_finding(text):
    assert not of(cs.load(text))
