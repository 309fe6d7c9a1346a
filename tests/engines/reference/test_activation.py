"""Activation functions: values, derivatives at and off the kinks, and no overflow anywhere."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from convscope import layers as L
from convscope.engines.reference.layers import derivative, gaussian, value
from convscope.errors import NoRule
from engines.reference.oracle import case, like_torch
from engines.reference.settings_of import SEEDS, SOME, images

FUNCTIONS = {
    L.Sigmoid(): torch.sigmoid,
    L.Tanh(): torch.tanh,
    L.ReLU(): F.relu,
    L.ReLU6(): F.relu6,
    L.LeakyReLU(0.2): lambda x: F.leaky_relu(x, 0.2),
    L.LeakyReLU(0.0): lambda x: F.leaky_relu(x, 0.0),
    L.PReLU(init=0.3): lambda x: F.prelu(x, torch.tensor([0.3], dtype=x.dtype)),
    L.ELU(1.3): lambda x: F.elu(x, 1.3),
    L.SELU(): F.selu,
    L.GELU(): F.gelu,
    L.GELU("tanh"): lambda x: F.gelu(x, approximate="tanh"),
    L.SiLU(): F.silu,
    L.Mish(): F.mish,
    L.Softplus(): lambda x: torch.logaddexp(x, torch.zeros_like(x)),  # softplus itself is cut off at 20
    L.Hardsigmoid(): F.hardsigmoid,
    L.Hardswish(): F.hardswish,
}
KINKS = [-3.0, -0.0, 0.0, 3.0, 6.0]
FAR = [-1e4, -745.0, -89.0, 89.0, 710.0, 1e4]
every = pytest.mark.parametrize(("layer", "function"), FUNCTIONS.items(), ids=map(repr, FUNCTIONS))


def test_every_activation_is_covered():
    kinds = {k for k in vars(L).values() if isinstance(k, type) and issubclass(k, L.Activation)} - {L.Activation}
    assert {type(layer) for layer in FUNCTIONS} == kinds


def slope(function, x):
    x = torch.tensor(x, requires_grad=True)
    return torch.autograd.grad(function(x).sum(), x)[0].numpy()


@every
def test_value_and_derivative_are_pytorchs_also_at_kinks_and_far_out(layer, function):
    x = np.concatenate([np.linspace(-12, 12, 4801), KINKS, FAR])
    np.testing.assert_allclose(value(layer, x), function(torch.tensor(x)).numpy(), rtol=1e-9, atol=1e-13)
    rtol = 1e-7 if isinstance(layer, L.Hardsigmoid) else 1e-9  # PyTorch holds its 1/6 in float32
    np.testing.assert_allclose(derivative(layer, x), slope(function, x), rtol=rtol, atol=1e-12)


@every
@pytest.mark.parametrize("x", [-math.inf, math.inf, math.nan])
def test_values_of_infinity_and_nan_are_pytorchs(layer, function, x):
    np.testing.assert_equal(value(layer, np.array([x])), function(torch.tensor([x], dtype=torch.float64)).numpy())


@every
def test_nothing_overflows_at_ten_thousand(layer, function):
    """Warnings are errors here; the results are finite in both number types."""
    for dtype in (np.float32, np.float64):
        x = np.array([-1e4, 1e4], dtype)
        assert np.isfinite(value(layer, x)).all()
        assert np.isfinite(derivative(layer, x)).all()
        assert value(layer, x).dtype == derivative(layer, x).dtype == dtype


@every
def test_properties_hold_for_the_function(layer, function):
    """Range, zero-centered, and the largest slope are what a dense sample shows."""
    x = np.linspace(-40, 40, 160_001)
    known, y, dy = layer.properties, value(layer, x), derivative(layer, x)
    assert known.low - 1e-9 <= y.min()
    assert y.max() <= known.high + 1e-9
    assert np.abs(dy).max() <= known.max_slope * (1 + 1e-6)
    assert known.monotone == (np.diff(y) >= -1e-12).all()


@every
def test_derivative_is_the_slope_of_the_value(layer, function):
    """By central differences off the kinks: no PyTorch involved."""
    x = np.linspace(-8.05, 7.9, 321)
    x = x[np.min(np.abs(x[:, None] - np.array(KINKS)), axis=1) > 1e-3]
    by_difference = (value(layer, x + 1e-6) - value(layer, x - 1e-6)) / 2e-6
    np.testing.assert_allclose(derivative(layer, x), by_difference, rtol=1e-7, atol=1e-8)


def test_sigmoid_and_tanh_by_hand():
    """σ′ = σ(1 − σ), at most ¼, at 0; tanh′ = 1 − tanh², at most 1; ReLU′(0) = 0; −2.5 becomes 0."""
    x = np.array([-1e4, 0.0, 1e4])
    np.testing.assert_array_equal(value(L.Sigmoid(), x), [0, 0.5, 1])
    np.testing.assert_array_equal(derivative(L.Sigmoid(), x), [0, 0.25, 0])
    np.testing.assert_array_equal(value(L.Tanh(), x), [-1, 0, 1])
    np.testing.assert_array_equal(derivative(L.Tanh(), x), [0, 1, 0])
    np.testing.assert_array_equal(derivative(L.ReLU(), x), [0, 0, 1])
    assert value(L.ReLU(), np.array([-2.5]))[0] == 0


def test_phi_has_small_relative_error_far_in_the_tail():
    x = np.linspace(-37, 9, 20_011)
    exact = np.array([0.5 * math.erfc(-t / math.sqrt(2)) for t in x])
    np.testing.assert_allclose(gaussian.cumulative(x), exact, rtol=1e-12)


@pytest.mark.parametrize("slopes", [1, 5])
def test_the_gradient_of_prelus_slopes_is_pytorchs(slopes):
    """One slope for the layer, or one per channel: Σ grad·min(0, x) over what shares it."""
    like_torch(case(L.PReLU(slopes), ((5, 7, 3),)), lambda x, weight: F.prelu(x, weight))


def test_prelu_on_vectors():
    like_torch(case(L.PReLU(5), ((5,),), batch=3), lambda x, weight: F.prelu(x, weight))


@SOME
@given(st.data(), st.integers(1, 3), SEEDS, st.booleans())
def test_softmax_is_pytorchs_along_every_axis(data, rank, seed, log):
    shape = data.draw(images(rank))
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    layer = L.LogSoftmax(axis) if log else L.Softmax(axis)
    function = F.log_softmax if log else F.softmax
    like_torch(case(layer, (shape,), seed), lambda x: function(x, axis if axis < 0 else axis + 1))


@pytest.mark.parametrize("layer", [L.Softmax(), L.LogSoftmax()])
def test_softmax_is_stable(layer):
    """Scores in the ten thousands neither overflow nor turn to NaN; −∞ has probability 0."""
    x = np.array([[1e4, 1e4 - 1, -1e4, -np.inf]])
    like_torch(
        case(layer, ((4,),))._replace(inputs=(x,)),
        lambda x: (F.log_softmax if isinstance(layer, L.LogSoftmax) else F.softmax)(x, 1),
        float32=False,
    )


def test_softmax_has_no_elementwise_value():
    for question in (value, derivative):
        with pytest.raises(NoRule) as error:
            question(L.Softmax(), np.zeros(3))
        name = question.__name__
        assert str(error.value) == (
            f"There is no {name} rule for Softmax. Use one of the activation functions. [no-{name}]"
        )
