"""Columns, lanes, rows and sizes of a network diagram."""

from __future__ import annotations

from itertools import pairwise
from math import sqrt

import pytest
from hypothesis import given, settings

import convscope as cs
from convscope.layout import lay_out
from convscope.layout.boxes import boxes_of
from convscope.layout.lanes import place, rows, waists
from convscope.layout.page import solid
from random_networks import networks


def test_feature_maps_are_drawn_to_scale():
    """A face grows as the root of the pixels, the depth by the logarithm of the channels."""
    whole, quarter = solid((3, 64, 16), 64), solid((3, 16, 4), 64)
    assert whole.height - 0.1 == pytest.approx(2 * (quarter.height - 0.1))
    assert whole.width - 0.1 == pytest.approx((whole.height - 0.1) * sqrt(16 / 64))
    steps = [solid((channels, 8, 8), 64).depth for channels in (1, 8, 64, 512)]
    assert [round(b - a, 9) for a, b in pairwise(steps)] == [0.105] * 3


@settings(max_examples=60)
@given(networks())
def test_boxes_and_lines_keep_to_their_lanes(network):
    """No two boxes share a place, lines lead forwards, past no box and never along another box's line."""
    boxes = boxes_of(network)
    placed = place([box.sources for box in boxes])
    places = list(zip(placed.columns, placed.lanes, strict=True))
    assert len(set(places)) == len(places)
    runs = {}
    for edge in placed.edges:
        first, last = placed.columns[edge.source], placed.columns[edge.target]
        assert first < last
        for column in range(first + 1, last):
            assert (column, edge.lane) not in places
            assert runs.setdefault((column, edge.lane), edge.source) == edge.source
    assert len(placed.edges) == sum(len(box.sources) for box in boxes)


def test_waists_are_where_one_line_crosses():
    """0 → 1 → 2 → 3 with a skip from 1 to 3: both lines of 1 travel as one until 2 begins another."""
    assert waists(place([(), (0,), (1,), (2, 1)])) == [True, True, False]


def test_rows_are_cut_at_waists_and_filled():
    """Ten columns of width 1 in rows of four, waists after the third, the sixth and the ninth."""
    good = [gap in (2, 5, 8) for gap in range(9)]
    assert rows([1.0] * 10, good, 4.0)[1] == [(0, 2), (3, 5), (6, 9)]
    assert rows([1.0] * 10, [False] * 9, 5.0)[1] == [(0, 4), (5, 9)]
    assert rows([3.0, 3.0], [True], 2.0)[1] == [(0, 0), (1, 1)]


@pytest.mark.parametrize("name", ["lenet", "resnet18", "googlenet"])
def test_edge_paths_join_their_boxes(name):
    """A path leaves its source on the right, keeps inside the page, and ends in front of its target."""
    diagram = lay_out(cs.load(name), lambda box: [box.name], lambda lines: 0.1 * len(lines[0]))
    ends = [(edge.source, edge.target) for edge in diagram.placed.edges]
    for path, (source, target) in zip(diagram.edges, ends, strict=True):
        assert path.start[0] > diagram.middle(source)[0]
        assert path.tip[0] < diagram.middle(target)[0]
        assert path.tip[1] == diagram.middle(target)[1]
        corners = [point for segment in path.segments for point in segment]
        assert all(0 < x < diagram.page.width and 0 < y < diagram.page.height for x, y in corners)
        assert {len(segment) for segment in path.segments} <= {1, 3}
