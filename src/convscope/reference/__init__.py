"""The reference engine: every layer forward and backward in NumPy, written to be read.

| file | computes |
|---|---|
| `rules.py` | `forward` and `backward`, asked of every layer; `Context`, `Gradients` |
| `activation.py` | `value` and `derivative` of every activation; `gaussian.py` has Φ |
| `softmax.py` | Softmax, LogSoftmax |
| `convolution.py` | Conv, ConvTranspose |
| `pooling.py` | every pooling |
| `dense.py` | Linear, Embedding, Scale |
| `recurrent.py` | LSTM |
| `normalization.py` | BatchNorm, GroupNorm, InstanceNorm, LayerNorm, LocalResponseNorm |
| `function.py` | Affine, Clamp, Power, Function |
| `reduction.py` | Reduce |
| `merge.py` | Add, Subtract, Multiply, Divide, Maximum, Minimum, Concat, MatMul, MultiheadAttention |
| `rearrange.py` | Flatten, Reshape, Permute, Pad, Crop, Slice, PixelShuffle, ChannelShuffle |
| `indexing.py` | IndexSelect, Roll, Expand |
| `resize.py` | Upsample |
| `special.py` | Identity, Dropout, Parameter |

Convolution and pooling have two twins that must agree: `loops/`, the plain loops of a textbook, and `matrix/`,
im2col with one matrix product and strided views. `sliding.py` says where windows lie, `borders.py` pads.
`losses.py` has losses with their gradients; `graph.py` runs a whole network.
"""

from . import (
    activation,
    convolution,
    dense,
    function,
    indexing,
    merge,
    normalization,
    pooling,
    rearrange,
    recurrent,
    reduction,
    resize,
    softmax,
    special,
)
from .activation import derivative, value
from .graph import Derivatives, Run, run
from .matrix.columns import col2im, im2col
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
