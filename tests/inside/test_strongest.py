"""The strongest responses of a channel against a full sort."""

from __future__ import annotations

import numpy as np
import pytest

import convscope as cs
from convscope.errors import BadSetting, BadUnit


@pytest.fixture(scope="module")
def model():
    return cs.Model("input 1x9x8 | conv 4 3 s2 p1 | relu | flatten | dense 3", seed=2)


@pytest.fixture(scope="module")
def data():
    draw = np.random.default_rng(1)
    return draw.standard_normal((150, 1, 9, 8)).astype(np.float32), draw.integers(0, 3, 150)


def test_strongest_matches_a_full_sort(model, data):
    found = model.strongest(data, "conv1", 2, 7)
    maps = model.activations(data[0])["conv1"][:, 2]
    order = np.argsort(-maps.reshape(150, -1).max(axis=1), kind="stable")[:7]
    assert [one.index for one in found] == order.tolist()
    for one in found:
        assert one.value == maps[one.index].max() == maps[(one.index, *one.at)]
        assert one.box == model.network.field("conv1", one.at).box


def test_layers_without_positions_see_the_whole_image(model, data):
    found = model.strongest(data, "dense1", 0, 3)
    assert [(one.at, one.box) for one in found] == [((), (0, 0, 9, 8))] * 3


def test_of_equal_responses_the_first_images_stay(model):
    x = np.zeros((80, 1, 9, 8), np.float32)
    assert [one.index for one in model.strongest((x, np.zeros(80, int)), "relu1", 1, 3)] == [0, 1, 2]


def test_bad_channels_and_counts_are_refused(model, data):
    with pytest.raises(BadUnit) as caught:
        model.strongest(data, "conv1", 4)
    assert str(caught.value) == "conv1 has 4 channels (got channel 4). Use 0 to 3. [channel-range]"
    with pytest.raises(BadSetting):
        model.strongest(data, "conv1", 0, 0)
