"""Reading image files, and sample images."""

from .file import MOST_PIXELS, DamagedImage, ImageHeader, ImageSource, read_header, read_image
from .fit import Image, load_image, load_whole_image, sample_image, sample_photograph, stretch_note

__all__ = [
    "MOST_PIXELS",
    "DamagedImage",
    "Image",
    "ImageHeader",
    "ImageSource",
    "load_image",
    "load_whole_image",
    "read_header",
    "read_image",
    "sample_image",
    "sample_photograph",
    "stretch_note",
]
