"""Effective receptive fields: inside the exact region, the right shape, and never NaN."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings

import convscope as cs
from convscope.errors import BadUnit
from convscope.inside.effective_field import _shortest
from random_networks import networks


def test_map_of_one_convolution_is_its_squared_weights():
    model = cs.Model("input 2x9x8 | conv 3 3x4 p1", dtype="float64", engine="reference")
    found = cs.effective_field(model, "conv1", np.ones((1, 2, 9, 8)), at=(4, 3))
    weights = model.parameters["conv1.weight"]
    signs = np.random.default_rng(0).integers(0, 2, (1, 3)) * 2 - 1
    expected = np.zeros((9, 8))
    expected[3:6, 2:6] = np.square(np.einsum("o,ocij->cij", signs[0], weights)).sum(axis=0)
    np.testing.assert_allclose(found.map, expected / expected.sum(), rtol=1e-9)


@settings(max_examples=20)
@given(networks())
def test_influence_stays_within_what_the_unit_sees(network):
    last = network.outputs[-1]
    if len(last.output_shape) < 2:
        return
    found = cs.effective_field(cs.Model(network, engine="reference"), last.name, count=2)
    assert np.isfinite(found.map).all()
    assert not found.map[~found.theoretical.mask].any()
    assert found.map.sum() == pytest.approx(1, rel=1e-6) or not found.map.any()


def test_dead_units_have_an_empty_field():
    model = cs.Model("input 1x8x7 | conv 2 3 | relu | conv 2 3")
    model.parameters["conv1.bias"] = np.full(2, -1e3, np.float32)
    found = cs.effective_field(model, "conv2")
    assert not found.map.any()
    assert found.extent(0.95) == (0, 0)


def test_extent_is_the_shortest_stretch_with_the_share():
    line = np.array([0.0, 1.0, 6.0, 2.0, 1.0])
    assert [_shortest(line, share) for share in (0.5, 0.6, 0.8, 0.9, 1.0)] == [1, 1, 2, 3, 4]


def test_effective_field_grows_as_the_root_of_the_depth():
    """Luo et al. 2016: of n layers of equal weights, the field is a Gaussian of width √n."""
    widths = []
    for depth in (4, 16):
        text = "input 1x61x61 | " + " | ".join(["conv 1 3 same nobias"] * depth)
        model = cs.Model(text, dtype="float64", engine="reference")
        for name in model.parameters:
            model.parameters[name] = np.full((1, 1, 3, 3), 1 / 9)
        gradient = np.sqrt(cs.effective_field(model, f"conv{depth}", np.ones((1, 1, 61, 61))).map)
        line = gradient.sum(axis=0) / gradient.sum()
        widths.append(np.sqrt((line * (np.arange(61) - 30) ** 2).sum()))
        assert widths[-1] == pytest.approx(np.sqrt(depth * 2 / 3), rel=1e-6)  # a uniform tap has variance 2/3
    assert widths[1] / widths[0] == pytest.approx(2, rel=1e-6)


def test_initial_weights_differ_between_batches_for_networks():
    network = cs.load("input 1x12x12 | conv 2 3 | relu | conv 2 3")
    one, two = cs.effective_field(network, "conv2", count=16), cs.effective_field(network, "conv2", count=16)
    assert np.array_equal(one.map, two.map)
    assert not np.array_equal(one.map, cs.effective_field(cs.Model(network), "conv2", count=16).map)


def test_layers_without_positions_are_refused():
    with pytest.raises(BadUnit) as caught:
        cs.effective_field(cs.Model("input 1x6x5 | flatten | dense 3"), "dense1")
    assert caught.value.code == "no-positions"
