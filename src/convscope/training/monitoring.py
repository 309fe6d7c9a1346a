"""Statistics of layers during an epoch, and detection of failed training.

Training has diverged if the loss stays above `FACTOR` times its initial level. That level is the loss of the first
batch or the chance loss, whichever is larger, since pretrained networks start low. The loss must stay there for
`STEPS` consecutive steps, or until training ends and for at least half an epoch. Isolated spikes and a rough start
that settles do not count.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ..arrays import Array
from ..engines.protocol import LayerStatistics
from ..optim.losses import BinaryCrossEntropy, CrossEntropy, Loss
from ..text.language import Message
from .evaluation import class_probabilities

if TYPE_CHECKING:
    from ..data.dataset import Dataset
    from ..model import Model


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


FACTOR = 10.0
STEPS = 100

SAMPLE = 64
"""Number of images on which constant predictions are detected."""

MOST_OF_ONE_CLASS = 0.9
"""Fraction of one class in the sample from which predicting only that class is acceptable."""


def chance_loss(loss: Loss, outputs: int, labels: Array) -> float:
    """Return the loss of an untrained model: of uniform probabilities, or of 0 for every target.

    Formula:  ln(outputs) for cross-entropy; ln 2 for binary; mean(t²) for squared errors, 1 for class labels
    """
    if isinstance(loss, CrossEntropy):
        return math.log(max(2, outputs))
    if isinstance(loss, BinaryCrossEntropy):
        return math.log(2)
    return 1.0 if labels.ndim == 1 else float(np.square(labels, dtype=np.float64).mean())


def has_diverged(high_steps: int, batches: int, ended: bool) -> bool:
    """Return whether training has diverged.

    Args:
        high_steps: Number of consecutive steps, up to the last one, with a loss above the limit.
        batches: Steps per epoch.
        ended: Whether training is over.
    """
    return high_steps >= STEPS or (ended and high_steps > 0 and 2 * high_steps >= batches)


def constant_class(model: Model, source: Dataset) -> int | None:
    """Return the class that a model predicts for every image of a sample, or None if predictions differ.

    The sample is spread evenly over the dataset. The result is also None if nearly all of it has that class, or if
    the network is no classifier.
    """
    if len(model.network.outputs[-1].output_shape) != 1:
        return None
    x, labels = source.batch(np.unique(np.linspace(0, len(source) - 1, SAMPLE).astype(np.int64)))
    found = class_probabilities(model, x).argmax(axis=1)
    same = bool((found == found[0]).all())
    return int(found[0]) if same and (labels == found[0]).mean() < MOST_OF_ONE_CLASS else None
