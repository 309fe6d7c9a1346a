"""Images that excite a channel."""

from __future__ import annotations

import numpy as np
import pytest

import convscope as cs
from convscope.errors import BadSetting, BadUnit
from convscope.inside.maximization import _blurred


@pytest.fixture(scope="module")
def model():
    return cs.Model("input 1x16x15 | conv 4 5 p2 | relu | conv 3 3", seed=2)


def mean_response(model, image, layer, channel):
    return float(model.activations(image[None], [layer])[layer][0, channel].mean())


@pytest.mark.parametrize(("layer", "channel"), [("conv1", 3), ("conv2", 1)])
def test_response_exceeds_that_of_noise_of_the_same_size(model, layer, channel):
    image = model.maximize(layer, channel, steps=40)
    draw = np.random.default_rng(9)
    noise = draw.standard_normal((64, *image.shape)).astype(np.float32) * image.std()
    assert mean_response(model, image, layer, channel) > max(
        mean_response(model, one, layer, channel) for one in noise
    )


def test_same_seed_gives_the_same_image(model):
    one, two, other = (model.maximize("conv1", 0, steps=5, seed=seed) for seed in (1, 1, 2))
    assert np.array_equal(one, two)
    assert not np.array_equal(one, other)


def test_blur_keeps_constant_images_and_the_sum_of_a_spot():
    constant = np.full((1, 2, 9, 8), 3.0)
    np.testing.assert_allclose(_blurred(constant, 0.7), constant)
    spot = np.zeros((1, 1, 11, 11))
    spot[0, 0, 5, 5] = 1
    blurred = _blurred(spot, 0.7)
    assert blurred.sum() == pytest.approx(1)
    assert blurred[0, 0, 5, 5] > blurred[0, 0, 5, 6] == blurred[0, 0, 4, 5] > 0


def test_bad_arguments_are_refused(model):
    with pytest.raises(BadUnit, match="channel-range"):
        model.maximize("conv1", 4)
    with pytest.raises(BadSetting, match="setting"):
        model.maximize("conv1", 0, steps=0)
