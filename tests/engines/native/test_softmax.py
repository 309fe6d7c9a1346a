"""Softmax, its logarithm and the cross-entropy against the float64 reference.

Powers are right within 1.5 units in the last place and their arguments within one rounding of x − max, so a
probability is off by some |x − max| + 4 roundings of itself, and a sum over k classes in whole vectors by k / lanes
more; a logarithm is off by as many roundings of 1, and by one of its own size. With scores up to 30, a bound of
4e-6, relative to the number or to 1, leaves room.
"""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convscope.engines.common.losses import log_softmax, softmax_cross_entropy
from convscope.engines.native.kernels.activation.softmax import (
    LogSoftmaxKernel,
    SoftmaxCrossEntropy,
    SoftmaxKernel,
)
from convscope.engines.native.layout import Blocked
from convscope.engines.reference.layers.softmax import softmax

from .assembly import WIDE, spills_in_loops
from .harness import KINDS, call, target_named

BOUND = 4e-6


def layout(classes: int, kind: str) -> Blocked:
    return Blocked(classes, 1, 1, target_named(kind).width)


def rows(kernel: type, x: np.ndarray, kind: str = "host") -> np.ndarray:
    """Return what a kernel makes of plain rows; lanes past the last class must be zero."""
    own = layout(x.shape[1], kind)
    arrays = {"x": own.pack(x), "y": np.full((len(x), own.floats), np.nan, np.float32)}
    return unpacked(own, call(kernel(own.channels, own.lanes), len(x), arrays, kind=kind)["y"])


def unpacked(own: Blocked, array: np.ndarray) -> np.ndarray:
    plain = own.unpack(array)
    np.testing.assert_array_equal(own.pack(plain), array, err_msg="padding lanes")
    return plain.reshape(len(array), -1)


