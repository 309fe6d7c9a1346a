"""The reference engine: every layer forward and backward in NumPy, written to be read.

Convolution and pooling have two algorithms that must agree: `loops`, a textbook's plain loops, and `im2col`, one
matrix product over strided views. `sliding.py` has the positions of windows, `borders.py` the padding. `graph.py`
runs a whole network.
"""

from ..im2col.columns import col2im, im2col
from . import (
    activation,
    convolution,
    dense,
    elementwise,
    merge,
    normalization,
    pooling,
    rearrange,
    recurrent,
    resize,
    softmax,
    structural,
)
from .activation import derivative, value
from .graph import Derivatives, Run, run
from .rules import Algorithm, Array, Context, Gradients, backward, forward

__all__ = [
    "Algorithm",
    "Array",
    "Context",
    "Derivatives",
    "Gradients",
    "Run",
    "backward",
    "col2im",
    "derivative",
    "forward",
    "im2col",
    "run",
    "value",
]
