"""Reading image files as arrays."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from io import BytesIO
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..errors import BadFile, missing_library
from ..files.regular import open_regular
from ..text.language import Message

if TYPE_CHECKING:
    from PIL.Image import Image

MOST_PIXELS = 100_000_000
"""Larger images are refused before they are decompressed: a small file can contain a huge image."""

_ORIENTATION = 0x0112
_SIDEWAYS = (5, 6, 7, 8)
_DEEP_MODES = frozenset({"I", "I;16", "I;16B", "I;16L", "I;16N", "F"})
_GRAY_MODES = _DEEP_MODES | {"1", "L", "LA", "La"}


class DamagedImage(BadFile):
    """An image file that cannot be decoded. `reason` says why."""

    reason = ""


class ImageHeader(NamedTuple):
    """Size of an image after rotation by its EXIF orientation, and whether it is gray."""

    height: int
    width: int
    gray: bool


ImageSource = str | Path | bytes | bytearray | memoryview | IO[bytes]
"""An image: the path of its file, the bytes of one, or an open binary file, read from its position on."""

LARGEST_FILE = 1 << 30
"""Bytes that are read from an open file at most."""


def read_header(source: ImageSource) -> ImageHeader:
    """Read the header of an image, without its pixels.

    Raises:
        BadFile: [image-missing], [image-file], [image-pixels]
        MissingExtra: [data-extra]
    """
    with _opened(source) as image:
        width, height = image.size
        if _orientation(image) in _SIDEWAYS:
            width, height = height, width
        return ImageHeader(height, width, image.mode in _GRAY_MODES)


def read_image(source: ImageSource, channels: int, size: tuple[int, int] | None = None) -> NDArray[np.uint8]:
    """Read an image as bytes, in gray or color, and resize it to `size` if given.

    The image is a file by its path, the content of one as bytes, or an open binary file; the same limits apply.

    The EXIF orientation is applied, transparent pixels are blended with white, and gray levels of more than 8 bits
    are reduced to 8 (see `eight_bits`). Resizing to (h, w) is bilinear, with antialiasing, and may change the
    aspect ratio.

    Shapes:   → (channels, h, w); channels is 1 or 3
    Raises:   BadFile [image-missing], [image-file], [image-pixels]; MissingExtra [data-extra]
    Source:   EXIF 2.3, orientation
    """
    with _opened(source) as image:
        return _pixels(image, _name_of(source), channels, size)


def _name_of(source: ImageSource) -> str:
    """Return how messages name an image."""
    if isinstance(source, str | Path):
        return str(source)
    if isinstance(source, bytes | bytearray | memoryview):
        return "<bytes>"
    name = getattr(source, "name", None)
    return name if isinstance(name, str) else "<file>"


def _pixels(image: Image, path: str, channels: int, size: tuple[int, int] | None) -> NDArray[np.uint8]:
    from PIL import Image as images
    from PIL import ImageOps

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about malformed metadata
            upright = _on_white(_shallow(ImageOps.exif_transpose(image)))
            plain = upright.convert("L" if channels == 1 else "RGB")
            if size is not None and (plain.height, plain.width) != size:
                plain = plain.resize((size[1], size[0]), images.Resampling.BILINEAR)
            pixels = np.asarray(plain, np.uint8)
    except Exception as error:  # decoders of damaged files raise anything
        raise _damaged(path, error) from None
    return pixels[None] if channels == 1 else np.ascontiguousarray(pixels.transpose(2, 0, 1))


@contextmanager
def _opened(source: ImageSource) -> Iterator[Image]:
    try:
        from PIL import Image
    except ImportError:
        raise missing_library(Message("Reading image files needs Pillow"), "pillow", "data-extra") from None
    path = _name_of(source)
    too_large = BadFile(
        "{path!r} has more than {limit:,} pixels. Resize or remove it. [image-pixels]",
        path=path,
        limit=MOST_PIXELS,
    )
    if isinstance(source, str | Path) and not os.path.isfile(source):
        got = Message("got a folder") if os.path.isdir(source) else Message("no such file")
        raise BadFile("{path!r} is not an image file ({got}). Check the path. [image-missing]", path=path, got=got)
    with ExitStack() as opened:
        try:
            file = opened.enter_context(open_regular(source)) if isinstance(source, str | Path) else _bytes(source)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # about the size: the limit is checked here
                image = opened.enter_context(Image.open(file))
        except Image.DecompressionBombError:
            raise too_large from None
        except Exception as error:  # as above
            raise _damaged(path, error) from None
        if image.width * image.height > MOST_PIXELS:
            raise too_large
        yield image


def _bytes(source: bytes | bytearray | memoryview | IO[bytes]) -> BinaryIO:
    """Return a file in memory, of which Pillow may go back to the start.

    Raises:
        ValueError: For a file that is too large, or open as text.
    """
    if isinstance(source, bytes | bytearray | memoryview):
        return BytesIO(source)
    content = source.read(LARGEST_FILE + 1)
    if not isinstance(content, bytes):
        raise ValueError(Message("a file open as text; open it in binary mode"))
    if len(content) > LARGEST_FILE:
        raise ValueError(Message("more than {limit} GiB", limit=LARGEST_FILE >> 30))
    return BytesIO(content)


def _orientation(image: Image) -> int:
    try:
        return int(image.getexif().get(_ORIENTATION, 1))
    except Exception:  # damaged metadata: the image itself may be intact
        return 1


def _shallow(image: Image) -> Image:
    """Reduce gray levels of more than 8 bits to 8."""
    from PIL import Image as images

    return images.fromarray(eight_bits(np.asarray(image))) if image.mode in _DEEP_MODES else image


def _on_white(image: Image) -> Image:
    from PIL import Image as images

    if "A" not in image.getbands() and "transparency" not in image.info:
        return image
    clear = image.convert("RGBA")
    return images.alpha_composite(images.new("RGBA", clear.size, (255, 255, 255, 255)), clear)


def _damaged(path: str | Path, error: Exception) -> DamagedImage:
    reason = error.args[0] if error.args and isinstance(error.args[0], Message) else str(error)
    reason = reason if isinstance(reason, Message) else (reason.splitlines() or [type(error).__name__])[0]
    if "cannot identify" in reason:
        reason = Message("unknown image format")
    damaged = DamagedImage(
        Message(
            "{path!r} is a damaged image file ({reason}). Repair or replace it. [image-file]",
            path=str(path),
            reason=reason,
        )
    )
    damaged.reason = reason
    return damaged


SCALES = (1, 255, 65535)
"""Possible values of white in a file of floating-point levels."""


def eight_bits(levels: NDArray[Any]) -> NDArray[np.uint8]:
    """Scale gray levels to 0 … 255 and round them.

    White is 65,535 for integers. Files with floating-point levels do not define it: it is taken to be the smallest
    of 1, 255 and 65,535 that is not exceeded.

    Raises:
        ValueError: For levels below 0, above 65,535, or not finite.
    """
    low, high = float(levels.min()), float(levels.max())
    if not (low >= 0 and high <= SCALES[-1]):
        raise ValueError(
            Message(
                "gray levels from {low:g} to {high:g}, supported are 0 to 1, 255 or 65,535", low=low, high=high
            )
        )
    is_integer = np.issubdtype(levels.dtype, np.integer)
    white = SCALES[-1] if is_integer else next(scale for scale in SCALES if high <= scale)
    eight: NDArray[np.uint8] = np.rint(levels * (255 / white)).astype(np.uint8)
    return eight
