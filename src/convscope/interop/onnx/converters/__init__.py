"""One converter per operator and version; importing this package registers them.

| file | operators |
|---|---|
| `convolution.py` | Conv, ConvTranspose |
| `pooling.py` | MaxPool, AveragePool, LpPool, global pooling |
| `dense.py` | Gemm, MatMul, Gather with a table; a bias added after a product |
| `einsum.py` | Einsum |
| `normalization.py` | BatchNormalization, LayerNormalization and their kin, LRN |
| `activation.py` | Relu and its kin, Clip, Softmax, LogSoftmax |
| `patterns.py` | functions that older files write as several nodes: SiLU, GELU, Mish, LayerNorm |
| `elementwise.py` | Add, Mul, Max and their kin, Where with fixed places, functions of one number |
| `reduction.py` | ReduceMean and its kin |
| `rearrange.py` | Reshape, Transpose, Flatten, Squeeze, Unsqueeze, Expand, Tile, DepthToSpace, SpaceToDepth |
| `cutting.py` | Concat, Split, Slice, Pad |
| `picking.py` | Gather and GatherND with fixed indices, ScatterND of a block |
| `resize.py` | Resize, Upsample |
| `recurrent.py` | LSTM |
| `special.py` | Identity, Dropout, Cast |
"""

from . import (
    activation,
    convolution,
    cutting,
    dense,
    einsum,
    elementwise,
    normalization,
    picking,
    pooling,
    rearrange,
    recurrent,
    reduction,
    resize,
    special,
)

__all__ = [
    "activation",
    "convolution",
    "cutting",
    "dense",
    "einsum",
    "elementwise",
    "normalization",
    "picking",
    "pooling",
    "rearrange",
    "recurrent",
    "reduction",
    "resize",
    "special",
]
