"""Boxes by table are those of `region`, for every unit."""

from __future__ import annotations

from itertools import product
from random import Random

import pytest
from hypothesis import given, settings

import convscope as cs
from convscope import layers as L
from convscope.analysis.box_tables import BoxTable, box_tables
from convscope.analysis.paths import unit_axes
from convscope.errors import BadUnit
from convscope.network import Entry, Node
from random_networks import networks


def looked_up(node: Node, table: BoxTable, at: tuple[int, ...]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return box and clipped box of a unit, by lookups alone."""
    assert table.axes is not None
    axes = unit_axes(node.output_shape, tuple(one.axis for one in table.axes if one.axis is not None))
    index = dict(zip(axes, at, strict=True))
    rows = [0 if one.axis is None else index[one.axis] for one in table.axes]
    low, high, seen_low, seen_high = (
        tuple(int(edges[row]) for edges, row in zip(column, rows, strict=True))
        for column in zip(*(one[1:] for one in table.axes), strict=True)
    )
    return low + high, seen_low + seen_high


def check_all_units(network: cs.Network, most: int = 40) -> int:
    """Compare up to `most` units of each layer, and return how many layers have tables."""
    found = 0
    for node, table in zip(network, box_tables(network), strict=True):
        if table.axes is None:
            continue
        found += 1
        grid = tuple(one.axis for one in table.axes if one.axis is not None)
        sizes = [node.output_shape[axis] for axis in unit_axes(node.output_shape, grid)]
        units = list(product(*map(range, sizes)))
        for at in units if len(units) <= most else Random(7).sample(units, most):
            region = network.field(node.name, at)
            assert looked_up(node, table, at) == (region.box, region.clipped), (node.name, at)
    return found


@settings(max_examples=60)
@given(networks())
def test_tables_give_the_boxes_of_random_networks(network):
    check_all_units(network)


@pytest.mark.parametrize("name", ["alexnet", "resnet18", "unet", "googlenet", "mobilenet_v3_small"])
def test_tables_give_the_boxes_of_the_zoo(name):
    network = cs.load(name)
    assert check_all_units(network, 6) > 0.8 * len(network)


def test_a_layer_without_positions_sees_everything():
    network = cs.load("input 1x7x6 | conv 2 3 | flatten | dense 3")
    table = box_tables(network)[network["dense1"].index]
    assert looked_up(network["dense1"], table, (2,)) == ((0, 0, 7, 6), (0, 0, 7, 6))


def test_units_that_are_mixed_over_axes_have_no_table():
    network = cs.load("input 1x7x6 | conv 2 3 | flatten")
    assert box_tables(network)[network["flatten1"].index].axes is None


def test_a_layer_after_an_unknown_one_has_no_table():
    network = cs.Network(
        [Entry("x", L.Input((1, 7, 6)), ()), Entry("odd", L.Opaque("Odd", (2, 5, 5)), ("x",))], "odd"
    )
    assert box_tables(network)[1].axes is None
    with pytest.raises(BadUnit):
        network.field("odd", (0, 0))
