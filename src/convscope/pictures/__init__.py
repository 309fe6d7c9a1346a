"""Pictures of a user's own, and one to look at where none is given.

| file | has |
|---|---|
| `file.py` | a picture file of any kind: its head, and its pixels upright, in grey or colour, at a size |
| `levels.py` | grey levels of 16 bits and more, brought to 8 |
| `fit.py` | `load_picture`: a file as large as a network's input, to draw on; a note on stretching; a photograph |
| `scene.py` | `sample_picture`: a house before mountains, drawn by numbers |
"""

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
