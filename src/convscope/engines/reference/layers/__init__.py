"""The reference engine: every layer forward and backward in NumPy, written to be read.

Convolution and pooling have two twins that must agree: `loops/`, the plain loops of a textbook, and `matrix/`,
im2col with one matrix product and strided views. `sliding.py` says where windows lie, `borders.py` pads.
`losses.py` has losses with their gradients; `graph.py` runs a whole network.
"""

from ..im2col.columns import col2im, im2col
from . import (
    activation,
    convolution,
    dense,
    elementwise,
    indexing,
    merge,
    normalization,
    pooling,
    rearrange,
    recurrent,
    reduction,
    resize,
    softmax,
    structural,
)
from .activation import derivative, value
from .graph import Derivatives, Run, run
from .rules import Array, Context, Gradients, Twin, backward, forward

__all__ = [
    "Array",
    "Context",
    "Derivatives",
    "Gradients",
    "Run",
    "Twin",
    "backward",
    "col2im",
    "derivative",
    "forward",
    "im2col",
    "run",
    "value",
]
