"""Localization of NaN and infinity in a training step."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

from ...network import Node
from ...text.language import Message
from ..protocol import Array, Fault
from .layers import Derivatives, Run


def find_fault(passed: Run, loss: float, derivatives: Derivatives) -> Fault | None:
    """Return the first array that is not finite, in the order of computation; None if all are finite."""
    if math.isfinite(loss) and _finite(derivatives.parameters.values()):
        return None
    for node in passed.network.nodes:
        if not _finite(_parameters(node, passed)):
            return Fault(node.name, Message("parameters"))
        if not _finite([passed.values[node.name]]):
            return Fault(node.name, Message("output"))
    for node in reversed(passed.network.layers):
        if node.name in derivatives.values and not _finite([derivatives.values[node.name]]):
            return Fault(node.name, Message("gradient"))
        own = [derivatives.parameters[f"{node.parameters_of}.{name}"] for name in node.trained]
        if not _finite(own):
            return Fault(node.name, Message("gradient of the parameters"))
    return Fault(passed.network.outputs[-1].name, Message("loss"))


def _parameters(node: Node, passed: Run) -> list[Array]:
    return [passed.parameters[f"{node.parameters_of}.{name}"] for name in node.facts.param_shapes]


def _finite(arrays: Iterable[Array]) -> bool:
    return all(bool(np.isfinite(array).all()) for array in arrays)
