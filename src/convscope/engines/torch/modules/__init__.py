"""The PyTorch module of each layer. Layers that PyTorch has as modules are those; others are small ones here.

| file | has |
|---|---|
| `rule.py` | `module_of`, which the others extend |
| `windows.py`, `window_modules.py` | convolution, pooling, padding, interpolation |
| `learned.py` | dense, embedding, recurrent, attention, arrays |
| `normalization.py`, `elementwise.py`, `rearrange.py` | what their names say |
| `apply.py` | a function of tensors as a module |
"""

from . import elementwise, learned, normalization, rearrange, windows
from .rule import module_of

__all__ = ["elementwise", "learned", "module_of", "normalization", "rearrange", "windows"]
