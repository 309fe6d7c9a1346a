"""Images of a network's input size, for figures, and a sample: a house in front of mountains in the evening."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import BadShape
from ..layers.base import show_shape
from ..layers.connection import Shape
from ..text.language import localize
from ..text.lists import shortened
from .file import MOST_PIXELS, read_header, read_image

Image = NDArray[np.uint8]
"""(h, w, 3), or (h, w, 1) for a network with one input channel."""

UNNOTICED = 0.01
"""Relative change of the aspect ratio that is not reported."""

MOST_NAMES = 5
FINE_PIXELS = 1_000_000


def load_image(path: str | Path, input_shape: Shape) -> Image:
    """Read an image file and resize it to a network's input, exactly as the network receives it.

    Shapes:   input_shape (c, h, w) → (h, w, 1) for c = 1, else (h, w, 3)
    Raises:   BadShape [image-shape], and those of `read_image`
    """
    channels, height, width = _checked(input_shape)
    pixels = read_image(path, 1 if channels == 1 else 3, (height, width))
    return np.ascontiguousarray(pixels.transpose(1, 2, 0))


def load_whole_image(path: str | Path, longest: int) -> Image:
    """Read a color image, and scale it down if a side is longer than `longest` pixels.

    Shapes:   → (h, w, 3)
    Raises:   as `read_image`
    """
    height, width, _ = read_header(path)
    scale = min(1.0, longest / max(height, width))
    size = max(1, round(height * scale)), max(1, round(width * scale))
    return np.ascontiguousarray(read_image(path, 3, size).transpose(1, 2, 0))


def stretch_note(paths: Sequence[str | Path], input_shape: Shape) -> str:
    """Return a line that lists the images whose aspect ratio changes, or "" if there are none.

    Changes of at most 1 % are not reported. The line is in the current language.

    Shapes:   input_shape (c, h, w)
    Raises:   as `read_header`
    """
    height, width = input_shape[1:]
    headers = [(path, read_header(path)) for path in paths]
    stretched = [
        (path, one) for path, one in headers if abs(one.width * height / (one.height * width) - 1) > UNNOTICED
    ]
    if not stretched:
        return ""
    size = show_shape((height, width))
    if len(paths) == 1:
        (path, one), *_ = stretched
        return localize(
            "{path}: {before} stretched to {after}, as the network receives it",
            path=str(path),
            before=show_shape((one.height, one.width)),
            after=size,
        )
    return localize(
        "{stretched} of {images} images stretched to {after}, as the network receives them: {names}",
        stretched=len(stretched),
        images=len(paths),
        after=size,
        names=shortened([str(path) for path, _ in stretched], MOST_NAMES),
    )


def sample_photograph() -> Image:
    """Return a photograph of a cup of coffee, by Rachel Michetti (CC0).

    Shapes:   → (240, 360, 3)
    """
    return load_whole_image(Path(__file__).parent / "data" / "coffee.jpg", 360)


def sample_image(shape: Shape) -> Image:
    """Return a drawing of a house in front of mountains, rendered at the input's size.

    Shapes:   (c, h, w) → (h, w, 1) for c = 1, else (h, w, 3)
    Raises:   BadShape [image-shape]
    """
    channels, height, width = _checked(shape)
    finer = 3 if height * width < FINE_PIXELS else 1  # antialiasing by supersampling
    painted = scene(height * finer, width * finer).reshape(height, finer, width, finer, 3).mean(axis=(1, 3))
    if channels == 1:
        painted = painted @ np.array([[0.299], [0.587], [0.114]])
    image: Image = np.rint(painted * 255).astype(np.uint8)
    return image


def _checked(input_shape: Shape) -> Shape:
    if len(input_shape) != 3 or input_shape[1] * input_shape[2] > MOST_PIXELS:
        raise BadShape(
            "Images need a network with an input c×h×w of at most {limit:,} pixels (got {got}). Choose a network "
            "for images. [image-shape]",
            limit=MOST_PIXELS,
            got=show_shape(input_shape),
        )
    return input_shape


Plane = NDArray[np.float64]


def scene(height: int, width: int) -> Plane:
    """Render the scene back to front in coordinates from 0 to 1. Circles stay round at any aspect ratio.

    Shapes:   → (height, width, 3)
    Units:    0…1
    """
    down, across = np.meshgrid((np.arange(height) + 0.5) / height, (np.arange(width) + 0.5) / width, indexing="ij")
    aspect = width / height
    view = _blend(_color(0.16, 0.33, 0.62), _color(0.99, 0.80, 0.58), np.clip(down / 0.62, 0, 1) ** 1.3)
    sun = np.hypot((across - 0.76) * aspect, down - 0.27)
    view = _blend(view, _color(1.0, 0.93, 0.70), 0.75 * np.exp(-((sun / 0.16) ** 2)))
    view = _over(view, sun < 0.075, _color(1.0, 0.97, 0.86))
    for base, tall, phase, color in (
        (0.52, 0.13, 0.4, (0.47, 0.50, 0.66)),
        (0.60, 0.10, 2.1, (0.33, 0.40, 0.56)),
        (0.69, 0.06, 4.0, (0.22, 0.35, 0.38)),
    ):
        ridge = base - tall * (
            0.55 * np.sin(5.1 * across + phase)
            + 0.3 * np.sin(12.7 * across + 2 * phase)
            + 0.15 * np.sin(29 * across + 3 * phase)
        )
        view = _over(view, down > ridge, _color(*color))
    meadow = _blend(_color(0.45, 0.62, 0.27), _color(0.20, 0.38, 0.18), np.clip((down - 0.74) / 0.26, 0, 1))
    view = np.where((down > 0.74 + 0.015 * np.sin(7 * across))[..., None], meadow, view)
    return _fence(_tree(_house(view, down, across), down, across, aspect), down, across)


def _house(scene: Plane, down: Plane, across: Plane) -> Plane:
    wall = (abs(across - 0.40) < 0.155) & (down > 0.535) & (down < 0.83)
    scene = _over(scene, wall, _color(0.95, 0.90, 0.80))
    scene = _over(scene, wall & (across > 0.50), _color(0.84, 0.77, 0.67))
    roof = (down > 0.375) & (down < 0.545) & (abs(across - 0.40) < (down - 0.375) * 1.18 + 0.012)
    chimney = (abs(across - 0.49) < 0.022) & (down > 0.375) & (down < 0.50)
    scene = _over(scene, chimney, _color(0.50, 0.24, 0.20))
    scene = _over(scene, roof, _color(0.70, 0.27, 0.22))
    scene = _over(scene, (abs(across - 0.40) < 0.034) & (down > 0.665) & (down < 0.83), _color(0.33, 0.21, 0.16))
    for center in (0.305, 0.495):
        pane = (abs(across - center) < 0.036) & (abs(down - 0.645) < 0.042)
        bars = pane & ((abs(across - center) < 0.005) | (abs(down - 0.645) < 0.005))
        scene = _over(scene, pane, _color(1.0, 0.84, 0.42))
        scene = _over(scene, bars, _color(0.33, 0.21, 0.16))
    return scene


def _tree(scene: Plane, down: Plane, across: Plane, aspect: float) -> Plane:
    scene = _over(scene, (abs(across - 0.845) < 0.016) & (down > 0.62) & (down < 0.86), _color(0.36, 0.24, 0.17))
    for x, y, radius, shade in ((0.0, 0.55, 0.105, 0.9), (-0.055, 0.61, 0.07, 0.78), (0.055, 0.615, 0.075, 0.7)):
        crown = np.hypot((across - 0.845) * aspect - x, down - y) < radius
        scene = _over(scene, crown, _color(0.20 * shade, 0.45 * shade, 0.24 * shade))
    return scene


def _fence(scene: Plane, down: Plane, across: Plane) -> Plane:
    posts = (abs((across * 15) % 1 - 0.5) < 0.16) & (down > 0.865) & (down < 0.965)
    rails = (abs(down - 0.89) < 0.008) | (abs(down - 0.935) < 0.008)
    return _over(scene, (posts | rails) & ((across < 0.31) | (across > 0.49)), _color(0.93, 0.92, 0.88))


def _color(red: float, green: float, blue: float) -> Plane:
    return np.array([red, green, blue])


def _over(scene: Plane, where: NDArray[np.bool_], color: Plane) -> Plane:
    return np.where(where[..., None], color, scene)


def _blend(one: Plane, two: Plane, part: Plane) -> Plane:
    return one + (two - one) * part[..., None]
