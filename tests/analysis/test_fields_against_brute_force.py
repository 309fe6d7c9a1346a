"""The exact regions, masks and reverse views hold against trying every pixel."""

import numpy as np
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from analysis.brute_force import influence
from convscope import layers as L
from convscope.analysis.intervals import intervals
from convscope.network import Entry, Network
from random_networks import networks

THOROUGH = settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def seen_by_unit(table: np.ndarray, index: tuple[int, ...]) -> np.ndarray:
    """Return which pixels (h, w) change the unit at (row, column), over all its channels."""
    return table[:, :, :, index[0], index[1]].any(axis=2)


def hull(mask: np.ndarray) -> tuple[int, ...]:
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return (rows[0], columns[0], rows[-1] + 1, columns[-1] + 1)


@THOROUGH
@given(networks(), st.data())
def test_region_and_mask_of_a_unit_are_the_pixels_that_change_it(network, data):
    note("\n".join(map(str, network.entries)))
    truth = influence(network)
    for node in network.layers:
        shape = node.output_shape
        at = tuple(data.draw(st.integers(0, n - 1)) for n in shape[1:])
        region = network.field(node.name, at)
        if region.global_via:  # a side path through which everything is seen is reported apart
            continue
        expected = seen_by_unit(truth[node.name], at)
        np.testing.assert_array_equal(region.mask, expected)
        if expected.any():
            assert region.clipped == hull(expected)
        else:
            assert region.mask.sum() == 0
            assert region.clipped[:2] == region.clipped[2:]


@THOROUGH
@given(networks())
def test_intervals_of_all_units_are_the_extents_of_the_pixels_that_change_them(network):
    note("\n".join(map(str, network.entries)))
    truth = influence(network)
    views = intervals(network)
    for node in network.layers:
        view = views[node.index]
        if view.global_via or any(axis.loose for axis in view.axes):
            continue
        for axis, (one, driver) in enumerate(zip(view.axes, view.drivers, strict=True)):
            positions = node.output_shape[axis + 1]
            other_pixel, other_unit = 1 - axis, 2 - axis
            changed = truth[node.name].any(axis=(other_pixel, 2, 2 + other_unit))
            for unit in range(positions):
                pixels = np.flatnonzero(changed[:, unit])
                place = 0 if driver is None else unit
                if len(pixels):
                    assert (one.low[place], one.high[place]) == (pixels[0], pixels[-1] + 1)


@THOROUGH
@given(networks(), st.data())
def test_units_that_see_a_pixel_are_the_outputs_that_change_with_it(network, data):
    note("\n".join(map(str, network.entries)))
    truth = influence(network)
    pixel = tuple(data.draw(st.integers(0, n - 1)) for n in network.input_shape[1:])
    for node in network.layers:
        expected = truth[node.name][pixel].any(axis=0)
        if network.field(node.name, (0, 0)).global_via:
            continue
        units = network.seen_by(pixel, node.name)
        mask = np.broadcast_to(units.mask.reshape(units.mask.shape or (1, 1)), expected.shape)
        np.testing.assert_array_equal(mask, expected)


@THOROUGH
@given(networks(merges=False), st.data())
def test_the_clipped_box_lies_in_the_textbook_box_where_nothing_is_reflected(network, data):
    for node in network.layers:
        layer = node.layer
        if getattr(layer, "padding_mode", getattr(layer, "mode", "zeros")) not in ("zeros", "nearest"):
            return
        at = tuple(data.draw(st.integers(0, n - 1)) for n in node.output_shape[1:])
        region = network.field(node.name, at)
        if region.clipped[0] < region.clipped[2] and region.clipped[1] < region.clipped[3]:
            assert region.box[0] <= region.clipped[0]
            assert region.box[1] <= region.clipped[1]
            assert region.clipped[2] <= region.box[2]
            assert region.clipped[3] <= region.box[3]


@settings(max_examples=60, deadline=None)
@given(networks(), st.data())
def test_vectors_keep_their_units_regions(network, data):
    """Flatten, spatial pyramids and permuted axes do not lose track of positions."""
    last = network.nodes[-1].name
    for tail in (
        [Entry("flat", L.Flatten(), (last,)), Entry("again", L.Softmax(), ("flat",))],
        [Entry("flat", L.SpatialPyramidPool((3, 2)), (last,))],
        [Entry("turned", L.Permute((1, 2, 0)), (last,)), Entry("flat", L.Flatten(), ("turned",))],
        [
            Entry("folded", L.Reshape((network[last].output_shape[0], -1)), (last,)),
            Entry("flat", L.Flatten(), ("folded",)),
        ],
    ):
        longer = Network([*network.entries, *tail])
        truth = influence(longer)["flat"]
        unit = data.draw(st.integers(0, longer["flat"].output_shape[0] - 1))
        region = longer.field("flat", (unit,))
        expected = seen_by_unit_of_vector(network, longer, truth, unit, tail)
        np.testing.assert_array_equal(region.mask, expected)


def seen_by_unit_of_vector(network, longer, truth, unit, tail):
    """Return the pixels that change a vector's element; fields speak of all channels together, so do we."""
    if isinstance(tail[0].layer, L.SpatialPyramidPool):
        channels = network.nodes[-1].output_shape[0]
        levels = [level * level for level in tail[0].layer.levels]
        starts = np.cumsum([0, *(channels * bins for bins in levels)])
        level = int(np.searchsorted(starts, unit, side="right")) - 1
        place = (unit - starts[level]) % levels[level]
        same = [starts[level] + channel * levels[level] + place for channel in range(channels)]
    else:
        channels, height, width = network.nodes[-1].output_shape
        numbers = np.arange(channels * height * width)
        where = numbers // channels if isinstance(tail[0].layer, L.Permute) else numbers % (height * width)
        same = np.flatnonzero(where == where[unit])
    return truth[:, :, same].any(axis=2)
