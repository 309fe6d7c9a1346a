"""The exact regions, masks and reverse views hold against trying every pixel."""

import numpy as np
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from analysis.brute_force import influence
from convscope import layers as L
from convscope.analysis.intervals import intervals
from convscope.analysis.layout import axes_of, place_of
from convscope.analysis.receptive_field import receptive_fields
from convscope.network import Entry, Network
from random_networks import networks, without_gates

THOROUGH = settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])


def seen_by_unit(table: np.ndarray, index: tuple[int, ...]) -> np.ndarray:
    """Return which pixels (h, w) change the unit at (row, column), over all its channels."""
    return table[:, :, :, index[0], index[1]].any(axis=2)


def hull(mask: np.ndarray) -> tuple[int, ...]:
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return (rows[0], columns[0], rows[-1] + 1, columns[-1] + 1)


def shown(network, origin=None):
    """Return the layers that are images with a known field, without the inner ones of steps written by hand.

    Unknown fields occur only where the rows of an image are the steps of an LSTM and meet the image again. Left out,
    too, is what follows a concatenation along rows or columns of maps whose units depend on different axes, or only
    some of which have a global path: there the units of one source are reported like those of the other.
    """
    fields = receptive_fields(network, origin)
    unknown = {
        node.name for node in network.nodes if (f := fields[node.index]) is not None and f.lost_at is not None
    }
    assert not unknown or any(isinstance(node.layer, L.LSTM) for node in network.nodes)
    for node in network.layers:
        views = [fields[source] for source in node.sources]
        kinds = {
            None if view is None else (view.drivers, (view.via or view.global_via) is not None) for view in views
        }
        along_positions = isinstance(node.layer, L.Concat) and node.layer.axis > 0
        if (along_positions and len(kinds) > 1) or unknown & set(node.inputs):
            unknown.add(node.name)
    return [
        node
        for node in network.layers
        if "." not in node.name and len(node.output_shape) == 3 and node.name not in unknown
    ]


def area(box):
    return max(0, box[2] - box[0]) * max(0, box[3] - box[1])


def inside(box, shape):
    """Return the part of a box that lies in the image."""
    height, width = shape[1:]
    return max(box[0], 0), max(box[1], 0), min(box[2], height), min(box[3], width)


def check_region(region, seen, local, shape):
    """Compare all that is said of one unit with the pixels that change it, over all paths and over local ones."""
    np.testing.assert_array_equal(region.mask, seen)
    np.testing.assert_array_equal(region.local_mask, local)
    if local.any():
        assert region.clipped == hull(local)
        assert region.coverage == local.sum() / area(region.clipped)
        assert all(low <= seen for low, seen in zip(region.box[:2], region.clipped[:2], strict=True))
        assert all(high >= seen for high, seen in zip(region.box[2:], region.clipped[2:], strict=True))
        assert region.padded_fraction < 1
    else:
        assert area(region.clipped) == region.coverage == 0
    if area(region.box):
        expected = 1 - area(inside(region.box, shape)) / area(region.box)
        assert abs(region.padded_fraction - expected) < 1e-12


@THOROUGH
@given(networks(rare=True), st.data())
def test_region_of_a_unit_matches_the_pixels_that_change_it(network, data):
    note("\n".join(map(str, network.entries)))
    truth, bare = influence(network), influence(without_gates(network), local=True)
    for node in shown(network):
        at = tuple(data.draw(st.integers(0, n - 1)) for n in node.output_shape[1:])
        region = network.field(node.name, at)
        seen = seen_by_unit(truth[node.name], at)
        local = seen_by_unit(bare[node.name], at) if region.global_via else seen
        check_region(region, seen, local, network.input_shape)
        if region.status == "global":
            assert region.box == region.clipped


