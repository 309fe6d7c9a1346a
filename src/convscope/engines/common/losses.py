"""Losses with their gradients and the number of correct predictions, averaged over the batch and positions."""

from __future__ import annotations

from functools import singledispatch
from typing import NamedTuple

import numpy as np

from ...errors import BadSetting, BadShape
from ...layers.base import show_shape
from ...optim.losses import BinaryCrossEntropy, CrossEntropy, Loss, MeanSquaredError
from ..protocol import Array


class LossValue(NamedTuple):
    """The mean loss, and its gradient with respect to the network's output."""

    value: float
    gradient: Array


def softmax_cross_entropy(logits: Array, labels: Array, label_smoothing: float = 0.0) -> LossValue:
    """Cross-entropy of scores: softmax and −ln p combined, which is numerically stable.

    Shapes:   logits (n, k, …), labels (n, …) integers from 0 to k − 1
    Formula:  mean of −Σ t·ln softmax(x), t = 1 − s + s/k for the label and s/k for the others; gradient
              (softmax(x) − t) / count
    Errors:   BadShape [labels-count], [labels-range]

    >>> softmax_cross_entropy(np.array([[0.0, 0.0]]), np.array([1])).gradient
    array([[ 0.5, -0.5]])
    """
    log_p = log_softmax(logits, 1)
    targets = _targets(labels, logits, label_smoothing)
    return LossValue(_mean(log_p, targets), (np.exp(log_p) - targets) / labels.size)


def negative_log_likelihood(log_p: Array, labels: Array, label_smoothing: float = 0.0) -> LossValue:
    """Cross-entropy of log-probabilities (of LogSoftmax).

    Shapes:   log_p (n, k, …), labels (n, …) integers from 0 to k − 1
    Errors:   BadShape [labels-count], [labels-range]
    """
    targets = _targets(labels, log_p, label_smoothing)
    return LossValue(_mean(log_p, targets), -targets / labels.size)


def cross_entropy(p: Array, labels: Array, label_smoothing: float = 0.0) -> LossValue:
    """Cross-entropy of probabilities (of Softmax). A probability of 0 counts as the smallest positive float.

    Shapes:   p (n, k, …), labels (n, …) integers from 0 to k − 1
    Errors:   BadShape [labels-count], [labels-range]
    """
    targets = _targets(labels, p, label_smoothing)
    inside = np.maximum(p, np.finfo(p.dtype).tiny)  # so that a certain mistake stays finite
    return LossValue(_mean(np.log(inside), targets), -targets / inside / labels.size)


def mean_squared_error(output: Array, target: Array) -> LossValue:
    """Mean squared error over all elements.

    Shapes:   output and target the same
    Errors:   BadShape [target-shape]
    """
    _same(output, target)
    difference = output - target.astype(output.dtype)
    return LossValue(float(np.square(difference).mean(dtype=np.float64)), 2 * difference / difference.size)


def binary_cross_entropy(logits: Array, target: Array) -> LossValue:
    """Elementwise binary cross-entropy of scores: sigmoid and −ln p combined.

    Shapes:   logits and target the same
    Formula:  mean of max(x, 0) − x·t + ln(1 + e^−|x|); gradient (σ(x) − t) / count
    Errors:   BadShape [target-shape]
    """
    _same(logits, target)
    t = target.astype(logits.dtype)
    small = np.exp(-np.abs(logits))
    losses = np.maximum(logits, 0) - logits * t + np.log1p(small)
    yes = np.where(logits < 0, small, 1) / (1 + small)
    return LossValue(float(losses.mean(dtype=np.float64)), ((yes - t) / logits.size).astype(logits.dtype))


def log_softmax(x: Array, axis: int) -> Array:
    """Return x − max − ln Σ e^(x − max) along an axis."""
    with np.errstate(invalid="ignore"):
        below = x - x.max(axis=axis, keepdims=True)
    result: Array = below - np.log(np.exp(below).sum(axis=axis, keepdims=True))
    return result


def _mean(log_p: Array, targets: Array) -> float:
    # A class that is no target weighs nothing, even at ln 0 = −∞.
    products = np.where(targets == 0, 0, targets * np.where(targets == 0, 0, log_p))
    return float(-products.sum(dtype=np.float64) / (log_p.size / log_p.shape[1]))


def _targets(labels: Array, scores: Array, smoothing: float) -> Array:
    """Return the target probabilities, in the shape of the scores."""
    expected = (scores.shape[0], *scores.shape[2:])
    if labels.shape != expected:
        raise BadShape(
            "labels must have the shape {expected} for scores {scores} (got labels={labels}). Give one class per "
            "image, or one per position. [labels-count]",
            expected=show_shape(expected),
            scores=show_shape(scores.shape),
            labels=show_shape(labels.shape),
        )
    classes = scores.shape[1]
    with np.errstate(invalid="ignore"):  # NaN is rejected below
        whole = labels.astype(np.int64)
    wrong = (whole != labels) | (whole < 0) | (whole >= classes)
    if wrong.any():
        raise BadShape(
            "labels must be integers from 0 to {last} (got {label}). Count classes from 0, or give the network "
            "more outputs. [labels-range]",
            last=classes - 1,
            label=labels[wrong].flat[0],
        )
    targets = np.full(scores.shape, smoothing / classes, scores.dtype)
    np.put_along_axis(targets, whole[:, None], 1 - smoothing + smoothing / classes, axis=1)
    return targets


def _same(output: Array, target: Array) -> None:
    if output.shape != target.shape:
        raise BadShape(
            "target must be {expected}, as the output (got target={target}). Reshape one of them. [target-shape]",
            expected=show_shape(output.shape),
            target=show_shape(target.shape),
        )


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
    value, gradient = softmax_cross_entropy(scores, labels, loss.label_smoothing)
    return Score(value, gradient, int((scores.argmax(axis=1) == labels).sum()), labels.size)


@score.register
def _(loss: MeanSquaredError, scores: Array, labels: Array) -> Score:
    wanted = _wanted(scores, labels)
    value, gradient = mean_squared_error(scores, wanted)
    return Score(value, gradient, *_met(scores, labels, 0.5))


@score.register
def _(loss: BinaryCrossEntropy, scores: Array, labels: Array) -> Score:
    wanted = _wanted(scores, labels)
    value, gradient = binary_cross_entropy(scores, wanted)
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
