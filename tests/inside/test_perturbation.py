"""No unit changes that does not see the changed pixel."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest
from hypothesis import given, settings

import convscope as cs
from convscope.analysis import light_cone as cones
from convscope.inside.perturbation import perturb, strict_twin
from random_networks import networks


@settings(max_examples=25, deadline=None)
@given(networks())
def test_changes_stay_within_the_light_cone(network):
    model = cs.Model(network, engine="reference")
    image = np.random.default_rng(1).random(network.input_shape).astype(np.float32)
    _, rows, columns = network.input_shape
    for pixel in ((0, 0), (rows // 2, columns - 1)):
        for change in perturb(model, image, pixel, (1, 2)):
            assert change.outside == 0, change.layer


def test_most_units_that_see_a_pixel_change():
    network = cs.load("input 3x21x17 | conv 8 3 | relu | maxpool 2 | conv 8 3 d2 | avgpool 2")
    model = strict_twin(cs.Model(network))
    assert model.precision == "strict"
    image = np.random.default_rng(1).random(network.input_shape).astype(np.float32)
    for change in perturb(model, image, (10, 8)):
        assert change.seeing is not None
        assert change.changed.sum() > 0.5 * change.seeing.count
        assert change.outside == 0


def test_a_twin_has_the_values_of_its_model():
    model = cs.Model("input 1x12x12 | conv 4 3 | bn | relu | conv 4 3", seed=4)
    model.buffers["bn1.running_mean"] = np.arange(4, dtype=np.float32)
    twin = strict_twin(model)
    x = np.random.default_rng(0).random((1, 1, 12, 12)).astype(np.float32)
    np.testing.assert_allclose(twin.predict(x), model.predict(x), rtol=1e-4, atol=1e-5)
    assert strict_twin(twin) is twin


def test_a_cone_that_is_too_small_is_found_out(monkeypatch):
    """A planted defect: what sees the pixel beside the changed one is predicted."""
    network = cs.load("input 1x15x15 | conv 2 3 | conv 2 3")
    model = strict_twin(cs.Model(network))
    true = cones.light_cone
    monkeypatch.setattr(
        "convscope.inside.perturbation.light_cone",
        lambda n, pixel, size: true(n, (pixel[0] + 1, pixel[1]), size=size),
    )
    image = np.random.default_rng(1).random(network.input_shape).astype(np.float32)
    assert all(change.outside > 0 for change in perturb(model, image, (7, 7)))


@pytest.mark.parametrize("name", ["lenet"])
def test_random_pixels_of_a_shown_network(name):
    network = cs.load(name)
    model = strict_twin(cs.Model(network))
    _, rows, columns = network.input_shape
    image = np.random.default_rng(1).random(network.input_shape).astype(np.float32)
    random = Random(8)
    for _ in range(30):
        pixel = (random.randrange(rows), random.randrange(columns))
        assert sum(change.outside for change in perturb(model, image, pixel)) == 0
