"""Detection of failed training: divergence and constant predictions.

Training has diverged if the loss stays above `FACTOR` times its initial level. That level is the loss of the first
batch or the chance loss, whichever is larger, since pretrained networks start low. The loss must stay there for
`STEPS` consecutive steps, or until training ends and for at least half an epoch. Isolated spikes and a rough start
that settles do not count.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from ..arrays import Array
from ..optim.losses import BinaryCrossEntropy, CrossEntropy, Loss
from .evaluation import class_probabilities

if TYPE_CHECKING:
    from ..data.dataset import Dataset
    from ..model import Model

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
