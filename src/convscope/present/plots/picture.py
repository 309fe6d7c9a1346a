"""Pictures for a network: a file fitted to the input, or a scene drawn by numbers."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ...errors import BadFile, BadShape, MissingExtra
from ...layers.base import show_shape
from ...layers.connection import Shape
from .style import INSTALL

if TYPE_CHECKING:
    from PIL.Image import Image

Picture = NDArray[np.uint8]
"""(h, w, 3), or (h, w, 1) for a network that takes one channel."""

MOST_PIXELS = 100_000_000
"""A file that claims more is refused before it is unpacked."""

FINE_PIXELS = 1_000_000


def load_picture(path: str | Path, input_shape: Shape) -> Picture:
    """Read a picture and fit it to a network's input.

    A picture of the input's size is kept as it is; any other is resized to it, stretched where its aspect
    differs. Rotation noted by a camera is applied, transparency is laid on white, 16 bits become 8 (any wider
    range is scaled by its maximum), and colour becomes grey where the network takes one channel.

    Shapes:   input_shape (c, h, w) → (h, w, 1) for c = 1, else (h, w, 3)
    Errors:   BadFile [picture-missing], [picture-format], [picture-size]; BadShape [picture-shape]; MissingExtra

    Source:   EXIF 2.3, orientation
    """
    channels, height, width = _checked(input_shape)
    image = _opened(path)
    if image.size != (width, height):
        image = image.resize((width, height), resample=3)  # bicubic, with antialiasing
    if channels == 1:
        return np.array(image.convert("L"), np.uint8)[:, :, None]
    return np.array(image, np.uint8)


def _checked(input_shape: Shape) -> Shape:
    if len(input_shape) != 3 or input_shape[1] * input_shape[2] > MOST_PIXELS:
        raise BadShape(
            f"a picture must go into a network with an input c×h×w of at most {MOST_PIXELS:,} pixels; "
            f"got {show_shape(input_shape)}; choose a network for pictures. [picture-shape]"
        )
    return input_shape


def _opened(path: str | Path) -> Image:
    """Return the picture as RGB, upright."""
    try:
        from PIL import Image, ImageOps
    except ImportError as error:
        raise MissingExtra(
            f"reading pictures must have Pillow; got none installed; run `{INSTALL}`. [plot-extra]"
        ) from error
    shown = repr(str(path))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of oddities in metadata; the size is checked here
            with Image.open(path) as image:
                if image.width * image.height > MOST_PIXELS:
                    raise Image.DecompressionBombError
                return _as_rgb(ImageOps.exif_transpose(image))
    except Image.DecompressionBombError:
        raise BadFile(
            f"a picture must have at most {MOST_PIXELS:,} pixels; got more in {shown}; "
            "make it smaller. [picture-size]"
        ) from None
    except FileNotFoundError:
        raise BadFile(
            f"a picture must be a file that exists; got {shown}; check the path. [picture-missing]"
        ) from None
    except Exception as error:  # decoders raise whatever a broken file makes them stumble over
        reason = "a folder" if Path(path).is_dir() else str(error).splitlines()[0] if str(error) else "unreadable"
        raise BadFile(
            "a picture must be a file in a format that Pillow reads, such as PNG or JPEG; "
            f"got {shown} ({reason}); choose another file. [picture-format]"
        ) from None


def _as_rgb(image: Image) -> Image:
    from PIL import Image as images

    if image.mode.startswith("I") or image.mode == "F":
        image = images.fromarray(_eight_bits(np.asarray(image, np.float64), image.mode.startswith("I;16")))
    if "A" in image.getbands() or "transparency" in image.info:
        image = image.convert("RGBA")
        white = images.new("RGBA", image.size, (255, 255, 255, 255))
        image = images.alpha_composite(white, image)
    return image.convert("RGB")


def _eight_bits(levels: NDArray[np.float64], sixteen: bool) -> Picture:
    """Scale grey levels to 0 … 255; a file of 16 bits may come in a wider type."""
    largest = max(float(levels.max()), 1e-12)
    top = 65535 if sixteen or 255 < largest <= 65535 else max(largest, 255) if largest > 1 else largest
    eight: Picture = np.clip(np.rint(levels * (255 / top)), 0, 255).astype(np.uint8)
    return eight


def sample_picture(shape: Shape) -> Picture:
    """Draw a house before mountains in the evening: always the same, at any size.

    Shapes:   (c, h, w) → (h, w, 1) for c = 1, else (h, w, 3)
    Errors:   BadShape [picture-shape]
    """
    channels, height, width = _checked(shape)
    finer = 3 if height * width < FINE_PIXELS else 1  # drawn finer and averaged, edges are smooth
    down, across = np.meshgrid(
        (np.arange(height * finer) + 0.5) / (height * finer),
        (np.arange(width * finer) + 0.5) / (width * finer),
        indexing="ij",
    )
    scene = _scene(down, across, width / height).reshape(height, finer, width, finer, 3).mean(axis=(1, 3))
    if channels == 1:
        scene = scene @ np.array([[0.299], [0.587], [0.114]])
    picture: Picture = np.rint(scene * 255).astype(np.uint8)
    return picture


Plane = NDArray[np.float64]


def _scene(down: Plane, across: Plane, aspect: float) -> Plane:
    """Paint back to front; both coordinates go from 0 to 1, circles stay round."""
    scene = _blend(_colour(0.16, 0.33, 0.62), _colour(0.99, 0.80, 0.58), np.clip(down / 0.62, 0, 1) ** 1.3)
    sun = np.hypot((across - 0.76) * aspect, down - 0.27)
    scene = _blend(scene, _colour(1.0, 0.93, 0.70), 0.75 * np.exp(-((sun / 0.16) ** 2)))
    scene = _over(scene, sun < 0.075, _colour(1.0, 0.97, 0.86))
    for base, tall, phase, colour in (
        (0.52, 0.13, 0.4, (0.47, 0.50, 0.66)),
        (0.60, 0.10, 2.1, (0.33, 0.40, 0.56)),
        (0.69, 0.06, 4.0, (0.22, 0.35, 0.38)),
    ):
        ridge = base - tall * (
            0.55 * np.sin(5.1 * across + phase)
            + 0.3 * np.sin(12.7 * across + 2 * phase)
            + 0.15 * np.sin(29 * across + 3 * phase)
        )
        scene = _over(scene, down > ridge, _colour(*colour))
    meadow = _blend(_colour(0.45, 0.62, 0.27), _colour(0.20, 0.38, 0.18), np.clip((down - 0.74) / 0.26, 0, 1))
    scene = np.where((down > 0.74 + 0.015 * np.sin(7 * across))[..., None], meadow, scene)
    return _fence(_tree(_house(scene, down, across), down, across, aspect), down, across)


def _house(scene: Plane, down: Plane, across: Plane) -> Plane:
    wall = (abs(across - 0.40) < 0.155) & (down > 0.535) & (down < 0.83)
    scene = _over(scene, wall, _colour(0.95, 0.90, 0.80))
    scene = _over(scene, wall & (across > 0.50), _colour(0.84, 0.77, 0.67))
    roof = (down > 0.375) & (down < 0.545) & (abs(across - 0.40) < (down - 0.375) * 1.18 + 0.012)
    chimney = (abs(across - 0.49) < 0.022) & (down > 0.375) & (down < 0.50)
    scene = _over(scene, chimney, _colour(0.50, 0.24, 0.20))
    scene = _over(scene, roof, _colour(0.70, 0.27, 0.22))
    scene = _over(scene, (abs(across - 0.40) < 0.034) & (down > 0.665) & (down < 0.83), _colour(0.33, 0.21, 0.16))
    for centre in (0.305, 0.495):
        pane = (abs(across - centre) < 0.036) & (abs(down - 0.645) < 0.042)
        bars = pane & ((abs(across - centre) < 0.005) | (abs(down - 0.645) < 0.005))
        scene = _over(scene, pane, _colour(1.0, 0.84, 0.42))
        scene = _over(scene, bars, _colour(0.33, 0.21, 0.16))
    return scene


def _tree(scene: Plane, down: Plane, across: Plane, aspect: float) -> Plane:
    scene = _over(scene, (abs(across - 0.845) < 0.016) & (down > 0.62) & (down < 0.86), _colour(0.36, 0.24, 0.17))
    for x, y, radius, shade in ((0.0, 0.55, 0.105, 0.9), (-0.055, 0.61, 0.07, 0.78), (0.055, 0.615, 0.075, 0.7)):
        crown = np.hypot((across - 0.845) * aspect - x, down - y) < radius
        scene = _over(scene, crown, _colour(0.20 * shade, 0.45 * shade, 0.24 * shade))
    return scene


def _fence(scene: Plane, down: Plane, across: Plane) -> Plane:
    posts = (abs((across * 15) % 1 - 0.5) < 0.16) & (down > 0.865) & (down < 0.965)
    rails = (abs(down - 0.89) < 0.008) | (abs(down - 0.935) < 0.008)
    return _over(scene, (posts | rails) & ((across < 0.31) | (across > 0.49)), _colour(0.93, 0.92, 0.88))


def _colour(red: float, green: float, blue: float) -> Plane:
    return np.array([red, green, blue])


def _over(scene: Plane, where: NDArray[np.bool_], colour: Plane) -> Plane:
    return np.where(where[..., None], colour, scene)


def _blend(one: Plane, two: Plane, part: Plane) -> Plane:
    return one + (two - one) * part[..., None]
