"""Images of a network's input size, for figures."""

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
from .scene import scene

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
