"""Whether a training has failed: its loss has exploded, or the model says the same of every image.

A training has diverged when its loss is far above where it began and does not come back. Where it began is the
loss of the first batch, or what a model that knows nothing gets (`chance_loss`) if that is more: a network that
was trained before begins low. Far above is `FACTOR` times that. It does not come back when it has been there for
`STEPS` steps in a row, or when the training ends there and half an epoch's steps or more were so. Single spikes,
and a rough start that settles, are no divergence.
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
"""Images that are looked at to tell whether a model says the same of all."""

MOST_OF_ONE_CLASS = 0.9
"""Share of one class in the sample from which saying that class of every image is no fault."""


def chance_loss(loss: Loss, outputs: int, labels: Array) -> float:
    """Return the loss of a model that knows nothing: even probabilities, or 0 for every target.

    Formula:  ln(outputs) for cross-entropy; ln 2 for yes or no; mean(t²) for squared errors, at most 1 for classes
    """
    if isinstance(loss, CrossEntropy):
        return math.log(max(2, outputs))
    if isinstance(loss, BinaryCrossEntropy):
        return math.log(2)
    return 1.0 if labels.ndim == 1 else float(np.square(labels, dtype=np.float64).mean())


def has_diverged(high_steps: int, batches: int, ended: bool) -> bool:
    """Tell whether so many steps in a row far above the start are a divergence.

    `ended` where the training is over; `batches` are the steps of an epoch.
    """
    return high_steps >= STEPS or (ended and high_steps > 0 and 2 * high_steps >= batches)


def constant_class(model: Model, source: Dataset) -> int | None:
    """Return the class that a model gives for every image of a sample; None where it tells images apart.

    The sample is spread evenly over the data. None, too, where nearly all of it is of that class, and for a
    network whose output is no list of classes.
    """
    if len(model.network.outputs[-1].output_shape) != 1:
        return None
    x, labels = source.batch(np.unique(np.linspace(0, len(source) - 1, SAMPLE).astype(np.int64)))
    found = class_probabilities(model, x).argmax(axis=1)
    same = bool((found == found[0]).all())
    return int(found[0]) if same and (labels == found[0]).mean() < MOST_OF_ONE_CLASS else None
