"""How each layer is written in ONNX's operators; importing this package registers the writers."""

from . import (
    activation,
    convolution,
    dense,
    merge,
    normalization,
    pooling,
    rearrange,
    recurrent,
    structural,
)
from .task import write, write_node

__all__ = [
    "activation",
    "convolution",
    "dense",
    "merge",
    "normalization",
    "pooling",
    "rearrange",
    "recurrent",
    "special",
    "write",
    "write_node",
]