@THOROUGH
@given(networks(rare=True), st.data())
def test_region_between_two_layers_matches_the_positions_that_change_it(network, data):
    note("\n".join(map(str, network.entries)))
    origin = data.draw(st.sampled_from(shown(network) or network.inputs))
    truth, bare = influence(network, origin.name), influence(without_gates(network), origin.name, local=True)
    note(origin.name)
    pixel = tuple(data.draw(st.integers(0, n - 1)) for n in origin.output_shape[1:])
    for node in shown(network, origin.name)[-3:]:
        if node.name not in truth:
            continue
        at = tuple(data.draw(st.integers(0, n - 1)) for n in node.output_shape[1:])
        region = network.field(node.name, at, origin.name)
        seen = seen_by_unit(truth[node.name], at)
        local = seen_by_unit(bare[node.name], at) if region.global_via else seen
        check_region(region, seen, local, origin.output_shape)
        units = network.seen_by(pixel, node.name, origin.name)
        np.testing.assert_array_equal(units.mask, truth[node.name][pixel].any(axis=0))


@THOROUGH
@given(networks(rare=True))
def test_intervals_of_all_units_are_the_extents_of_the_pixels_that_change_them(network):
    note("\n".join(map(str, network.entries)))
    truth, bare = influence(network), influence(without_gates(network), local=True)
    views = intervals(network)
    for node in shown(network):
        view = views[node.index]
        if any(axis.loose for axis in view.axes):
            continue
        table = (bare if view.global_via else truth)[node.name]
        for axis, (one, driver) in enumerate(zip(view.axes, view.drivers, strict=True)):
            positions = node.output_shape[axis + 1]
            other_pixel, other_unit = 1 - axis, 2 - axis
            changed = table.any(axis=(other_pixel, 2, 2 + other_unit))
            for unit in range(positions):
                pixels = np.flatnonzero(changed[:, unit])
                indices = {axis + 1: unit, 2 - axis: 0}
                if len(pixels) and set(axes_of(driver)) <= {axis + 1}:
                    place = place_of(driver, indices)
                    assert (one.low[place], one.high[place]) == (pixels[0], pixels[-1] + 1)


@THOROUGH
@given(networks(rare=True), st.data())
def test_units_that_see_a_pixel_are_the_outputs_that_change_with_it(network, data):
    note("\n".join(map(str, network.entries)))
    truth, bare = influence(network), influence(without_gates(network), local=True)
    pixel = tuple(data.draw(st.integers(0, n - 1)) for n in network.input_shape[1:])
    for node in shown(network):
        expected = truth[node.name][pixel].any(axis=0)
        units = network.seen_by(pixel, node.name)
        np.testing.assert_array_equal(units.mask, expected)
        assert units.count == expected.sum()
        if units.count:
            assert units.box == hull(expected)
        assert units.global_via == network.field(node.name, (0, 0)).global_via
        local = bare[node.name][pixel].any(axis=0) if units.global_via else expected
        np.testing.assert_array_equal(units.local_mask, local)
        assert units.local_count == local.sum()


@THOROUGH
@given(networks(), st.data())
def test_textbook_window_holds_what_is_seen_where_borders_are_zeros(network, data):
    """The recurrence and brute force, without the exact intervals that `Region.box` may take instead."""
    borders = [
        getattr(node.layer, "padding_mode", getattr(node.layer, "mode", "zeros")) for node in network.layers
    ]
    if any(border in ("reflect", "replicate", "circular", "linear") for border in borders):
        return
    truth = influence(network)
    for node, view in zip(network.nodes, receptive_fields(network), strict=True):
        if not node.inputs:
            continue
        at = tuple(data.draw(st.integers(0, n - 1)) for n in node.output_shape[1:])
        seen = seen_by_unit(truth[node.name], at)
        if not seen.any():
            continue
        for axis, (field, driver) in enumerate(zip(view.axes, view.drivers, strict=True)):
            low, high = field.edges(np.array([place_of(driver, {1: at[0], 2: at[1]})]))
            assert low[0] <= hull(seen)[axis]
            assert high[0] >= hull(seen)[2 + axis]


@settings(max_examples=60)
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
