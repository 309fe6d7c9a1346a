"""Layers: frozen hyper-parameters and the integer facts that follow from them.

Each module lists its public layers in `__all__`; this package has them all.
"""
# ruff: noqa: F403

from . import (
    activation,
    base,
    convolution,
    dense,
    elementwise,
    indexing,
    merge,
    normalization,
    pooling,
    rearrange,
    recurrent,
    reduction,
    resize,
    structural,
)
from .activation import *
from .base import *
from .convolution import *
from .dense import *
from .elementwise import *
from .indexing import *
from .merge import *
from .normalization import *
from .pooling import *
from .rearrange import *
from .recurrent import *
from .reduction import *
from .resize import *
from .structural import *

__all__: list[str] = []
__all__ += activation.__all__
__all__ += base.__all__
__all__ += convolution.__all__
__all__ += dense.__all__
__all__ += elementwise.__all__
__all__ += indexing.__all__
__all__ += merge.__all__
__all__ += normalization.__all__
__all__ += pooling.__all__
__all__ += rearrange.__all__
__all__ += recurrent.__all__
__all__ += reduction.__all__
__all__ += resize.__all__
__all__ += structural.__all__
