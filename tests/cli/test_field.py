import json

import numpy as np
import pytest
from PIL import Image

import convscope as cs

KEYS = {"layer", "at", "size", "center", "box", "clipped", "padded_fraction", "coverage", "status"}


def test_region_is_printed_with_a_sketch(convscope, golden):
    """Box, center, padding and an image of it."""
    ended = convscope("field", "alexnet", "pool5", "--at", "3,2")
    assert (ended.code, ended.err) == (0, "")
    golden("field-alexnet-pool5.txt", ended.out)


def test_padding_and_holes_are_drawn(convscope, golden):
    """A corner unit of a dilated convolution on an image that is wider than high."""
    golden("field-dilated.txt", convscope("field", "input 1x9x13 | conv 2 3 d2 p2", "conv1", "--at", "0,1").out)


def test_units_that_see_a_pixel_are_printed(convscope, golden):
    """The other way round, drawn on the layer's map."""
    golden("field-pixel.txt", convscope("field", "alexnet", "conv2", "--pixel", "100,60").out)


def test_origin_counts_pixels_of_another_layer(convscope):
    """--origin counts pixels in that layer's map; --of is an alias."""
    ended = convscope("field", "alexnet", "conv2", "--at", "1,2", "--origin", "pool1")
    assert convscope("field", "alexnet", "conv2", "--at", "1,2", "--of", "pool1") == ended
    assert ended.out.startswith("alexnet: unit 1,2 of conv2 (256×27×27) sees 5×5 pixels of pool1 (96×27×27)\n")


def test_json_has_the_documented_keys(convscope):
    """The documented document, with rows before columns."""
    ended = convscope("field", "input 3x30x41 | conv 4 3x5 s2x1 p1x0", "conv1", "--at", "0,7", "--json")
    document = json.loads(ended.out)
    assert set(document) == KEYS
    assert document["layer"] == "conv1"
    assert document["at"] == [0, 7]
    assert document["size"] == [3, 5]
    assert document["box"] == [-1, 7, 2, 12]
    assert document["clipped"] == [0, 7, 2, 12]
    assert document["center"] == [0.5, 9.5]
    assert document["padded_fraction"] == pytest.approx(1 / 3)


def test_json_of_the_units_that_see_a_pixel(convscope):
    """Layer, pixel, number of units and their box."""
    ended = convscope("field", "input 3x30x41 | conv 4 3x5 s2x1 p1x0", "conv1", "--pixel", "29,0", "--json")
    assert json.loads(ended.out) == {"layer": "conv1", "pixel": [29, 0], "count": 1, "box": [14, 0, 15, 1]}


def test_a_pixel_that_no_unit_sees(convscope):
    """Rows that the stride never reaches are seen by nobody, and that is said."""
    out = convscope("field", "input 1x10x12 | conv 2 3 s4", "conv1", "--pixel", "3,0").out
    assert "is seen by 0 units of conv1 (2×2×3)" in out
    assert "empty: no unit sees it" in out


def test_lines_and_volumes(convscope):
    """Networks over one and three axes have regions, too."""
    line = convscope("field", "input 2x20 | conv 4 5", "conv1", "--at", "3").out
    assert "box           positions 3:8" in line
    volume = convscope("field", "input 1x6x10x12 | conv 4 3", "conv1", "--at", "1,2,3").out
    assert "box           slices 1:4, rows 2:5, columns 3:6" in volume


def test_region_is_drawn_on_an_image(convscope, tmp_path):
    """--save writes a figure; without --image on an image of the package's own."""
    path = tmp_path / "seen.png"
    ended = convscope("field", "alexnet", "pool5", "--at", "0,2", "--save", path)
    assert (ended.code, ended.err) == (0, f"saved {path}\n")
    assert path.read_bytes().startswith(b"\x89PNG")
    again = convscope("field", "alexnet", "conv1", "--at", "0,2", "--image", path, "--save", tmp_path / "b.svg")
    with Image.open(path) as image:
        size = f"{image.height}×{image.width}"
    assert again.code == 0
    assert again.err.splitlines() == [
        f"{path}: {size} stretched to 227×227, as the network receives it",
        f"saved {tmp_path / 'b.svg'}",
    ]
    assert (tmp_path / "b.svg").read_text().startswith("<?xml")


