"""How each layer is written in ONNX's operators; importing this package registers the writers."""

from . import (
    activation,
    convolution,
    dense,
    merge,
    normalization,
    pooling,
    recurrent,
    shape,
    structural,
)
from .graph import write, write_node

__all__ = [
    "activation",
    "convolution",
    "dense",
    "merge",
    "normalization",
    "pooling",
    "recurrent",
    "shape",
    "structural",
    "write",
    "write_node",
]
