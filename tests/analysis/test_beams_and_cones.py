"""Beams, light cones and counts of all layers are those of one unit or pixel at a time."""

from __future__ import annotations

import re
from itertools import product
from random import Random

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import convscope as cs
from convscope import layers as L
from convscope.analysis.beam import beam
from convscope.analysis.light_cone import light_cone
from convscope.analysis.seen_counts import seen_counts
from convscope.errors import BadUnit
from convscope.network import Entry, Network
from random_networks import networks

MISALIGNED = Network(
    [
        Entry("input", L.Input((2, 23, 19))),
        Entry("wide", L.Conv2d(4, 5, padding=((2, 2), (0, 4))), ("input",)),
        Entry("same", L.Conv2d(4, 3, padding=((1, 1), (1, 1))), ("input",)),
        Entry("merge", L.Add(), ("wide", "same")),
        Entry("last", L.Conv2d(3, 3), ("merge",)),
    ],
    "misaligned",
)


def units(network, node, most=8):
    """Return some units of a layer by their positions."""
    sizes = node.output_shape[1:] if len(node.output_shape) > 1 else node.output_shape
    every = list(product(*map(range, sizes)))
    return every if len(every) <= most else Random(3).sample(every, most)


@settings(max_examples=40, deadline=None)
@given(networks(), st.randoms(use_true_random=False))
def test_the_windows_of_a_beam_are_regions_with_that_origin(network, random):
    assume(network.layers)
    node = random.choice(network.layers)
    for at in units(network, node, 3):
        try:
            found = beam(network, node.name, at)
        except BadUnit:
            with pytest.raises(BadUnit):
                network.field(node.name, at)
            continue
        for window in found.windows[:-1]:
            region = network.field(node.name, at, origin=window.layer)
            assert window.positions == int(region.local_mask.sum()), window
            if window.positions:
                assert window.box == hull(region.local_mask), window


def hull(mask):
    places = np.argwhere(mask)
    return (*places.min(axis=0).tolist(), *(places.max(axis=0) + 1).tolist())


@settings(max_examples=40, deadline=None)
@given(networks(rare=True), st.randoms(use_true_random=False))
def test_a_light_cone_is_seen_by_of_every_layer(network, random):
    origin = random.choice(network.nodes)
    for pixel in units(network, origin, 2):
        try:
            cone = light_cone(network, pixel, origin.name)
        except BadUnit:
            continue
        assert list(cone) == [node.name for node in network.nodes[origin.index + 1 :]]
        for name, found in cone.items():
            if isinstance(found, BadUnit):
                with pytest.raises(BadUnit, match=re.escape(str(found))):
                    network.seen_by(pixel, name, origin.name)
                continue
            expected = network.seen_by(pixel, name, origin.name)
            assert found.to_dict() == expected.to_dict()
            np.testing.assert_array_equal(found.mask, expected.mask)
            np.testing.assert_array_equal(found.local_mask, expected.local_mask)


def test_the_cone_of_a_patch_is_the_union_of_its_pixels():
    network = cs.load("input 1x17x19 | conv 2 3 s2 | maxpool 2 | conv 3 3 d2 p2")
    cone = light_cone(network, (4, 16), size=(2, 5))
    for node in network.layers:
        each = [network.seen_by((row, column), node.name).mask for row in (4, 5) for column in (16, 17, 18)]
        np.testing.assert_array_equal(cone[node.name].mask, np.any(each, axis=0))


@settings(max_examples=40, deadline=None)
@given(networks(), st.randoms(use_true_random=False))
def test_counts_are_sums_of_masks(network, random):
    assume(network.layers)
    node = random.choice(network.layers)
    sizes = node.output_shape[1:] if len(node.output_shape) > 1 else node.output_shape
    every = list(product(*map(range, sizes)))
    try:
        network.field(node.name, every[0])
    except BadUnit:
        with pytest.raises(BadUnit, match=r"\[unit-"):
            seen_counts(network, node.name)
        return
    expected = sum(network.field(node.name, at).local_mask.astype(int) for at in every)
    np.testing.assert_array_equal(seen_counts(network, node.name), expected)


@pytest.mark.parametrize(("name", "layer"), [("resnet18", "layer3.0.add1"), ("googlenet", "inception4a.concat1")])
def test_counts_of_merges_follow_from_axes(name, layer, monkeypatch):
    network = cs.load(name)
    layer = layer if layer in network else network.layers[-8].name
    expected = seen_counts(network, layer)
    from convscope.analysis import seen_counts as module

    monkeypatch.setattr(module, "_by_axes", lambda *_: None)
    np.testing.assert_array_equal(seen_counts(network, layer), expected)


@pytest.mark.parametrize(("layer", "at"), [("merge", (9, 8)), ("last", (4, 11))])
def test_a_misaligned_merge_has_a_field_for_each_path(layer, at):
    found = beam(MISALIGNED, layer, at).merges
    merges = cs.inspect(MISALIGNED)[layer].receptive_field.merges
    assert [merge.layer for merge in found] == [merge.layer for merge in merges] == ["merge"]
    first, second = found[0].paths
    assert (first.source, second.source) == ("wide", "same")
    assert second.offset == merges[0].offset == (0.0, -2.0)
    row, column = found[0].at
    assert first.box == MISALIGNED.field("wide", (row, column)).box
    assert second.box == MISALIGNED.field("same", (row, column)).box
    assert found[0].at == (at if layer == "merge" else (at[0] + 1, at[1] + 1))
