"""An image file as a network takes it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..errors import BadShape
from ..images import read_image
from ..layers.base import show_shape
from ..layers.connection import Shape
from .arrays import as_images
from .dataset import Images


def read_input(path: str | Path, input_shape: Shape, invert: bool = False) -> Images:
    """Read an image of any size and color, brought to the shape of a network's input as in training.

    With `invert` dark becomes light: pencil on paper for a network that learned light digits on dark ground.

    Shapes:   input_shape (c, h, w), c 1 or 3 → (c, h, w)
    Units:    0…1
    Errors:   BadShape [image-input]; BadFile [image-missing], [image-file], [image-pixels]; MissingExtra
    """
    if len(input_shape) != 3 or input_shape[0] not in (1, 3):
        raise BadShape(
            f"a network must take images of 1 or 3 channels to be shown one; got an input of "
            f"{show_shape(input_shape)}; use Model.predict with an array. [image-input]"
        )
    channels, height, width = input_shape
    pixels = as_images(read_image(path, channels, (height, width)))
    return np.ascontiguousarray(1 - pixels) if invert else pixels
