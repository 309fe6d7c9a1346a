"""Every layer answers every question."""

from math import prod

import numpy as np
import pytest

from convscope import layers as L
from convscope.layers.facts import facts
from convscope.layers.operations import Operations
from layers.examples import EXAMPLES, concrete_kinds, example_id

MATRIX_PRODUCTS = (L.Conv, L.ConvTranspose, L.Linear, L.LSTM, L.MatMul, L.MultiheadAttention)

every_example = pytest.mark.parametrize("example", EXAMPLES, ids=example_id)


def test_every_layer_has_an_example():
    assert {type(layer) for layer, _ in EXAMPLES} == set(concrete_kinds())


@every_example
def test_facts_are_plain_integers(example):
    layer, shapes = example
    known = facts(layer, shapes)
    numbers = [*known.output_shape, known.elements, known.params, *known.operations, known.training_bytes]
    assert all(type(number) is int and number >= 0 for number in numbers), known
    assert known.elements == prod(known.output_shape)
    assert known.params == sum(map(prod, known.param_shapes.values()))


@every_example
def test_macs_are_among_the_multiplications(example):
    layer, shapes = example
    counted = facts(layer, shapes).operations
    assert isinstance(counted, Operations)
    assert counted.macs <= counted.multiplications
    assert (counted.macs > 0) == isinstance(layer, MATRIX_PRODUCTS)


@every_example
def test_axis_maps_agree_with_the_output_shape_and_with_themselves(example):
    layer, shapes = example
    known = facts(layer, shapes)
    for connection in known.connections or ():
        for link in connection.links or ():
            n, positions = shapes[connection.source][link.input], known.output_shape[link.output]
            assert link.map.positions(n) == positions
            taps = link.map.taps(n)
            assert taps.shape[0] == positions
            assert taps.max() < n
            first, last = link.map.span(np.arange(positions))
            border = getattr(link.map, "border", "zeros")
            if border == "zeros":
                real = taps >= 0
                assert (np.where(real, taps, n).min(1) >= np.clip(first, 0, n)).all() or not real.all()
                clipped = np.clip(last, 0, n - 1)
                assert (np.where(real, taps, -1).max(1) <= clipped).all()


@every_example
def test_layers_are_values(example):
    layer, _ = example
    names = [name for name, _ in layer.forms()]
    again = type(layer)(**{name: getattr(layer, name) for name in names})
    assert again == layer
    assert hash(again) == hash(layer)
    for name in names:
        with pytest.raises(AttributeError):
            setattr(layer, name, None)


@every_example
def test_views_hold_as_many_elements_as_their_input(example):
    layer, shapes = example
    if layer.view:
        assert prod(facts(layer, shapes).output_shape) == prod(shapes[0])


def test_activation_properties_hold_for_every_activation():
    for layer, _ in EXAMPLES:
        if isinstance(layer, L.Activation):
            known = layer.properties
            assert known.low < known.high
            assert known.range_text[0] in "[("
            assert set(known.saturates) <= {"left", "right"}
            assert known.max_slope > 0
