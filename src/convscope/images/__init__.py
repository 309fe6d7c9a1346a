"""Pictures of a user's own, and one to look at where none is given."""

from .file import MOST_PIXELS, DamagedImage, PictureHeader, read_header, read_picture
from .fit import Picture, load_picture, load_whole_picture, sample_photograph, sample_picture, stretch_note

__all__ = [
    "MOST_PIXELS",
    "DamagedImage",
    "Picture",
    "PictureHeader",
    "load_picture",
    "load_whole_picture",
    "read_header",
    "read_picture",
    "sample_photograph",
    "sample_picture",
    "stretch_note",
]
