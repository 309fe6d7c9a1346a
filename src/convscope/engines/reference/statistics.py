"""Layer statistics of a training step."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from ...layers import Activation
from ...network import Node
from ..protocol import Array, LayerStatistics
from .layers import Run, derivative

SATURATED_BELOW = 0.05
"""An element is saturated if the derivative is below this fraction of its maximum."""


def layer_statistics(
    passed: Run, gradients: Mapping[str, Array], before: Mapping[str, Array], after: Mapping[str, Array]
) -> dict[str, LayerStatistics]:
    """Return the statistics of every layer that has some, from a step's arrays before and after the update.

    Frozen parameters are not included.
    """
    found: dict[str, LayerStatistics] = {}
    for node in passed.network.layers:
        statistics = _of_activation(node, passed)
        names = [f"{node.name}.{name}" for name in node.trained] if node.owns_parameters else []
        if names:
            statistics = replace(
                statistics,
                gradient_norm=_norm([gradients[name] for name in names]),
                update_norm=_norm([after[name] - before[name] for name in names]),
                parameter_norm=_norm([before[name] for name in names]),
            )
        if names or statistics.zero_fraction is not None or statistics.saturated_fraction is not None:
            found[node.name] = statistics
    return found


def _of_activation(node: Node, passed: Run) -> LayerStatistics:
    if not isinstance(node.layer, Activation):
        return LayerStatistics()
    properties = node.layer.properties
    if properties.dies:
        output = passed.values[node.name]
        others = tuple(axis for axis in range(output.ndim) if axis != 1)
        return LayerStatistics(zero_fraction=(output == 0).mean(axis=others))
    if len(properties.saturates) == 2:
        slopes = np.abs(derivative(node.layer, passed.values[node.inputs[0]]))
        return LayerStatistics(saturated_fraction=float((slopes < SATURATED_BELOW * properties.max_slope).mean()))
    return LayerStatistics()


def _norm(arrays: list[Array]) -> float:
    return math.sqrt(sum(float(np.square(array, dtype=np.float64).sum()) for array in arrays))
