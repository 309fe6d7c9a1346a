"""The drawn activation functions are the computed ones."""

from __future__ import annotations

import math

import numpy as np
import pytest

from convscope import plots
from convscope.errors import BadSetting
from convscope.layers.activation import ELU, ReLU, Sigmoid, Softplus, Tanh
from convscope.plots import activation_curves as module

EXTRA = [("leakyrelu", {"negative_slope": 0.3}), ("elu", {"alpha": 0.7}), ("gelu", {"approximate": "tanh"})]
CASES = [(name, {}) for name in module.known()] + EXTRA


def line(axes, label):
    return next(one for one in axes.lines if one.get_label() == label)


def levels(axes):
    return [one.get_ydata()[0] for one in axes.lines if one.get_label() == "_level"]


def texts(axes):
    return [one.get_text() for one in axes.texts]


def test_every_activation_of_the_package_is_known():
    """As many as there are activation layers in the table of layers."""
    assert sorted(module.known()) == sorted(
        [
            "sigmoid",
            "tanh",
            "relu",
            "relu6",
            "leakyrelu",
            "prelu",
            "elu",
            "selu",
            "gelu",
            "silu",
            "mish",
            "softplus",
            "hardsigmoid",
            "hardswish",
        ]
    )


@pytest.mark.parametrize(("name", "settings"), CASES, ids=lambda item: str(item))
def test_the_derivative_is_the_slope_of_the_curve(name, settings):
    """Central differences of the drawn values agree with the drawn derivative, away from 0 and from jumps."""
    left, right = plots.activation(name, **settings).axes[:2]
    x, y = line(left, "function").get_data()
    at, slope = line(right, "derivative").get_data()
    step = x[1] - x[0]
    measured = (y[2:] - y[:-2]) / (2 * step)
    inner = x[1:-1]
    breaks = np.array([0.0, *at[:-1][np.isnan(at[1:])]])
    away = np.all(abs(inner[:, None] - breaks[None, :]) > 1.5 * step, axis=1)
    drawn = np.interp(inner, at[~np.isnan(at)], slope[~np.isnan(slope)])
    assert away.sum() > len(inner) - 12
    # A central difference errs by step²/6 times the third derivative, which is below 2 for all of these.
    assert np.allclose(measured[away], drawn[away], rtol=0, atol=step**2)


@pytest.mark.parametrize(("name", "settings"), CASES, ids=lambda item: str(item))
def test_the_largest_slope_stands_at_the_top(name, settings):
    """The guide line lies where the drawn derivative is largest, and says the number."""
    figure = plots.activation(name, **settings)
    right = figure.axes[1]
    _, slope = line(right, "derivative").get_data()
    assert levels(right) == [module.named(name, **settings).properties.max_slope]
    # Softplus comes near 1 without end; the image ends at 6.
    highest = 1 / (1 + math.exp(-6)) if name == "softplus" else levels(right)[0]
    assert np.nanmax(slope) == pytest.approx(highest, rel=1e-4)


@pytest.mark.parametrize(
    ("kind", "derivative"),
    [("sigmoid", "max 0.25"), ("tanh", "max 1"), ("relu", "max 1"), ("hardswish", "max 1.5")],
)
def test_the_maximum_is_labeled(kind, derivative):
    assert derivative in texts(plots.activation(kind).axes[1])


@pytest.mark.parametrize(
    ("kind", "bounds"),
    [
        ("sigmoid", [0, 1]),
        ("tanh", [-1, 1]),
        ("relu", [0]),
        ("relu6", [0, 6]),
        ("leakyrelu", []),
        ("hardswish", [-0.375]),
    ],
)
def test_guides_stand_at_the_bounds(kind, bounds):
    """A dashed line at each finite bound of the range, with its number."""
    left = plots.activation(kind).axes[0]
    assert levels(left) == bounds
    assert set(texts(left)) >= {f"{bound:g}".replace("-", "−") for bound in bounds}


