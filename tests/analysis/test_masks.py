"""Sets of positions as products of axes, compared with masks that spread tap by tap."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

import convscope as cs
from analysis.dense_masks import dense_seeing, dense_seen_from
from convscope import layers as L
from convscope.analysis.masks import Traversal, seeing, seen_from
from convscope.analysis.position_set import PositionSet, from_mask, from_products, united
from convscope.analysis.receptive_field import receptive_fields
from convscope.network import Entry, Network
from random_networks import networks

THOROUGH = settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])


def walk_of(network, origin=None):
    start = network[origin] if origin else network.inputs[0]
    return Traversal(network, start, receptive_fields(network, origin))


def single(shape, index):
    return from_products(shape, [tuple(np.arange(n) == at for n, at in zip(shape, index, strict=True))])


@THOROUGH
@given(networks(steps=st.integers(3, 9), rare=True), st.data(), st.booleans())
def test_products_of_axes_match_masks_spread_tap_by_tap(network, data, local):
    note("\n".join(map(str, network.entries)))
    walk = walk_of(network)
    known = [node for node in network.layers if (view := walk.views[node.index]) and view.lost_at is None]
    for node in known[-4:]:
        shape = walk.grid_shape(node)
        unit = single(shape, [data.draw(st.integers(0, n - 1)) for n in shape])
        seen = seen_from(walk, node, unit, local)
        expected = dense_seen_from(walk, node, unit.mask, local)
        np.testing.assert_array_equal(seen.mask, expected)
        assert seen.size() == expected.sum()
        assert seen.hull == hull(expected)
        below = walk.grid_shape(walk.origin)
        pixel = single(below, [data.draw(st.integers(0, n - 1)) for n in below])
        np.testing.assert_array_equal(
            seeing(walk, node, pixel, local).mask, dense_seeing(walk, node, pixel.mask, local)
        )


def hull(mask):
    if not mask.any():
        return (0,) * (2 * mask.ndim)
    places = np.argwhere(mask)
    return (*places.min(axis=0).tolist(), *(places.max(axis=0) + 1).tolist())


def masks(shape):
    return st.tuples(*(st.lists(st.booleans(), min_size=n, max_size=n).map(np.array) for n in shape))


@given(st.sampled_from([(5,), (4, 7), (2, 3, 5)]).flatmap(lambda s: st.tuples(st.just(s), st.lists(masks(s)))))
def test_unions_of_products_match_unions_of_their_masks(drawn):
    shape, products = drawn
    expected = np.zeros(shape, bool)
    union = PositionSet(shape)
    for product in products:
        outer = np.ones((), bool)
        for one in product:
            outer = outer[..., None] & one
        expected |= outer
        union = united(union, from_products(shape, [product]))
        np.testing.assert_array_equal(from_mask(outer).mask, outer)
    for positions in (union, from_products(shape, products), from_mask(expected)):
        np.testing.assert_array_equal(positions.mask, expected)
        assert positions.size() == expected.sum()
        assert positions.hull == hull(expected)


def test_products_that_differ_along_one_axis_are_one_product():
    rows = np.arange(5) < 2
    one, two = (rows, np.arange(7) < 3), (rows, np.arange(7) > 5)
    inner = (np.arange(5) < 1, np.arange(7) < 1)
    assert len(from_products((5, 7), [one, inner, two]).products) == 1
    assert len(from_products((5, 7), [one, (~rows, np.arange(7) > 5)]).products) == 2


def test_many_paths_that_hold_holes_are_exact():
    """Fourteen dilated branches, no two of which unite in a product, exceed the products of a set."""
    branches = [(dilation, dilation + 1) for dilation in range(1, 15)]
    entries = [Entry("input", L.Input((1, 33, 37)))]
    for rows, columns in branches:
        layer = L.Conv2d(1, 3, padding=((rows, rows), (columns, columns)), dilation=(rows, columns))
        entries.append(Entry(f"d{rows}x{columns}", layer, ("input",)))
    network = Network([*entries, Entry("sum", L.Add(), tuple(entry.name for entry in entries[1:]))])
    walk = walk_of(network)
    seen = seen_from(walk, network["sum"], single((33, 37), (16, 18)))
    assert seen.rest is not None
    expected = np.zeros((33, 37), bool)
    for rows, columns in branches:
        for row in (-rows, 0, rows):
            for column in (-columns, 0, columns):
                expected[16 + row, 18 + column] = True
    np.testing.assert_array_equal(network.field("sum", (16, 18)).mask, expected)


@pytest.mark.parametrize("name", ["vgg16", "resnet152", "unet", "googlenet"])
def test_regions_of_large_networks_stay_products(name):
    """Residual blocks, inception modules and skip connections need a few short vectors, not masks of images."""
    network = cs.load(name)
    walk = walk_of(network)
    node = [node for node in network.layers if len(walk.grid_shape(node)) == 2][-1]
    for index in ((0, 0), tuple(n // 2 for n in walk.grid_shape(node))):
        seen = seen_from(walk, node, single(walk.grid_shape(node), index))
        assert seen.rest is None
        assert len(seen.products) == 1
        np.testing.assert_array_equal(
            seen.mask, dense_seen_from(walk, node, single(walk.grid_shape(node), index).mask)
        )
