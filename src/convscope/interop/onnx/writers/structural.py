"""Identity, Dropout, Parameter."""

from __future__ import annotations

import numpy as np

from ....layers.structural import Dropout, Identity, Parameter
from .graph import LayerWriter, write


@write.register
def _(layer: Identity, writer: LayerWriter) -> None:
    writer.add("Identity", [writer.x])


@write.register
def _(layer: Dropout, writer: LayerWriter) -> None:
    writer.add("Dropout", [writer.x, writer.scalar("ratio", layer.p)])


@write.register
def _(layer: Parameter, writer: LayerWriter) -> None:
    """The array, expanded to the batch size."""
    store, part = (writer.parameter, "weight") if layer.learned else (writer.fixed, "value")
    array = store(part, lambda values: values[None], "one")
    count = writer.add("Shape", [writer.x], "count", start=0, end=1)
    ones = writer.tensor("ones", np.ones(len(layer.shape), np.int64))
    sizes = writer.add("Concat", [count, ones], "sizes", axis=0)
    writer.add("Expand", [array, sizes])
