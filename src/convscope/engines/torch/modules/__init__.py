"""The PyTorch module of each layer. Layers that PyTorch has as modules are those; others are small ones here."""

from . import elementwise, learned, rearrange, windows
from .rule import module_of

__all__ = ["elementwise", "learned", "module_of", "rearrange", "windows"]
