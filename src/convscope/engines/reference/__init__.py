"""Reference engine: a readable NumPy implementation that the other engines are tested against."""

from __future__ import annotations

from dataclasses import dataclass

from ...network import Network
from ..protocol import DType, Precision, Training
from .program import ReferenceProgram


@dataclass(frozen=True)
class ReferenceEngine:
    """Compiles to NumPy."""

    name: str = "reference"

    def compile(
        self, network: Network, training: Training | None, seed: int, dtype: DType, precision: Precision = "fast"
    ) -> ReferenceProgram:
        """Return a program whose arrays are all zero. Both precisions are the same."""
        return ReferenceProgram(network, training, seed, dtype)


ENGINE = ReferenceEngine()
