"""Reading image files."""

from __future__ import annotations

import re
import sys
from io import BytesIO, StringIO

import numpy as np
import pytest
from PIL import Image

from convscope.errors import BadFile, MissingExtra
from convscope.images import file, read_header, read_image


@pytest.fixture
def saved(tmp_path):
    """Save pixels, (h, w) or (h, w, c), and return the path."""

    def save(pixels, name="image.png", **options):
        Image.fromarray(pixels).save(tmp_path / name, **options)
        return tmp_path / name

    return save


def noise(*shape):
    return np.random.default_rng(3).integers(0, 256, shape, dtype=np.uint8)


def refused(path, problem, code, hint="Check the path"):
    with pytest.raises(BadFile) as caught:
        read_image(path, 3)
    assert str(caught.value) == f"{str(path)!r} {problem}. {hint}. [{code}]"


def test_images_are_channels_first(saved):
    pixels = noise(4, 6, 3)
    assert np.array_equal(read_image(saved(pixels), 3), pixels.transpose(2, 0, 1))
    assert read_image(saved(pixels), 1).shape == (1, 4, 6)


def test_transparency_is_blended_with_white(saved):
    pixels = np.dstack([noise(5, 7, 3), np.full((5, 7), 255, np.uint8)])
    pixels[2:, :, 3] = 0
    image = read_image(saved(pixels), 3)
    assert np.array_equal(image[:, :2], pixels[:2, :, :3].transpose(2, 0, 1))
    assert (image[:, 2:] == 255).all()


def test_exif_orientation_is_applied(saved):
    """Orientation 6 means a rotation by 90 degrees clockwise."""
    pixels = noise(6, 4, 3)
    exif = Image.Exif()
    exif[0x0112] = 6
    assert np.array_equal(read_image(saved(pixels, exif=exif), 3), np.rot90(pixels, -1).transpose(2, 0, 1))


def test_header_has_oriented_size_and_kind(saved):
    """Orientation 6 swaps the sides; 16-bit and floating-point images are gray."""
    exif = Image.Exif()
    exif[0x0112] = 6
    assert read_header(saved(noise(5, 7, 3), exif=exif)) == (7, 5, False)
    assert read_header(saved(noise(5, 7))) == (5, 7, True)
    assert read_header(saved(noise(5, 7).astype(np.uint16))) == (5, 7, True)
    assert read_header(saved(noise(5, 7).astype(np.float32), "a.tiff")) == (5, 7, True)


@pytest.mark.parametrize("levels", [[0, 1, 128, 129, 300, 385, 386, 32639, 65278, 65535]])
@pytest.mark.parametrize("kind", ["PNG", "TIFF", "PPM"])
def test_sixteen_bits_are_rounded_to_eight(saved, levels, kind):
    """65535 is 255 and 257·n is n; a dark image stays dark."""
    path = saved(np.array([levels], np.uint16), f"a.{kind.lower()}")
    assert read_image(path, 1).tolist() == [[[round(level / 257) for level in levels]]]
    assert read_image(path, 3)[2].tolist() == [[round(level / 257) for level in levels]]


def test_dark_image_stays_dark(saved):
    assert read_image(saved(np.full((4, 6), 150, np.uint16)), 1).tolist() == [[[1] * 6] * 4]  # 150 / 257 = 0.6


@pytest.mark.parametrize("white", [1, 255, 65535])
def test_floating_point_levels_are_scaled_by_white(saved, white):
    """0…1, 0…255 or 0…65,535: the smallest that holds them all. An image of 0…1 was nearly black once."""
    parts = np.linspace(0, 1, 24, dtype=np.float32).reshape(4, 6)
    expected = np.rint(np.linspace(0, 255, 24)).reshape(1, 4, 6)
    assert np.abs(read_image(saved(parts * white, "a.tiff"), 1) - expected).max() <= 1
    half = read_image(saved(parts[:, :4] * np.float32(white * 0.75), "a.tiff"), 1)
    assert half.max() == round(255 * 0.75 * float(parts[3, 3]))  # not stretched to white


@pytest.mark.parametrize("levels", [[-0.5, 0.5], [0, 70000], [0, np.nan], [0, np.inf]])
def test_levels_of_unknown_scale_are_refused(saved, levels):
    path = saved(np.array([levels], np.float32), "a.tiff")
    with pytest.raises(
        BadFile, match=r"^.* \(gray levels from \S+ to \S+, supported are 0 to 1, 255 or 65,535\)\. "
    ):
        read_image(path, 1)