def scored(
    x: np.ndarray, labels: np.ndarray, smoothing: float = 0.0, kind: str = "host", scale: float | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the gradient, the losses and the hits."""
    own, n = layout(x.shape[1], kind), len(x)
    unset = {name: np.full(n, np.nan, np.float32) for name in ("losses", "hits")}
    arrays = {"logits": own.pack(x), "labels": labels.astype(np.int32), **unset}
    arrays["dlogits"] = np.full((n, own.floats), np.nan, np.float32)
    kernel = SoftmaxCrossEntropy(own.channels, own.lanes, smoothing)
    got = call(kernel, n, arrays, {"scale": 1 / n if scale is None else scale}, kind)
    return unpacked(own, got["dlogits"]), got["losses"], got["hits"]


def drawn(n: int, classes: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(seed)
    x = np.clip(4 * draw.normal(size=(n, classes)), -15, 15).astype(np.float32)
    return x, draw.integers(0, classes, n)


def assert_loss(x: np.ndarray, labels: np.ndarray, smoothing: float, kind: str) -> None:
    gradient, losses, hits = scored(x, labels, smoothing, kind)
    exact = softmax_cross_entropy(x.astype(np.float64), labels, smoothing)
    # Where a class is certain, p − 1 keeps the error of p: one rounding of 1 is the least that can be asked for.
    assert np.abs(gradient - exact.gradient).max() <= BOUND / len(x)
    each = [
        softmax_cross_entropy(x[i : i + 1].astype(np.float64), labels[i : i + 1], smoothing).value
        for i in range(len(x))
    ]
    np.testing.assert_allclose(losses, each, rtol=BOUND, atol=BOUND)
    np.testing.assert_array_equal(hits, x.argmax(axis=1) == labels)


@settings(max_examples=10)
@given(
    n=st.integers(1, 9),
    classes=st.integers(1, 70),
    smoothing=st.sampled_from([0.0, 0.1, 1.0]),
    seed=st.integers(0, 99),
)
def test_loss_and_gradient_equal_the_reference(n: int, classes: int, smoothing: float, seed: int) -> None:
    """Any number of classes, with and without smoothing."""
    assert_loss(*drawn(n, classes, seed), smoothing, "host")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("classes", [1, 10, 16, 17, 33])
def test_classes_around_whole_vectors_on_every_instruction_set(kind: str, classes: int) -> None:
    """The loss, softmax and its logarithm."""
    x, labels = drawn(5, classes, classes)
    assert_loss(x, labels, 0.2, kind)
    exact = x.astype(np.float64)
    np.testing.assert_allclose(rows(SoftmaxKernel, x, kind), softmax(exact, 1), rtol=2 * BOUND, atol=0)
    np.testing.assert_allclose(rows(LogSoftmaxKernel, x, kind), log_softmax(exact, 1), rtol=BOUND, atol=BOUND)


@settings(max_examples=6)
@given(n=st.integers(1, 9), classes=st.integers(1, 70), seed=st.integers(0, 99))
def test_softmax_equals_the_reference(n: int, classes: int, seed: int) -> None:
    """Probabilities to a share of themselves, however small."""
    x, _ = drawn(n, classes, seed)
    exact = x.astype(np.float64)
    np.testing.assert_allclose(rows(SoftmaxKernel, x), softmax(exact, 1), rtol=2 * BOUND, atol=0)
    np.testing.assert_allclose(rows(LogSoftmaxKernel, x), log_softmax(exact, 1), rtol=BOUND, atol=BOUND)


def test_scores_of_any_size_stay_finite() -> None:
    """Thousands apart or all thousands: nothing overflows."""
    x = np.array([[5000, 4999, -5000], [-5000, -5000, -5000], [3e38, -3e38, 0]], np.float32)
    gradient, losses, hits = scored(x, np.array([1, 2, 0]), scale=1)
    exact = softmax(x.astype(np.float64), 1) - np.eye(3)[[1, 2, 0]]
    np.testing.assert_allclose(gradient, exact, atol=BOUND)
    np.testing.assert_allclose(losses, [1 + np.log1p(np.exp(-1.0)), np.log(3), 0], atol=BOUND)
    np.testing.assert_array_equal(hits, [0, 0, 1])


def test_gradient_scale_leaves_weight_decay_unchanged() -> None:
    x, labels = drawn(4, 7, 1)
    once, losses, _ = scored(x, labels, scale=1)
    twice, same, _ = scored(x, labels, scale=2)
    np.testing.assert_array_equal(twice, 2 * once)
    np.testing.assert_array_equal(losses, same)


@pytest.mark.parametrize("kind", KINDS)
def test_first_of_equal_scores_is_the_prediction(kind: str) -> None:
    """As NumPy's argmax: the first of equals wins, zeros of both signs are equal, NaN is above all, the first NaN."""
    nan, inf = np.nan, np.inf
    table = np.array(
        [[1, 1, 0], [0.0, -0.0, -1], [nan, 2, 3], [2, nan, nan], [inf, inf, 1], [-inf, -inf, -inf], [1, 2, 2]],
        np.float32,
    )
    wide = np.pad(table, ((0, 0), (18, 0)), constant_values=-1e30)
    wide[5] = -inf
    for x in (table, wide):
        for label in range(x.shape[1]):
            with np.errstate(invalid="ignore"):
                hits = scored(x, np.full(len(x), label), kind=kind)[2]
            np.testing.assert_array_equal(hits, x.argmax(axis=1) == label)


def test_nan_and_infinity_propagate() -> None:
    """They spoil their own image and no other, as in PyTorch; a class at −∞ that is no target costs nothing."""
    x = np.zeros((4, 5), np.float32)
    x[0, 2], x[1, 3], x[2, 4] = np.nan, np.inf, -np.inf
    labels = np.array([0, 1, 1, 1])
    gradient, losses, _ = scored(x, labels)
    assert np.isnan(gradient[:2]).all()
    assert np.isnan(losses[:2]).all()
    np.testing.assert_allclose(losses[2:], np.log([4, 5]), atol=BOUND)
    np.testing.assert_allclose(gradient[2], [1 / 16, -3 / 16, 1 / 16, 1 / 16, 0], atol=BOUND)
    assert scored(x, labels, smoothing=0.1)[1][2] == np.inf
    for kernel, reference in ((SoftmaxKernel, softmax), (LogSoftmaxKernel, log_softmax)):
        with np.errstate(all="ignore"):
            exact = reference(x.astype(np.float64), 1)
        np.testing.assert_allclose(rows(kernel, x), exact, atol=BOUND)


@pytest.mark.parametrize("kind", WIDE)
def test_no_register_is_spilled_in_a_loop(kind: str) -> None:
    """With 32 registers the constants of the exponential stay where they are, from vector to vector."""
    lanes = target_named(kind).width
    for kernel in (SoftmaxKernel, LogSoftmaxKernel, partial(SoftmaxCrossEntropy, smoothing=0.1)):
        assert spills_in_loops(kernel(8 * lanes, lanes), kind) == 0
