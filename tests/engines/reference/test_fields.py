"""What a layer says its outputs are made from, against where the gradient of one output is not zero."""

from itertools import product

import numpy as np
import pytest

from convscope import layers as L
from convscope.engines.reference.layers import Context, backward, forward
from convscope.layers.connection import POINTWISE
from engines.reference.oracle import case
from layers.examples import EXAMPLES, example_id

COMPUTED = [example for example in EXAMPLES if not isinstance(example[0], L.Input | L.Opaque | L.Embedding)]
# Every position these name has a weight that is not zero.
DENSE = (
    *(L.Conv, L.ConvTranspose, L.AvgPool, L.LPPool, L.AdaptiveAvgPool, L.GlobalAvgPool, L.Linear, L.Softmax),
    *(L.Add, L.Multiply, L.Concat, L.Flatten, L.Reshape, L.Permute, L.Pad, L.Crop, L.Slice, L.PixelShuffle),
)


def allowed(layer, shapes, source, unit):
    """Return which elements of an input the connections name for one output unit, a boolean array."""
    shape = shapes[source]
    seen = np.zeros(shape, bool)
    for connection in layer.connections(*shapes):
        if connection.source != source:
            continue
        if connection.links is None:
            seen[unit] = True
            continue
        along = [np.arange(n) for n in shape]
        for link in connection.links:
            taps = np.asarray(link.map.taps(shape[link.input]))[unit[link.output]]
            along[link.input] = np.unique(taps[taps >= 0])
        seen[np.ix_(*along)] = True
    return seen


def units(shape):
    """Return corners and a few units between."""
    rng = np.random.default_rng(4)
    corners = list(product(*({0, n - 1} for n in shape)))
    return corners + [tuple(int(rng.integers(n)) for n in shape) for _ in range(6)]


@pytest.mark.parametrize("example", COMPUTED, ids=example_id)
def test_gradients_are_zero_outside_the_connections_and_fill_them(example):
    """No gradient from elsewhere; and for layers whose weights are all at work, one along every axis position."""
    layer, shapes = example
    one = case(layer, shapes, batch=1)
    positive = {name: np.abs(array) + 0.1 for name, array in one.parameters.items()}
    context = Context(buffers=one.buffers)
    output = forward(layer, one.inputs, positive, context)
    for unit in units(output.shape[1:]):
        grad_output = np.zeros_like(output)
        grad_output[(0, *unit)] = 1.0
        grads = backward(layer, grad_output, one.inputs, positive, context).inputs
        for source, grad in enumerate(grads):
            reached, named = grad[0] != 0, allowed(layer, shapes, source, unit)
            assert not (reached & ~named).any(), f"unit {unit} has a gradient outside its connections"
            if not isinstance(layer, DENSE):
                continue
            for axis in followed(layer, shapes, source):
                others = tuple(other for other in range(reached.ndim) if other != axis)
                np.testing.assert_array_equal(reached.any(axis=others), named.any(axis=others))


def followed(layer, shapes, source):
    """Return the input's axes whose positions the connections name."""
    connections = layer.connections(*shapes)
    if connections == POINTWISE:
        return range(len(shapes[source]))
    mine = [connection for connection in connections if connection.source == source and connection.links]
    return {link.input for connection in mine for link in connection.links}
