import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convscope.loading import load
from convscope.render.field import sketch_region, sketch_units


def body(sketch: str) -> list[str]:
    return sketch.split("\n\n")[0].split("\n")


@given(st.data())
def test_a_small_sketch_is_the_mask(data):
    """Two signs per pixel; padding before the image shifts it."""
    network = load("input 1x11x14 | conv 1 3x2 s2x1 d1x3 p2x1 | maxpool 2x3 s1")
    rows, columns = network["pool1"].output_shape[1:]
    at = (data.draw(st.integers(0, rows - 1)), data.draw(st.integers(0, columns - 1)))
    region = network.field("pool1", at)
    lines = body(sketch_region(region))
    top, left = min(region.box[0], 0), min(region.box[1], 0)
    for row, column in np.ndindex(11, 14):
        signs = lines[row - top][2 * (column - left) :][:2]
        assert signs in (("██", "++") if region.mask[row, column] else ("··", "++"))
    center = [line.index("+") // 2 + left for line in lines if "+" in line]
    assert center == [int(np.floor(region.center[1]))]


@pytest.mark.parametrize("width", [30, 60, 100])
@pytest.mark.parametrize("shape", [(1, 500, 300), (1, 40, 900), (1, 900, 30), (1, 35, 36)])
def test_a_large_sketch_fits(shape, width):
    """It is never wider than allowed nor higher than a terminal, and says its scale."""
    network = load(f"input {shape[0]}x{shape[1]}x{shape[2]} | conv 2 9x5 s4x3 p3")
    sketch = sketch_region(network.field("conv1", (1, 2)), width)
    assert max(map(len, body(sketch))) <= width
    assert len(body(sketch)) <= 34
    assert "one character is " in sketch


def test_legend_explains_only_symbols_that_occur():
    """A region inside the image has no padding."""
    network = load("input 1x9x13 | conv 2 3")
    assert sketch_region(network.field("conv1", (2, 4))).splitlines()[-1] == "█ seen   · not seen   + center"


def test_units_that_see_a_pixel():
    """On a map of 4×11 units, a 3×3 window with row stride 2 sees a pixel from two rows at most."""
    network = load("input 1x9x13 | conv 2 3 s2x1")
    assert sketch_units(network.seen_by((4, 2), "conv1")).splitlines() == [
        "······················",
        "██████················",
        "██████················",
        "······················",
        "",
        "█ seen   · not seen",
    ]


def test_lines_and_volumes():
    """A line is one row; of a volume the slices are joined."""
    line = load("input 2x20 | conv 4 5 p2")
    assert body(sketch_region(line.field("conv1", (0,)))) == ["░░░░++████" + "·" * 34]
    volume = load("input 1x6x4x5 | conv 4 1x3x2")
    assert body(sketch_region(volume.field("conv1", (1, 0, 2))))[0] == "····████··"