def test_integers_beyond_sixteen_bits_are_refused(saved):
    path = saved(np.array([[0, 65536]], np.int32), "a.tiff")
    with pytest.raises(BadFile, match="gray levels from 0 to 65536, supported"):
        read_image(path, 1)


def test_missing_files_are_reported(tmp_path):
    refused(tmp_path / "none.png", "is not an image file (no such file)", "image-missing")
    refused(tmp_path, "is not an image file (got a folder)", "image-missing")


def test_file_that_is_not_an_image_is_refused(tmp_path, saved):
    """A text file with an image's suffix, and a truncated file."""
    text = tmp_path / "text.png"
    text.write_text("not an image")
    with pytest.raises(BadFile) as caught:
        read_image(text, 3)
    assert str(caught.value) == (
        f"{str(text)!r} is a damaged image file (unknown image format). Repair or replace it. [image-file]"
    )
    half = saved(noise(50, 60, 3))
    half.write_bytes(half.read_bytes()[:3000])
    with pytest.raises(
        BadFile, match=rf"^{re.escape(repr(str(half)))} is a damaged image file .* \[image-file\]$"
    ):
        read_image(half, 3)


def test_decompression_bomb_is_refused(saved, monkeypatch):
    """A small file that claims too many pixels is refused by its header."""
    monkeypatch.setattr(file, "MOST_PIXELS", 2000)
    refused(saved(noise(50, 41)), "has more than 2,000 pixels", "image-pixels", "Resize or remove it")


def test_missing_pillow_is_reported(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(MissingExtra) as caught:
        read_image(tmp_path / "a.png", 3)
    assert str(caught.value) == (
        "Reading image files needs Pillow, which is not installed. Run `pip install pillow`. [data-extra]"
    )


def test_bytes_and_open_files_are_read_as_their_file_is(saved):
    """From bytes, a view of them, an open file, and one in memory that is read from its position on."""
    pixels = noise(6, 4, 3)
    exif = Image.Exif()
    exif[0x0112] = 6
    path = saved(pixels, exif=exif)
    content = path.read_bytes()
    behind = BytesIO(b"head" + content)
    behind.seek(4)
    with open(path, "rb") as opened:
        for source in (content, bytearray(content), memoryview(content), opened, behind):
            np.testing.assert_array_equal(read_image(source, 3), read_image(path, 3))
    assert read_header(content) == read_header(path)
    np.testing.assert_array_equal(read_image(content, 1, (9, 5)), read_image(path, 1, (9, 5)))


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (b"", "'<bytes>' is a damaged image file (unknown image format). Repair or replace it. [image-file]"),
        (b"no image", "'<bytes>' is a damaged image file (unknown image format). Repair or replace it. [image-file]"),
        (BytesIO(b"no"), "'<file>' is a damaged image file (unknown image format). Repair or replace it. [image-file]"),
        (StringIO("text"), "'<file>' is a damaged image file (a file open as text; open it in binary mode). Repair or "
                           "replace it. [image-file]"),
    ],
)  # fmt: skip
def test_bytes_that_are_no_image_are_refused(source, message):
    with pytest.raises(BadFile) as caught:
        read_image(source, 3)
    assert str(caught.value) == message


def test_bytes_have_the_limits_of_files(saved, monkeypatch):
    """Pixels are limited before they are decompressed, open files before they are read whole; half an image fails."""
    content = saved(noise(50, 60, 3)).read_bytes()
    with pytest.raises(BadFile, match=r"^'<bytes>' is a damaged image file .* \[image-file\]$"):
        read_image(content[:3000], 3)
    monkeypatch.setattr(file, "MOST_PIXELS", 2999)
    with pytest.raises(
        BadFile, match=r"^'<bytes>' has more than 2,999 pixels\. Resize or remove it\. \[image-pixels\]$"
    ):
        read_image(content, 3)
    monkeypatch.setattr(file, "LARGEST_FILE", 100)
    with pytest.raises(BadFile, match=r"^'<file>' is a damaged image file \(more than 0 GiB\)"):
        read_image(BytesIO(content), 3)
