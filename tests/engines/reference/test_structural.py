"""Identity and dropout."""

import numpy as np
import pytest

from convscope import layers as L
from convscope.engines.reference.layers import Context, backward, forward
from engines.reference.oracle import case, run_case


def dropped(p, x, seed=3, training=True):
    context = Context(training=training, generator=np.random.default_rng(seed))
    return forward(L.Dropout(p), (x,), {}, context), context


def test_identity_returns_its_input():
    one = case(L.Identity(), ((3, 4, 5),))
    passed = run_case(one)
    np.testing.assert_array_equal(passed.output, one.inputs[0])
    np.testing.assert_array_equal(passed.gradients.inputs[0], passed.grad_output)


@pytest.mark.parametrize("p", [0.1, 0.5, 0.8])
def test_dropout_keeps_a_fraction_and_the_mean(p):
    """What stays is scaled by 1 / (1 − p); the share that stays is 1 − p, within 5 standard deviations."""
    x = np.ones((50, 40, 30))
    output, _ = dropped(p, x)
    np.testing.assert_allclose(np.unique(output), [0, 1 / (1 - p)])
    assert abs((output > 0).mean() - (1 - p)) < 5 * np.sqrt(p * (1 - p) / x.size)


def test_the_gradient_goes_through_the_mask_of_the_forward_pass():
    x = case(L.Dropout(), ((3, 4, 5),)).inputs[0]
    output, context = dropped(0.4, x)
    grad = backward(L.Dropout(0.4), np.ones_like(x), (x,), {}, context).inputs[0]
    np.testing.assert_allclose(grad * x, output)


def test_dropout_uses_the_generator_of_its_context():
    x = np.ones((20, 30))
    np.testing.assert_array_equal(dropped(0.5, x)[0], dropped(0.5, x)[0])
    assert not np.array_equal(dropped(0.5, x)[0], dropped(0.5, x, seed=4)[0])


@pytest.mark.parametrize(("p", "expected"), [(0.0, 1.0), (1.0, 0.0)])
def test_dropout_with_rate_zero_and_one(p, expected):
    output, context = dropped(p, np.ones((20, 30)))
    assert (output == expected).all()
    assert (backward(L.Dropout(p), output, (output,), {}, context).inputs[0] == expected).all()


def test_dropout_at_inference_is_the_identity():
    x = np.ones((20, 30))
    output, context = dropped(0.5, x, training=False)
    np.testing.assert_array_equal(output, x)
    np.testing.assert_array_equal(backward(L.Dropout(), x, (x,), {}, context).inputs[0], x)
