"""The question this package asks of every layer: which kernels are you?"""

from __future__ import annotations

from functools import singledispatch

from ....layers.base import Layer
from ....network import Node
from .lowering import Lowering, NotLowered


@singledispatch
def lower(layer: Layer, node: Node, lowering: Lowering) -> None:
    """Write a layer's forward pass, and remember how its backward pass is written.

    Errors:   NotLowered for a layer that has no kernel, or none for these settings; nothing is written then
    """
    raise NotLowered(f"no kernel for {layer.kind}")
