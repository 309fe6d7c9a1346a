"""Images of a network's input size, for figures."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from convscope import images
from convscope.errors import BadShape

SHAPE = (3, 4, 6)


@pytest.fixture
def saved(tmp_path):
    """Save an image and read it for a 3×4×6 network."""

    def read(image, name="image.png", shape=SHAPE, **options):
        image.save(tmp_path / name, **options)
        return images.load_image(tmp_path / name, shape)

    return read


def noise(*shape):
    return np.random.default_rng(3).integers(0, 256, shape, dtype=np.uint8)


def test_image_of_input_size_is_unchanged(saved):
    pixels = noise(4, 6, 3)
    assert np.array_equal(saved(Image.fromarray(pixels)), pixels)


def test_other_size_is_stretched_to_the_input(saved):
    """The left half stays red and the right half blue if 40×30 becomes 4×6."""
    pixels = np.zeros((40, 30, 3), np.uint8)
    pixels[:, :15, 0] = pixels[:, 15:, 2] = 200
    fitted = saved(Image.fromarray(pixels))
    assert fitted.shape == (4, 6, 3)
    assert np.array_equal(fitted[:, 0], np.tile([200, 0, 0], (4, 1)))
    assert np.array_equal(fitted[:, 5], np.tile([0, 0, 200], (4, 1)))


def test_gray_becomes_three_equal_channels(saved):
    pixels = noise(4, 6)
    assert np.array_equal(saved(Image.fromarray(pixels)), np.repeat(pixels[:, :, None], 3, axis=2))


def test_color_becomes_gray_for_one_channel(saved):
    """By the luma weights of ITU-R 601: pure green is 0.587 · 255 = 150."""
    pixels = np.zeros((4, 6, 3), np.uint8)
    pixels[..., 1] = 255
    fitted = saved(Image.fromarray(pixels), shape=(1, 4, 6))
    assert fitted.shape == (4, 6, 1)
    assert set(fitted.ravel()) == {150}


def test_palette_bilevel_and_cmyk_images_are_read(saved):
    pixels = noise(4, 6, 3) // 128 * 255
    image = Image.fromarray(pixels)
    assert np.array_equal(saved(image.quantize(8)), pixels)
    assert set(saved(image.convert("1")).ravel()) <= {0, 255}
    ink = Image.new("CMYK", (6, 4), (0, 255, 255, 0))
    assert np.abs(saved(ink, "ink.tiff").astype(int) - [255, 0, 0]).max() <= 1


def test_transparency_is_blended_with_white(saved):
    """Transparent is white and half-transparent black is gray, in RGBA, gray-alpha and palettes."""
    pixels = np.zeros((4, 6, 4), np.uint8)
    pixels[:, 3:, 3] = 128
    fitted = saved(Image.fromarray(pixels))
    assert set(fitted[:, :3].ravel()) == {255}
    assert set(fitted[:, 3:].ravel()) == {127}
    assert set(saved(Image.fromarray(pixels[:, :, [0, 3]])).ravel()) == {127, 255}
    palette = Image.new("P", (6, 4), 0)
    palette.putpalette([10, 20, 30])
    assert set(saved(palette, "clear.png", transparency=0).ravel()) == {255}


def test_stretch_note_lists_images_with_changed_aspect_ratio(tmp_path, monkeypatch):
    """By more than 1 %, after EXIF rotation. Several images share one line."""
    monkeypatch.chdir(tmp_path)
    sizes = {"wide.png": (64, 48), "same.png": (60, 40), "near.png": (302, 200), "far.png": (307, 200)}
    for name, size in sizes.items():
        Image.new("RGB", size).save(name)
    turned = Image.Exif()
    turned[0x0112] = 6
    Image.new("RGB", (40, 60)).save("turned.jpg", exif=turned)  # 40 rows and 60 columns once upright

    def note(*names):
        return images.stretch_note(names, SHAPE)

    assert note("wide.png") == "wide.png: 48×64 stretched to 4×6, as the network receives it"
    assert note("same.png", "near.png", "turned.jpg") == note() == ""
    assert note("far.png").startswith("far.png: 200×307 stretched to 4×6")
    assert note("same.png", "wide.png", "far.png") == (
        "2 of 3 images stretched to 4×6, as the network receives them: wide.png, far.png"
    )
    assert note(*["wide.png"] * 9) == (
        f"9 of 9 images stretched to 4×6, as the network receives them: {', '.join(['wide.png'] * 5)}, …"
    )


@pytest.mark.parametrize("shape", [(10,), (3, 5), (3, 5, 6, 7), (3, 20_000, 20_000)])
def test_network_without_image_input_is_refused(shape):
    with pytest.raises(BadShape, match=r"^Images need a network with an input c×h×w .* \[image-shape\]$"):
        images.sample_image(shape)


@pytest.mark.parametrize("shape", [(3, 90, 140), (1, 32, 20), (5, 1, 1)])
def test_sample_image_fits_any_input(shape):
    """It has the right shape, is deterministic, and is not constant."""
    scene = images.sample_image(shape)
    assert scene.shape == (*shape[1:], 1 if shape[0] == 1 else 3)
    assert scene.dtype == np.uint8
    assert np.array_equal(scene, images.sample_image(shape))
    assert shape[1] == 1 or scene.std() > 20
