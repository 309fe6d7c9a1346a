"""How far evenly spread class maps are from the centers of the receptive fields."""

from __future__ import annotations

import numpy as np
import pytest

import convscope as cs
from convscope.inside.class_maps import default_layer, even_centers, unit_centers

DISTANCES = {
    "resnet50": (15.5, 15.5),
    "googlenet": (6.5, 6.5),
    "inception_v3": (18.8125, 10.75),
    "vgg16": (0.0, 0.0),
}
"""Largest and mean distance in pixels along each axis, as in docs/how-to/attribute.md."""


@pytest.mark.parametrize("name", DISTANCES)
def test_distance_of_resized_maps_from_the_centers(name):
    """The centers of the units' regions are start + stride·i of the recurrence."""
    network = cs.load(name)
    layer = default_layer(network)
    field = cs.inspect(network)[layer].receptive_field
    for axis, centers in enumerate(unit_centers(network, layer)):
        line = field.start[axis] + field.stride[axis] * np.arange(len(centers))
        np.testing.assert_allclose(centers, line, atol=1e-9)
        distance = np.abs(even_centers(len(line), network.input_shape[1:][axis]) - line)
        assert (distance.max(), distance.mean()) == DISTANCES[name]
