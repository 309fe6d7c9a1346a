"""Pictures of every kind reach the network's input."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from convscope.errors import BadFile, BadShape
from convscope.present import plots
from convscope.present.plots import picture as module

SHAPE = (3, 4, 6)


@pytest.fixture
def saved(tmp_path):
    """Save an image and read it for a 3×4×6 network."""

    def read(image, name="picture.png", shape=SHAPE, **options):
        image.save(tmp_path / name, **options)
        return plots.load_picture(tmp_path / name, shape)

    return read


def noise(*shape):
    return np.random.default_rng(3).integers(0, 256, shape, dtype=np.uint8)


def test_a_picture_of_the_right_size_is_kept(saved):
    pixels = noise(4, 6, 3)
    assert np.array_equal(saved(Image.fromarray(pixels)), pixels)


def test_another_size_is_stretched_to_the_input(saved):
    """Left half red, right half blue stays so when 40×30 becomes 4×6."""
    pixels = np.zeros((40, 30, 3), np.uint8)
    pixels[:, :15, 0] = pixels[:, 15:, 2] = 200
    fitted = saved(Image.fromarray(pixels))
    assert fitted.shape == (4, 6, 3)
    assert np.array_equal(fitted[:, 0], np.tile([200, 0, 0], (4, 1)))
    assert np.array_equal(fitted[:, 5], np.tile([0, 0, 200], (4, 1)))


def test_grey_becomes_three_equal_channels(saved):
    pixels = noise(4, 6)
    assert np.array_equal(saved(Image.fromarray(pixels)), np.repeat(pixels[:, :, None], 3, axis=2))


def test_colour_becomes_grey_for_one_channel(saved):
    """By the luma weights of ITU-R 601: pure green is 0.587 · 255 = 150."""
    pixels = np.zeros((4, 6, 3), np.uint8)
    pixels[..., 1] = 255
    fitted = saved(Image.fromarray(pixels), shape=(1, 4, 6))
    assert fitted.shape == (4, 6, 1)
    assert set(fitted.ravel()) == {150}


def test_palette_black_and_white_and_cmyk(saved):
    pixels = noise(4, 6, 3) // 128 * 255
    image = Image.fromarray(pixels)
    assert np.array_equal(saved(image.quantize(8)), pixels)
    assert set(saved(image.convert("1")).ravel()) <= {0, 255}
    ink = Image.new("CMYK", (6, 4), (0, 255, 255, 0))
    assert np.abs(saved(ink, "ink.tiff").astype(int) - [255, 0, 0]).max() <= 1


def test_transparency_lies_on_white(saved):
    """Fully clear is white, half clear black is mid grey, in RGBA, grey-alpha and palettes."""
    pixels = np.zeros((4, 6, 4), np.uint8)
    pixels[:, 3:, 3] = 128
    fitted = saved(Image.fromarray(pixels))
    assert set(fitted[:, :3].ravel()) == {255}
    assert set(fitted[:, 3:].ravel()) == {127}
    assert set(saved(Image.fromarray(pixels[:, :, [0, 3]])).ravel()) == {127, 255}
    palette = Image.new("P", (6, 4), 0)
    palette.putpalette([10, 20, 30])
    assert set(saved(palette, "clear.png", transparency=0).ravel()) == {255}


def test_sixteen_bits_become_eight(saved):
    """65535 is 255 and 257·n is n; a wide range is scaled by its maximum."""
    levels = (np.arange(24, dtype=np.uint16) * 257).reshape(4, 6)
    levels[3, 5] = 65535
    expected = np.arange(24).reshape(4, 6)
    expected[3, 5] = 255
    assert np.array_equal(saved(Image.fromarray(levels))[..., 0], expected)
    dark = np.full((4, 6), 300, np.uint16)  # 300/257 = 1.2; a dark picture stays dark
    assert set(saved(Image.fromarray(dark)).ravel()) == {1}
    assert set(saved(Image.fromarray(dark // 2)).ravel()) == {1}  # 150/257 = 0.6
    small = np.linspace(0, 0.5, 24, dtype=np.float32).reshape(4, 6)
    floating = saved(Image.fromarray(small), "floating.tiff")[..., 1]
    assert np.array_equal(floating, np.rint(np.linspace(0, 255, 24)).reshape(4, 6))


def test_a_camera_rotation_is_applied(saved):
    """Orientation 6 means: turn a quarter to the right."""
    pixels = noise(6, 4, 3)
    exif = Image.Exif()
    exif[0x0112] = 6
    assert np.array_equal(saved(Image.fromarray(pixels), exif=exif), np.rot90(pixels, -1))


def test_a_missing_file_is_one_message(tmp_path):
    path = tmp_path / "none.png"
    with pytest.raises(BadFile) as caught:
        plots.load_picture(path, SHAPE)
    assert str(caught.value) == (
        f"a picture must be a file that exists; got {str(path)!r}; check the path. [picture-missing]"
    )


def test_what_is_no_picture_is_refused(tmp_path):
    """Text under a picture's name, half a file, and a folder."""
    text = tmp_path / "text.png"
    text.write_text("not a picture")
    with pytest.raises(
        BadFile, match=r"such as PNG or JPEG; got .*text\.png.* choose another file\. \[picture-format\]$"
    ):
        plots.load_picture(text, SHAPE)
    Image.fromarray(noise(50, 60, 3)).save(tmp_path / "whole.png")
    half = tmp_path / "half.png"
    half.write_bytes((tmp_path / "whole.png").read_bytes()[:3000])
    with pytest.raises(BadFile, match=r"\[picture-format\]$"):
        plots.load_picture(half, SHAPE)
    with pytest.raises(BadFile) as caught:
        plots.load_picture(tmp_path, SHAPE)
    assert str(caught.value) == (
        "a picture must be a file in a format that Pillow reads, such as PNG or JPEG; "
        f"got {str(tmp_path)!r} (a folder); choose another file. [picture-format]"
    )


def test_a_bomb_is_not_unpacked(tmp_path, monkeypatch):
    """A small file that claims too many pixels is refused by its header."""
    monkeypatch.setattr(module, "MOST_PIXELS", 2000)
    Image.new("L", (50, 41)).save(tmp_path / "bomb.png")
    with pytest.raises(BadFile) as caught:
        plots.load_picture(tmp_path / "bomb.png", SHAPE)
    path = str(tmp_path / "bomb.png")
    assert str(caught.value) == (
        f"a picture must have at most 2,000 pixels; got more in {path!r}; make it smaller. [picture-size]"
    )


@pytest.mark.parametrize("shape", [(10,), (3, 5), (3, 5, 6, 7), (3, 20_000, 20_000)])
def test_pictures_need_a_network_for_pictures(shape):
    with pytest.raises(
        BadShape, match=r"^a picture must go into a network with an input c×h×w .* \[picture-shape\]$"
    ):
        plots.sample_picture(shape)


@pytest.mark.parametrize("shape", [(3, 90, 140), (1, 32, 20), (5, 1, 1)])
def test_the_sample_fits_any_input(shape):
    """Right shape, the same each time, and not of one colour."""
    scene = plots.sample_picture(shape)
    assert scene.shape == (*shape[1:], 1 if shape[0] == 1 else 3)
    assert scene.dtype == np.uint8
    assert np.array_equal(scene, plots.sample_picture(shape))
    assert shape[1] == 1 or scene.std() > 20
