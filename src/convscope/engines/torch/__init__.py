"""Torch engine: PyTorch's modules, autograd and optimizers."""

from __future__ import annotations

from dataclasses import dataclass

from ...network import Network
from ..protocol import DType, Precision, Program, Training
from .installed import imported


@dataclass(frozen=True)
class TorchEngine:
    """Compiles to PyTorch modules, on the CPU."""

    name: str = "torch"

    def compile(
        self, network: Network, training: Training | None, seed: int, dtype: DType, precision: Precision = "fast"
    ) -> Program:
        """Return a program whose arrays are all zero; PyTorch chooses its algorithms by itself either way.

        Errors:   MissingExtra [torch-missing]; NoRule [no-torch] for a layer that PyTorch does not have
        """
        imported()
        from .program import TorchProgram

        return TorchProgram(network, training, seed, dtype)


ENGINE = TorchEngine()
