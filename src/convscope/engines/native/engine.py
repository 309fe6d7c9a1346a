"""The native engine."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ...network import Network
from ...text.language import Message
from ..protocol import DType, Precision, Program, Training
from ..reference import ENGINE as REFERENCE


@dataclass(frozen=True)
class NativeEngine:
    """Compiles to vector code. Falls back to the reference engine, with one warning, where this is impossible."""

    name: str = "native"

    def compile(
        self, network: Network, training: Training | None, seed: int, dtype: DType, precision: Precision = "fast"
    ) -> Program:
        """Return a program whose arrays are all zero."""
        reason = "float64" if dtype is not np.float32 else _unusable()
        if reason is not None:
            return REFERENCE.compile(network, training, seed, dtype, precision)
        from .codegen.compiler import this_loader
        from .runtime.program import NativeProgram
        from .runtime.threads import pool

        loader = this_loader()
        return NativeProgram(network, training, seed, precision == "strict", loader, pool(loader))


@lru_cache
def _unusable() -> str | None:
    """Return why no code can be generated here, or None."""
    try:
        from .codegen.compiler import this_loader
        from .runtime.threads import pool

        pool(this_loader())
    except (ImportError, AttributeError, OSError, RuntimeError) as error:  # missing, of another version, or broken
        reason = f"{type(error).__name__}: {error}"
        warnings.warn(
            Message(
                "The native engine cannot be used here ({reason}). Using the slower reference engine.",
                reason=reason,
            ),
            RuntimeWarning,
            stacklevel=4,
        )
        return reason
    return None


ENGINE = NativeEngine()
