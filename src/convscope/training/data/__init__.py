"""Labelled pictures to train on.

| file | has |
|---|---|
| `source.py` | `Source`: what training asks of data |
| `arrays.py` | `ArraySource`: pictures and labels in memory |
"""

from .arrays import ArraySource
from .source import Source

__all__ = ["ArraySource", "Source"]
