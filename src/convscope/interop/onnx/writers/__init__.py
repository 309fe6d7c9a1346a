"""Writers of layers as ONNX operators, by layer family; importing this package registers them."""

from . import (
    activation,
    convolution,
    dense,
    elementwise,
    normalization,
    pooling,
    recurrent,
    shape,
)
from .graph import write, write_node

__all__ = [
    "activation",
    "convolution",
    "dense",
    "elementwise",
    "normalization",
    "pooling",
    "recurrent",
    "shape",
    "write",
    "write_node",
]