def test_six_panels_show_three_functions_beside_their_derivatives():
    figure = plots.activations()
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    assert titles == ["sigmoid", "sigmoid′", "tanh", "tanh′", "ReLU", "ReLU′"]
    x, y = line(figure.axes[0], "sigmoid").get_data()
    assert y[np.searchsorted(x, 2.0)] == pytest.approx(1 / (1 + math.exp(-2)))
    x, y = line(figure.axes[3], "tanh′").get_data()
    assert y[np.searchsorted(x, 1.0)] == pytest.approx(1 / math.cosh(1) ** 2)
    x, y = line(figure.axes[5], "ReLU′").get_data()
    assert set(y[~np.isnan(y)]) == {0.0, 1.0}
    assert abs(x[:-1][np.isnan(x[1:])][0]) < 1e-6


@pytest.mark.parametrize(
    ("layer", "sides"),
    [
        # σ′ = 0.0125 where σ(1 − σ) = 0.0125; tanh′ = 0.05 where tanh² = 0.95.
        (Sigmoid(), {"left": -math.log(1 / 0.01266073 - 1), "right": math.log(1 / 0.01266073 - 1)}),
        (Tanh(), {"left": -math.atanh(math.sqrt(0.95)), "right": math.atanh(math.sqrt(0.95))}),
        (ReLU(), {"left": 0.0}),
        (ELU(), {"left": math.log(0.05)}),
        (Softplus(), {"left": math.log(0.05 / 0.95)}),
    ],
)
def test_saturation_begins_where_the_slope_is_a_twentieth(layer, sides):
    """Worked by hand: the place where the derivative is 5 % of its maximum, to one point of the curve."""
    found = module.saturation(layer, module._domain(layer))
    assert found == pytest.approx(sides, abs=1.01 / module.POINTS_PER_UNIT)


def test_a_dead_side_is_called_flat():
    """ReLU's left side has slope 0; sigmoid's sides only come near it."""
    assert texts(plots.activation("relu").axes[0]).count("flat: slope 0") == 1
    assert texts(plots.activation("sigmoid").axes[0]).count("saturates") == 2


def test_properties_are_printed():
    figure = plots.activation("leaky_relu", negative_slope=0.2)
    assert figure.texts[0].get_text() == "LeakyReLU (negative_slope = 0.2)"
    assert texts(figure.axes[2]) == [
        *("range", "(−∞, ∞)"),
        *("zero-centered", "no"),
        *("saturates", "nowhere"),
        *("units can die", "no"),
        *("monotone", "yes"),
        *("largest slope", "1"),
        *("cost per element", "1 mul, 1 compare"),
    ]


def test_jumps_are_distinguished_from_steep_slopes():
    """A step of any height is found at its place; a slope of a thousand is none."""
    x = np.linspace(-1, 1, 401)
    assert module.jumps(lambda at: 1000 * at, x) == []
    assert module.jumps(lambda at: np.where(at > 0.3333, 5.0, 2.0) + at, x) == [
        pytest.approx((0.3333, 2.3333, 5.3333), abs=1e-6)
    ]


def test_unknown_functions_get_the_nearest_names():
    with pytest.raises(BadSetting) as caught:
        plots.activation("sigmoyd")
    assert str(caught.value) == (
        "Activation.name must be an elementwise activation function (got 'sigmoyd'). Did you mean sigmoid, "
        "hardsigmoid? [activation-name]"
    )


def test_unknown_settings_are_refused():
    with pytest.raises(BadSetting) as caught:
        plots.activation("elu", slope=0.3)
    assert str(caught.value) == ("ELU has no setting 'slope' (got slope=0.3). Use alpha. [activation-setting]")
    with pytest.raises(BadSetting) as caught:
        plots.activation("relu", slope=0.3)
    assert str(caught.value) == ("ReLU has no setting 'slope' (got slope=0.3). Leave it out. [activation-setting]")


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("leakyrelu", {"negative_slope": -2.0}),
        ("elu", {"alpha": 0.0}),
        ("leakyrelu", {"negative_slope": 0.0}),
        ("elu", {"alpha": -1.5}),
        ("prelu", {"init": 30.0, "num_parameters": 3}),
    ],
)
def test_extreme_settings_are_drawn(name, settings):
    """Legal settings nobody would choose draw without a warning."""
    plots.activation(name, **settings)
