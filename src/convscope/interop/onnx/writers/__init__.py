"""Writers of layers as ONNX operators, one module per family."""

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
