"""One spatial axis at a time: which input positions an output position is made from.

| file | map |
|---|---|
| `window.py` | a sliding window: convolution, pooling, padding, cropping, slicing |
| `transposed.py` | the same window run backwards: transposed convolution |
| `resize.py` | nearest and interpolating resize, pixel shuffle |
| `bins.py` | adaptive pooling's uneven bins |
| `reshape.py` | positions folded into one flat axis |
| `spans.py` | any list of intervals: spatial pyramids |

Each map answers the same questions (see `AxisMap`). This is the only place with such arithmetic.
"""

from .bins import Bins
from .map import AxisMap
from .reshape import Folded
from .resize import Resize
from .spans import Spans
from .transposed import TransposedWindow
from .window import Window

__all__ = ["AxisMap", "Bins", "Folded", "Resize", "Spans", "TransposedWindow", "Window"]
