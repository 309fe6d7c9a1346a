"""Memory of a layer's output."""

from __future__ import annotations

from ..layers.connection import Shape
from . import texts
from .derivation import Derivation
from .family import on_shape, product, symbols

ELEMENT_BYTES = 4
"""Activations are float32."""


def memory(shape: Shape, view: bool) -> Derivation:
    """Derive the bytes of an output."""
    sheet = on_shape(shape)
    sheet.know("B", ELEMENT_BYTES, texts.FLOAT32)
    sheet.step("N", product(symbols(shape)), texts.OUTPUTS)
    sheet.step("bytes", "N·B")
    if view:
        sheet.note(texts.SHARED_MEMORY)
    return sheet.finish("activation_bytes", texts.MEMORY)
