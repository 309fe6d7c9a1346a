"""One image file, checked and brought to the shape that a network takes."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..errors import BadFile, missing_library
from ..files.regular import open_regular

if TYPE_CHECKING:
    from PIL.Image import Image

MOST_PIXELS = 100_000_000
"""An image that claims more is refused before it is unpacked: a small file can hold a huge one."""

_ORIENTATION = 0x0112
_SIDEWAYS = (5, 6, 7, 8)
_DEEP_MODES = frozenset({"I", "I;16", "I;16B", "I;16L", "I;16N", "F"})
_GRAY_MODES = _DEEP_MODES | {"1", "L", "LA", "La"}


class DamagedImage(BadFile):
    """An image file that cannot be read, and why."""

    reason = ""


class ImageHeader(NamedTuple):
    """What the head of a file says, before its pixels are read: upright size, and whether it is gray."""

    height: int
    width: int
    gray: bool


def read_header(path: str | Path) -> ImageHeader:
    """Read the size and the kind of an image, without its pixels.

    Errors:   BadFile [image-missing], [image-file], [image-pixels]; MissingExtra [data-extra]
    """
    with _opened(path) as image:
        width, height = image.size
        if _orientation(image) in _SIDEWAYS:
            width, height = height, width
        return ImageHeader(height, width, image.mode in _GRAY_MODES)


def read_image(path: str | Path, channels: int, size: tuple[int, int] | None = None) -> NDArray[np.uint8]:
    """Read an image as bytes, upright, in gray or color, resized if `size` is given and another.

    A camera's note on rotation is applied, transparent pixels are laid on white, deeper gray levels become 8 bits
    (see `eight_bits`). Resizing stretches to (h, w), bilinear, with antialiasing.

    Shapes:   → (channels, h, w); channels is 1 or 3
    Errors:   BadFile [image-missing], [image-file], [image-pixels]; MissingExtra [data-extra]
    Source:   EXIF 2.3, orientation
    """
    with _opened(path) as image:
        return _pixels(image, path, channels, size)


def _pixels(image: Image, path: str | Path, channels: int, size: tuple[int, int] | None) -> NDArray[np.uint8]:
    from PIL import Image as images
    from PIL import ImageOps

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of oddities in metadata
            upright = _on_white(_shallow(ImageOps.exif_transpose(image)))
            plain = upright.convert("L" if channels == 1 else "RGB")
            if size is not None and (plain.height, plain.width) != size:
                plain = plain.resize((size[1], size[0]), images.Resampling.BILINEAR)
            pixels = np.asarray(plain, np.uint8)
    except Exception as error:  # decoders raise whatever a broken file makes them stumble over
        raise _damaged(path, error) from None
    return pixels[None] if channels == 1 else np.ascontiguousarray(pixels.transpose(2, 0, 1))


@contextmanager
def _opened(path: str | Path) -> Iterator[Image]:
    try:
        from PIL import Image
    except ImportError:
        raise missing_library("reading image files needs Pillow", "pillow", "data-extra") from None
    if not os.path.isfile(path):
        got = "a folder" if os.path.isdir(path) else "no such file"
        raise BadFile(f"{str(path)!r} must be an image file; got {got}; check the path. [image-missing]")
    too_large = BadFile(
        f"{str(path)!r} must be an image of at most {MOST_PIXELS:,} pixels; got more; "
        "make it smaller, or leave it out. [image-pixels]"
    )
    with ExitStack() as opened:
        try:
            file = opened.enter_context(open_regular(path))
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of size: the limit is checked here
                image = opened.enter_context(Image.open(file))
        except Image.DecompressionBombError:
            raise too_large from None
        except Exception as error:  # as above
            raise _damaged(path, error) from None
        if image.width * image.height > MOST_PIXELS:
            raise too_large
        yield image


def _orientation(image: Image) -> int:
    try:
        return int(image.getexif().get(_ORIENTATION, 1))
    except Exception:  # damaged metadata: the image itself may be whole
        return 1


def _shallow(image: Image) -> Image:
    """Return deep gray levels as 8 bits; other images as they are."""
    from PIL import Image as images

    return images.fromarray(eight_bits(np.asarray(image))) if image.mode in _DEEP_MODES else image


def _on_white(image: Image) -> Image:
    from PIL import Image as images

    if "A" not in image.getbands() and "transparency" not in image.info:
        return image
    clear = image.convert("RGBA")
    return images.alpha_composite(images.new("RGBA", clear.size, (255, 255, 255, 255)), clear)


def _damaged(path: str | Path, error: Exception) -> DamagedImage:
    reason = str(error).splitlines()[0] if str(error) else type(error).__name__
    if "cannot identify" in reason:
        reason = "no image that Pillow knows"
    damaged = DamagedImage(
        f"{str(path)!r} must be a whole image file; got a damaged one ({reason}); "
        "mend it, take it away, or skip such files. [image-file]"
    )
    damaged.reason = reason
    return damaged


SCALES = (1, 255, 65535)
"""What white may be in a file of floating-point levels."""


def eight_bits(levels: NDArray[Any]) -> NDArray[np.uint8]:
    """Return gray levels as the nearest of 0 … 255.

    White is 65,535 in whole numbers. In floating-point ones it is the smallest of 1, 255 and 65,535 that none
    exceeds, as the files themselves do not say.

    Errors:   ValueError for levels below 0, above 65,535, or not finite
    """
    low, high = float(levels.min()), float(levels.max())
    if not (low >= 0 and high <= SCALES[-1]):
        raise ValueError(f"gray levels from {low:g} to {high:g}, where 0 to 1, 255 or 65,535 is known")
    whole = np.issubdtype(levels.dtype, np.integer)
    white = SCALES[-1] if whole else next(scale for scale in SCALES if high <= scale)
    eight: NDArray[np.uint8] = np.rint(levels * (255 / white)).astype(np.uint8)
    return eight
