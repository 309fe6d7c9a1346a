"""Maps from output positions to input positions, along one axis.

Every map implements `AxisMap`. This package is the only home of window arithmetic.
"""

from .map import AxisMap
from .reshape import Folded, Lifted, Placed, lifted
from .resize import Resize
from .spans import Bins, Everything, Prefix, Rolled, Spans, Stretch, prefix_ends
from .window import TransposedWindow, Window

__all__ = [
    "AxisMap",
    "Bins",
    "Everything",
    "Folded",
    "Lifted",
    "Placed",
    "Prefix",
    "Resize",
    "Rolled",
    "Spans",
    "Stretch",
    "TransposedWindow",
    "Window",
    "lifted",
    "prefix_ends",
]
