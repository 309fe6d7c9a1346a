"""Losses with their gradients and the number of correct predictions."""

from __future__ import annotations

from functools import singledispatch
from typing import NamedTuple

import numpy as np

from ...errors import BadSetting, BadShape
from ...layers.base import show_shape
from ...optim.losses import BinaryCrossEntropy, CrossEntropy, Loss, MeanSquaredError
from ..protocol import Array
from . import loss_functions as losses


class Score(NamedTuple):
    """A batch's mean loss, its gradient with respect to the scores, and the number of correct predictions."""

    loss: float
    gradient: Array
    correct: int | None
    targets: int


@singledispatch
def score(loss: Loss, scores: Array, labels: Array) -> Score:
    """Compute the loss of scores for labels: class indices, or an array of the scores' shape.

    Errors:   BadShape [labels-count], [labels-range], [target-shape]
    """
    raise BadSetting(
        "There is no rule to compute the loss {loss}. Use cross_entropy, mse or bce. [no-score]",
        loss=type(loss).__name__,
    )


@score.register
def _(loss: CrossEntropy, scores: Array, labels: Array) -> Score:
    value, gradient = losses.softmax_cross_entropy(scores, labels, loss.label_smoothing)
    return Score(value, gradient, int((scores.argmax(axis=1) == labels).sum()), labels.size)


@score.register
def _(loss: MeanSquaredError, scores: Array, labels: Array) -> Score:
    wanted = _wanted(scores, labels)
    value, gradient = losses.mean_squared_error(scores, wanted)
    return Score(value, gradient, *_met(scores, labels, 0.5))


@score.register
def _(loss: BinaryCrossEntropy, scores: Array, labels: Array) -> Score:
    wanted = _wanted(scores, labels)
    value, gradient = losses.binary_cross_entropy(scores, wanted)
    return Score(value, gradient, *_met(scores, labels, 0.0))


def _wanted(scores: Array, labels: Array) -> Array:
    """Return class indices as one-hot targets; other targets unchanged."""
    if not _are_classes(labels):
        return labels
    if scores.ndim != 2 or len(labels) != len(scores):
        raise BadShape(
            "labels must have the shape {expected} for scores {scores} (got labels={labels}). Give targets in the "
            "shape of the scores. [labels-count]",
            expected=len(scores),
            scores=show_shape(scores.shape),
            labels=show_shape(labels.shape),
        )
    classes = max(2, scores.shape[1])
    wrong = (labels < 0) | (labels >= classes)
    if wrong.any():
        raise BadShape(
            "labels must be integers from 0 to {last} (got {label}). Count classes from 0, or give the network "
            "more outputs. [labels-range]",
            last=classes - 1,
            label=labels[wrong][0],
        )
    if scores.shape[1] == 1:
        return labels[:, None].astype(scores.dtype)
    return np.equal(labels[:, None], np.arange(classes)).astype(scores.dtype)


def _are_classes(labels: Array) -> bool:
    return labels.ndim == 1 and np.issubdtype(labels.dtype, np.integer)


def _met(scores: Array, labels: Array, threshold: float) -> tuple[int | None, int]:
    """Count the images whose class has the largest score, or is on the correct side of the threshold."""
    if not _are_classes(labels):
        return None, len(scores)
    chosen = scores.argmax(axis=1) if scores.shape[1] > 1 else scores[:, 0] > threshold
    return int((chosen == labels).sum()), len(scores)
