"""The reference engine: every layer forward and backward in NumPy, written to be read.

| file | computes |
|---|---|
| `rules.py` | `forward` and `backward`, asked of every layer; `Context`, `Gradients` |
| `activation.py` | `value` and `derivative` of every activation; softmax; `gaussian.py` has Φ |
"""

from . import activation
from .activation import derivative, value
from .rules import Array, Context, Gradients, Twin, backward, forward
