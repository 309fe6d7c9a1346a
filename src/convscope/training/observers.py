"""What the layers do during an epoch: dead units, saturation, and how large gradients and updates are."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from ..arrays import Array
from ..engines.protocol import LayerStatistics

OBSERVATIONS = 10
"""Steps of an epoch that are looked at, spread evenly; the last is always one."""

_PREFIX = "observer/"


class Observer:
    """Sums up the statistics of the observed steps of one epoch.

    A unit is dead when its output was exactly 0 for every image, at every position, in every observed step.
    """

    def __init__(self) -> None:
        self._active: dict[str, Array] = {}
        self._sums: dict[str, dict[str, list[float]]] = {}

    def wants(self, batch: int, batches: int) -> bool:
        """Tell whether to observe this batch."""
        every = max(1, batches // OBSERVATIONS)
        return (batches - 1 - batch) % every == 0

    def add(self, statistics: Mapping[str, LayerStatistics]) -> None:
        """Take in what one step showed."""
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
        """Return, by layer: dead and all units, and means over the observed steps."""
        layers: dict[str, dict[str, Any]] = {}
        for layer, active in self._active.items():
            layers[layer] = {"dead": int((~active).sum()), "units": active.size}
        for layer, sums in self._sums.items():
            means = {name: total / count for name, (total, count) in sums.items()}
            layers.setdefault(layer, {}).update(means)
        # A checkpoint gives arrays back in another order: the log must not show it.
        return {layer: dict(sorted(layers[layer].items())) for layer in sorted(layers)}

    def clear(self) -> None:
        """Begin a new epoch."""
        self._active.clear()
        self._sums.clear()

    def state(self) -> dict[str, Array]:
        """Return everything known as arrays, for a checkpoint."""
        arrays = {f"{_PREFIX}{layer}/active": active for layer, active in self._active.items()}
        for layer, sums in self._sums.items():
            for name, pair in sums.items():
                arrays[f"{_PREFIX}{layer}/{name}"] = np.array(pair, np.float64)
        return arrays

    def restore(self, arrays: Mapping[str, Array]) -> None:
        """Go on from the arrays of a checkpoint; others among them are left alone.

        Errors:   ValueError for an array that is none of `state`'s
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
                raise ValueError(f"an array {full!r} that no observer has written")

    def _count(self, layer: str, name: str, value: float | None) -> None:
        if value is not None and math.isfinite(value):
            pair = self._sums.setdefault(layer, {}).setdefault(name, [0.0, 0.0])
            pair[0] += value
            pair[1] += 1
