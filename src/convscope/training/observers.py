"""Statistics of layers during an epoch: dead units, saturation, gradients and updates."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from ..arrays import Array
from ..engines.protocol import LayerStatistics
from ..text.language import Message

OBSERVATIONS = 10
"""Observed steps per epoch, spread evenly. The last step is always observed."""

_PREFIX = "observer/"


class Observer:
    """Accumulates the statistics of the observed steps of one epoch.

    A unit is dead if its output was exactly 0 for every image, at every position, in every observed step.
    """

    def __init__(self) -> None:
        self._active: dict[str, Array] = {}
        self._sums: dict[str, dict[str, list[float]]] = {}

    def wants(self, batch: int, batches: int) -> bool:
        """Return whether to observe this batch."""
        every = max(1, batches // OBSERVATIONS)
        return (batches - 1 - batch) % every == 0

    def add(self, statistics: Mapping[str, LayerStatistics]) -> None:
        """Add the statistics of one step."""
        for layer, seen in statistics.items():
            if seen.zero_fraction is not None:
                active = seen.zero_fraction < 1
                before = self._active.get(layer)
                self._active[layer] = active if before is None else before | active
            self._count(layer, "saturated", seen.saturated_fraction)
            self._count(layer, "gradient_norm", seen.gradient_norm)
            if seen.update_norm is not None and seen.parameter_norm:
                self._count(layer, "update_ratio", seen.update_norm / seen.parameter_norm)

    def summary(self) -> dict[str, dict[str, Any]]:
        """Return the numbers of dead and all units, and means over the observed steps, by layer."""
        layers: dict[str, dict[str, Any]] = {}
        for layer, active in self._active.items():
            layers[layer] = {"dead": int((~active).sum()), "units": active.size}
        for layer, sums in self._sums.items():
            means = {name: total / count for name, (total, count) in sums.items()}
            layers.setdefault(layer, {}).update(means)
        # Arrays from a checkpoint are in another order, but a resumed run must write the same log.
        return {layer: dict(sorted(layers[layer].items())) for layer in sorted(layers)}

    def clear(self) -> None:
        """Reset the statistics for a new epoch."""
        self._active.clear()
        self._sums.clear()

    def state(self) -> dict[str, Array]:
        """Return the statistics as arrays, for a checkpoint."""
        arrays = {f"{_PREFIX}{layer}/active": active for layer, active in self._active.items()}
        for layer, sums in self._sums.items():
            for name, pair in sums.items():
                arrays[f"{_PREFIX}{layer}/{name}"] = np.array(pair, np.float64)
        return arrays

    def restore(self, arrays: Mapping[str, Array]) -> None:
        """Restore the statistics from the arrays of a checkpoint. Other arrays are ignored.

        Raises:
            ValueError: For an unknown array of an observer.
        """
        self.clear()
        for full, array in arrays.items():
            if not full.startswith(_PREFIX):
                continue
            layer, _, name = full.removeprefix(_PREFIX).rpartition("/")
            if name == "active" and array.dtype == bool:
                self._active[layer] = array
            elif name != "active" and array.shape == (2,) and array[1] > 0:
                self._sums.setdefault(layer, {})[name] = [float(number) for number in array]
            else:
                raise ValueError(Message("an unknown observer array {name!r}", name=full))

    def _count(self, layer: str, name: str, value: float | None) -> None:
        if value is not None and math.isfinite(value):
            pair = self._sums.setdefault(layer, {}).setdefault(name, [0.0, 0.0])
            pair[0] += value
            pair[1] += 1
