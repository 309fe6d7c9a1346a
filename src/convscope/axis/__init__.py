"""One spatial axis at a time: which input positions an output position is made from.

Each map answers the same questions (see `AxisMap`). This is the only place with such arithmetic.
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
