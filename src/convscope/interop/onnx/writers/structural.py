"""Identity, Dropout, Parameter."""

from __future__ import annotations

import numpy as np

from ....layers.structural import Dropout, Identity, Parameter
from .graph import LayerWriter, write


@write.register
def _(layer: Identity, task: LayerWriter) -> None:
    task.add("Identity", [task.x])


@write.register
def _(layer: Dropout, task: LayerWriter) -> None:
    task.add("Dropout", [task.x, task.number("ratio", layer.p)])


@write.register
def _(layer: Parameter, task: LayerWriter) -> None:
    """The array once for every image of the batch."""
    store, part = (task.parameter, "weight") if layer.learned else (task.fixed, "value")
    array = store(part, lambda values: values[None], "one")
    count = task.add("Shape", [task.x], "count", start=0, end=1)
    ones = task.tensor("ones", np.ones(len(layer.shape), np.int64))
    sizes = task.add("Concat", [count, ones], "sizes", axis=0)
    task.add("Expand", [array, sizes])
