"""How each layer is written in ONNX's operators; importing this package registers the writers.

| file | layers |
|---|---|
| `graph.py`, `task.py` | the graph that is written, and one layer's part of it |
| `convolution.py`, `pooling.py`, `dense.py`, `recurrent.py`, `normalization.py` | windows, parameters |
| `activation.py`, `merge.py`, `rearrange.py`, `special.py` | the others |
"""

from . import (
    activation,
    convolution,
    dense,
    merge,
    normalization,
    pooling,
    rearrange,
    recurrent,
    special,
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
