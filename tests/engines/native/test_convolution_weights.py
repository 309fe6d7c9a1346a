"""Weights of convolutions in blocks: their layouts, transposed weights, masks for groups. All are exact."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from convscope.engines.native.kernels.common.shapes import ConvolutionShape
from convscope.engines.native.kernels.convolution.weights import (
    GroupMask,
    TransposedWeights,
    transposed_layout,
    weights_layout,
)
from convscope.engines.native.layout import Channels, FilterBlocks, GroupedFilterBlocks

from .assembly import TARGETS, spills
from .convolutions import Numbers, shape_of, shapes
from .harness import KINDS, call
from .test_convolution import transposed_weight

SLOW = settings(suppress_health_check=list(HealthCheck))


def grouped(channels: int, filters: int, groups: int, kind: str = "host") -> ConvolutionShape:
    return shape_of(channels, 4, 5, filters, (2, 3), groups=groups, kind=kind)


def test_the_layout_follows_the_groups() -> None:
    """One group, several, and one for each channel."""
    assert isinstance(weights_layout(grouped(4, 6, 1)), FilterBlocks)
    assert isinstance(weights_layout(grouped(4, 6, 2)), GroupedFilterBlocks)
    assert isinstance(weights_layout(grouped(4, 8, 4)), GroupedFilterBlocks)
    assert isinstance(weights_layout(grouped(4, 4, 4)), Channels)


@pytest.mark.parametrize("lanes", [4, 8, 16])
@pytest.mark.parametrize(
    ("filters", "channels", "groups"), [(32, 64, 2), (12, 20, 4), (6, 3, 3), (40, 10, 5), (60, 90, 30)]
)
def test_grouped_layout_stores_each_weight_once(filters: int, channels: int, groups: int, lanes: int) -> None:
    """What is packed comes back; all else is zero; every weight lies in a block that its filters see."""
    layout = GroupedFilterBlocks(filters, channels, groups, (2, 3), lanes)
    weight = np.random.default_rng(0).normal(size=(filters, channels // groups, 2, 3)).astype(np.float32)
    packed = layout.pack(weight)
    assert packed.shape == (layout.floats,)
    assert np.count_nonzero(packed) == weight.size
    np.testing.assert_array_equal(layout.unpack(packed), weight)


@pytest.mark.parametrize("kind", KINDS)
@settings(SLOW, max_examples=8)
@given(st.data())
def test_transposed_weights_are_the_same_weights(kind: str, data: st.DataObject) -> None:
    """Every block size and grouping; every float of the result is written."""
    shape = data.draw(shapes(kind, data.draw(st.booleans())))
    numbers = Numbers(shape, 1)
    into = np.full(transposed_layout(shape).floats, np.nan, np.float32)
    got = call(TransposedWeights(shape), 1, {"weight": numbers.packed_weight, "weight_t": into}, kind=kind)
    np.testing.assert_array_equal(got["weight_t"], transposed_weight(numbers))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("channels", "filters", "groups"), [(12, 20, 4), (3, 6, 3), (96, 64, 2), (10, 35, 5)])
def test_weights_between_groups_are_masked(channels: int, filters: int, groups: int, kind: str) -> None:
    """Gradients of weights that are there are kept, all else becomes zero, NaN too."""
    shape = grouped(channels, filters, groups, kind)
    layout = weights_layout(shape)
    there = layout.pack(np.ones((filters, channels // groups, 2, 3), np.float32)) > 0
    gradient = np.random.default_rng(1).normal(size=layout.floats).astype(np.float32)
    gradient[np.flatnonzero(~there)[:3]] = np.nan
    got = call(GroupMask(shape), 1, {"gradient": gradient}, kind=kind)["gradient"]
    np.testing.assert_array_equal(got, np.where(there, gradient, 0))


@pytest.mark.parametrize("kind", TARGETS)
def test_square_tiles_are_transposed_without_spills(kind: str) -> None:
    """As many vectors as lanes, and a temporary, have room."""
    assert spills(TransposedWeights(shape_of(48, 4, 5, 40, (3, 3), kind=kind)), kind) == 0


def test_weights_without_transpose_or_mask_are_rejected() -> None:
    """Depthwise weights have no blocks; one group has nothing outside."""
    with pytest.raises(ValueError, match="depthwise weights are their own transposed ones"):
        TransposedWeights(grouped(4, 4, 4))
    with pytest.raises(ValueError, match="only weights in groups have entries outside of them"):
        GroupMask(grouped(4, 4, 1))
