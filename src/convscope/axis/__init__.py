"""Maps from output positions to input positions, along one axis.

Every map implements `AxisMap`. This package is the only home of window arithmetic.
"""

from .bins import Bins
from .map import AxisMap
from .reshape import Folded, Lifted, Placed, lifted
from .resize import Resize
from .sequence import Everything, Prefix, Rolled, prefix_ends
from .spans import Spans, Stretch
from .transposed import TransposedWindow
from .window import Window

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
