"""Attributions of networks whose layers are randomized from the top (Adebayo et al. 2018)."""

from __future__ import annotations

import numpy as np
import pytest

import convscope as cs
from convscope.data.transforms import resize_dataset
from convscope.inside.randomization import cascade, rank_correlation

TEXT = (
    "input 1x16x16 | conv 8 3 same | relu | conv 16 3 same | relu | maxpool 2 | conv 24 3 same | relu | "
    "flatten | dense 32 | relu | dense 10"
)
WEIGHTED = ["dense2", "dense1", "conv3", "conv2", "conv1"]


@pytest.fixture(scope="module")
def model():
    model = cs.Model(TEXT, seed=0)
    data = resize_dataset(cs.load_data("digits"), None, (16, 16))
    model.fit(data, epochs=5, batch_size=32, optimizer=cs.Adam(lr=0.003), progress=False)
    return model


@pytest.fixture(scope="module")
def similarities(model):
    """Return the mean rank correlation with the trained network's attributions, by method and layer."""
    x, labels = resize_dataset(cs.load_data("digits", "test"), None, (16, 16)).batch(np.arange(48))
    assert (model.predict(x).argmax(axis=1) == labels).mean() > 0.85
    methods = {"gradient": {}, "guided_backprop": {}, "input_x_gradient": {}, "grad_cam": {"layer": "relu3"}}
    found = {}
    for method, settings in methods.items():
        before = model.attribute(x, labels.tolist(), method, **settings)
        found[method] = [
            float(
                np.mean(
                    [
                        rank_correlation(one, two)
                        for one, two in zip(
                            before, random.attribute(x, labels.tolist(), method, **settings), strict=True
                        )
                    ]
                )
            )
            for _, random in cascade(model, seed=10)
        ]
    return found


def test_cascade_randomizes_from_the_last_layer_and_keeps_the_others(model):
    steps = list(cascade(model))
    assert [layer for layer, _ in steps] == WEIGHTED
    for count, (_, random) in enumerate(steps, 1):
        changed = {
            name.partition(".")[0]
            for name, array in random.parameters.items()
            if not np.array_equal(array, model.parameters[name])
        }
        assert changed == set(WEIGHTED[:count])


def test_rank_correlation_by_hand():
    one = np.array([[0.1, -5.0], [2.0, 3.0]])
    assert rank_correlation(one, -(one**3)) == pytest.approx(1)
    assert rank_correlation(one, 1 / one) == pytest.approx(-1)
    assert rank_correlation(np.array([1, 1, 2]), np.array([1, 2, 3])) == pytest.approx(np.sqrt(3) / 2)
    assert rank_correlation(np.array([1, 1, 2, 3]), np.arange(1, 5)) == pytest.approx(np.sqrt(0.9))
    assert rank_correlation(one, np.ones_like(one)) == 0


def test_gradients_and_class_maps_change_when_the_last_layers_are_random(similarities):
    """Both depend on what was learned: little is left of them when all layers are random."""
    assert similarities["gradient"][0] < 0.7
    assert similarities["gradient"][-1] < 0.5
    assert abs(similarities["grad_cam"][-1]) < 0.4
    assert similarities["grad_cam"][0] < 0.6


def test_guided_backprop_hardly_changes_when_the_last_layers_are_random(similarities):
    """It shows the edges of the image rather than the decision, as Adebayo et al. report."""
    assert similarities["guided_backprop"][0] > 0.7
    for guided, gradient in zip(similarities["guided_backprop"], similarities["gradient"], strict=True):
        assert guided > gradient + 0.15


def test_input_times_gradient_keeps_the_outline_of_the_image(similarities):
    """Where the image is 0, the product is, too, whatever the weights are."""
    assert min(similarities["input_x_gradient"]) > 0.6
