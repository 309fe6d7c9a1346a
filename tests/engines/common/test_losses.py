"""Losses against PyTorch: values, gradients, stability, and what is refused."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from convscope.engines.common import losses
from convscope.errors import BadShape
from engines.reference.settings_of import SEEDS, SOME

SHAPES = st.sampled_from([(4, 3), (3, 5, 7), (2, 4, 5, 3)])
SMOOTHING = st.sampled_from([0.0, 0.1, 0.5])


def same(ours, scores, theirs, rtol=1e-9):
    """Compare a loss with PyTorch's, a function of the scores."""
    tensor = torch.tensor(scores.astype(np.float64), requires_grad=True)
    expected = theirs(tensor)
    expected.backward()
    assert ours.value == pytest.approx(expected.item(), rel=rtol)
    assert ours.gradient.dtype == scores.dtype
    np.testing.assert_allclose(ours.gradient, tensor.grad.numpy(), rtol=rtol, atol=rtol / 100)


def draw_labels(rng, shape):
    return rng.integers(0, shape[1], (shape[0], *shape[2:]))


@SOME
@given(SHAPES, SEEDS, SMOOTHING)
def test_softmax_cross_entropy_is_pytorchs(shape, seed, smoothing):
    """Of scores; also per pixel, with label smoothing, in both number types."""
    rng = np.random.default_rng(seed)
    logits, labels = 5 * rng.normal(size=shape), draw_labels(rng, shape)
    wanted = torch.tensor(labels)
    for dtype, rtol in ((np.float64, 1e-9), (np.float32, 1e-4)):
        ours = losses.softmax_cross_entropy(logits.astype(dtype), labels, smoothing)
        same(ours, logits.astype(dtype), lambda x: F.cross_entropy(x, wanted, label_smoothing=smoothing), rtol)


@SOME
@given(SHAPES, SEEDS, SMOOTHING)
def test_losses_of_scores_and_probabilities_match(shape, seed, smoothing):
    """Carried back through softmax by PyTorch, all three have the gradient of the fused form."""
    rng = np.random.default_rng(seed)
    logits, labels = 3 * rng.normal(size=shape), draw_labels(rng, shape)
    fused = losses.softmax_cross_entropy(logits, labels, smoothing)
    ways = ((torch.softmax, losses.cross_entropy), (torch.log_softmax, losses.negative_log_likelihood))
    for function, loss in ways:
        scores = torch.tensor(logits, requires_grad=True)
        given_out = function(scores, 1)
        ours = loss(given_out.detach().numpy(), labels, smoothing)
        given_out.backward(torch.tensor(ours.gradient))
        assert ours.value == pytest.approx(fused.value, rel=1e-9)
        np.testing.assert_allclose(scores.grad.numpy(), fused.gradient, rtol=1e-9, atol=1e-13)


@SOME
@given(SHAPES, SEEDS)
def test_squared_error_and_binary_cross_entropy_are_pytorchs(shape, seed):
    rng = np.random.default_rng(seed)
    output, target = 4 * rng.normal(size=shape), rng.random(shape)
    wanted = torch.tensor(target)
    same(losses.mean_squared_error(output, target), output, lambda x: F.mse_loss(x, wanted))
    same(
        losses.binary_cross_entropy(output, target),
        output,
        lambda x: F.binary_cross_entropy_with_logits(x, wanted),
    )


def test_huge_scores_give_finite_losses():
    """Ten thousand on the wrong class costs ten thousand; nothing overflows."""
    logits = np.array([[1e4, -1e4], [-1e4, 1e4]])
    fused = losses.softmax_cross_entropy(logits, np.array([1, 1]))
    assert fused.value == 1e4
    np.testing.assert_array_equal(fused.gradient, [[0.5, -0.5], [0, 0]])
    binary = losses.binary_cross_entropy(logits, np.array([[0.0, 0.0], [0.0, 1.0]]))
    assert binary.value == 2500.0
    certain = losses.cross_entropy(np.array([[1.0, 0.0]], np.float32), np.array([1]))
    assert np.isfinite(certain.gradient).all()
    assert certain.value == pytest.approx(-np.log(np.finfo(np.float32).tiny), rel=1e-6)


def test_cross_entropy_ignores_impossible_other_classes():
    logits = np.array([[0.0, -np.inf, 0.0]])
    assert losses.softmax_cross_entropy(logits, np.array([2])).value == pytest.approx(np.log(2))


REFUSED = [
    (
        np.array([0, 3]),
        "labels must be integers from 0 to 2 (got 3). Count classes from 0, or give the network more outputs. "
        "[labels-range]",
    ),
    (
        np.array([0, -1]),
        "labels must be integers from 0 to 2 (got -1). Count classes from 0, or give the network more outputs. "
        "[labels-range]",
    ),
    (
        np.array([0.0, np.nan]),
        "labels must be integers from 0 to 2 (got nan). Count classes from 0, or give the network more outputs. "
        "[labels-range]",
    ),
    (
        np.array([0, 1, 2]),
        "labels must have the shape 2 for scores 2×3 (got labels=3). Give one class per image, or one per "
        "position. [labels-count]",
    ),
]


@pytest.mark.parametrize(("labels", "message"), REFUSED)
@pytest.mark.parametrize(
    "loss", [losses.softmax_cross_entropy, losses.cross_entropy, losses.negative_log_likelihood]
)
def test_labels_of_wrong_shape_are_rejected(loss, labels, message):
    with pytest.raises(BadShape) as error:
        loss(np.full((2, 3), 1 / 3), labels)
    assert str(error.value) == message


@pytest.mark.parametrize("loss", [losses.mean_squared_error, losses.binary_cross_entropy])
def test_target_of_wrong_shape_is_rejected(loss):
    with pytest.raises(BadShape) as error:
        loss(np.zeros((2, 3)), np.zeros((2, 1)))
    assert (
        str(error.value)
        == "target must be 2×3, as the output (got target=2×1). Reshape one of them. [target-shape]"
    )
