"""Activation functions as a kernel's last step: each sum goes through one before it is written."""

from __future__ import annotations

from dataclasses import dataclass

from .....layers.base import Layer
from ...ir import Code, Vector
from .functions import Settings, formulas
from .pointwise import apply_activation, kind_of, value_at_zero


@dataclass(frozen=True)
class EpilogueFunction:
    """An activation function as a kernel's field."""

    kind: str
    settings: Settings = ()

    @property
    def keeps_zero(self) -> bool:
        """Say whether zeros in empty lanes stay zeros."""
        return value_at_zero(self.kind, self.settings) == 0

    @property
    def heavy(self) -> bool:
        """Say whether it is so long that it is written once, in a loop over a tile's results, not for each."""
        return formulas(self.kind, self.settings).heavy

    def of(self, code: Code, x: Vector) -> Vector:
        """Return the function of a vector."""
        return apply_activation(code, self.kind, self.settings, x)


RELU = EpilogueFunction("relu")


def function_of(layer: Layer) -> EpilogueFunction | None:
    """Return a layer's function, or None where there is no kernel for it."""
    found = kind_of(layer)
    return None if found is None else EpilogueFunction(*found)