GATED = "input 3x48x60 | conv 8 3 s2 p1 | g: globalavgpool | c: conv 8 1 | s: sigmoid | m: mul conv1 s | conv2: conv 4 3"


def test_a_global_path_is_named_in_both_directions(convscope):
    """Every unit sees every pixel through the gate; the local ones are told apart."""
    at = json.loads(convscope("field", GATED, "conv2", "--at", "3,4", "--json").out)
    assert (at["status"], at["size"], at["global_via"]) == ("exact", [7, 7], "g")
    pixel = json.loads(convscope("field", GATED, "conv2", "--pixel", "0,0", "--json").out)
    assert (pixel["count"], pixel["local_count"], pixel["global_via"]) == (22 * 28, 1, "g")
    text = convscope("field", GATED, "conv2", "--pixel", "0,0").out
    assert "is seen by 616 units of conv2" in text
    assert "local   1 of them through local paths: rows 0:1, columns 0:1" in text
    assert ": seen only through the global path" in text


def test_the_units_that_see_a_pixel_are_drawn(convscope, tmp_path):
    """--save draws the image with the pixel, and the map beside it."""
    path = tmp_path / "units.png"
    ended = convscope("field", GATED, "conv2", "--pixel", "20,33", "--save", path)
    assert (ended.code, ended.err) == (0, f"saved {path}\n")
    assert path.read_bytes().startswith(b"\x89PNG")


def test_effective_field_is_printed_and_drawn(convscope, tmp_path, golden):
    """Random weights and images, the region that the unit can see, and how much of it has the influence."""
    path = tmp_path / "effective.png"
    ended = convscope("field", "lenet", "conv2", "--effective", "--at", "0,4", "--count", "8", "--save", str(path))
    golden("field-effective.txt", ended.out)
    with Image.open(path) as figure:
        assert figure.width > 400
    chinese = convscope("field", "lenet", "conv2", "--effective", "--count", "8", "--lang", "zh")
    assert "理论感受野" in chinese.out


def test_effective_field_json_matches_library(convscope):
    ended = convscope("field", "lenet", "conv2", "--effective", "--at", "0,4", "--count", "8", "--json")
    found = cs.effective_field(cs.load("lenet"), "conv2", at=(0, 4), count=8)
    assert json.loads(ended.out) == {"model": "lenet", "weights": "random", **found.to_dict()}


def test_effective_field_of_images_and_of_dead_units(convscope, tmp_path, monkeypatch):
    """Two images of a folder; units behind a dead layer are said to be dead."""
    monkeypatch.chdir(tmp_path)
    model = cs.Model("input 1x8x7 | conv 2 3 | relu | conv 2 3")
    (tmp_path / "images" / "deep").mkdir(parents=True)
    for name in ("images/one.png", "images/deep/two.png"):
        Image.new("L", (7, 8), 90).save(name)
    model.save("alive.safetensors")
    ended = convscope("field", "alive.safetensors", "conv2", "--effective", "--images", "images")
    assert "2 images of the folder" in ended.out
    model.parameters["conv1.bias"] = np.full(2, -1e3, np.float32)
    model.save("dead.safetensors")
    ended = convscope("field", "dead.safetensors", "conv2", "--effective")
    assert (ended.code, "nan" in ended.out) == (0, False)
    assert "none: the gradient is 0 for every image (dead units)" in ended.out
    assert json.loads(convscope("field", "dead.safetensors", "conv2", "--effective", "--json").out)["extent"] == {
        "0.5": [0, 0],
        "0.9": [0, 0],
        "0.95": [0, 0],
    }


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("lenet", "conv2", "--images", "here"), "field-effective"),
        (("lenet", "conv2", "--effective", "--images", "nowhere"), "images-folder"),
        (("lenet", "conv2", "--effective", "--pixel", "1,1"), "one-of"),
        (("lenet", "fc1", "--effective"), "no-positions"),
        (("lenet", "conv2", "--effective", "--at", "99,0"), "unit-range"),
    ],
)
def test_bad_effective_arguments_are_refused(convscope, arguments, code):
    ended = convscope("field", *arguments)
    assert (ended.code, ended.out) == (2, "")
    assert f"[{code}]" in ended.err
