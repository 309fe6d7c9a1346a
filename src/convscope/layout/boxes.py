"""Boxes of a network diagram: elementwise layers are merged into their source, repeated blocks drawn once."""

from __future__ import annotations

from collections.abc import Hashable
from typing import NamedTuple

from ..layers.base import Layer
from ..layers.connection import Shape
from ..network import Network, Node

LONGEST_BLOCK = 64
LEAST_SAVED = 3
"""Repeated blocks are merged if that saves at least this many boxes."""


class Box(NamedTuple):
    """A layer with the elementwise layers after it, named in `members`; `sources` are indices of other boxes."""

    name: str
    layer: Layer
    followers: tuple[Layer, ...]
    shape: Shape
    sources: tuple[int, ...]
    shares: bool = False
    members: tuple[str, ...] = ()

    def signature(self, place: int) -> Hashable:
        """Return the key by which boxes of consecutive blocks are compared."""
        return (
            self.layer,
            self.followers,
            self.shape,
            self.shares,
            tuple(place - source for source in self.sources),
        )


class RepeatedBoxes(NamedTuple):
    """Boxes `start` … `start + length − 1` stand for `times` consecutive equal blocks."""

    start: int
    length: int
    times: int


def boxes_of(network: Network) -> list[Box]:
    """Return one box per layer, with elementwise layers merged into their only source."""
    consumers = [0] * len(network)
    for node in network:
        for source in node.sources:
            consumers[source] += 1
    home: list[int] = []
    boxes: list[Box] = []
    for node in network:
        if _rides_along(node, network, consumers):
            place = home[node.sources[0]]
            box = boxes[place]
            boxes[place] = box._replace(followers=(*box.followers, node.layer), members=(*box.members, node.name))
        else:
            place = len(boxes)
            sources = tuple(home[source] for source in node.sources)
            boxes.append(Box(node.name, node.layer, (), node.output_shape, sources, not node.owns_parameters))
        home.append(place)
    return boxes


def _rides_along(node: Node, network: Network, consumers: list[int]) -> bool:
    if len(node.sources) != 1 or node.facts.connections is not None or not node.owns_parameters:
        return False
    source = network.nodes[node.sources[0]]
    return bool(source.inputs) and consumers[source.index] == 1 and source.output_shape == node.output_shape


def fold(boxes: list[Box]) -> tuple[list[Box], list[RepeatedBoxes]]:
    """Keep the first of consecutive equal blocks, with the number of repetitions."""
    found = _repeats(boxes)
    kept: list[Box] = []
    repeats: list[RepeatedBoxes] = []
    place_of: dict[int, int] = {}
    place = 0
    for repeat in [*found, RepeatedBoxes(len(boxes), 0, 1)]:
        while place < repeat.start + repeat.length:
            place_of[place] = len(kept)
            kept.append(boxes[place])
            place += 1
        if repeat.length:
            repeats.append(repeat._replace(start=place_of[repeat.start]))
            place = repeat.start + repeat.length * repeat.times
            place_of[place - 1] = len(kept) - 1  # successors depend on the last block
    return [box._replace(sources=tuple(place_of[source] for source in box.sources)) for box in kept], repeats


def _repeats(boxes: list[Box]) -> list[RepeatedBoxes]:
    signs = [box.signature(place) for place, box in enumerate(boxes)]
    last_use = list(range(len(boxes)))
    for place, box in enumerate(boxes):
        for source in box.sources:
            last_use[source] = place
    found: list[RepeatedBoxes] = []
    place = 1
    while place < len(boxes):
        candidates = (
            RepeatedBoxes(place, length, _times(boxes, signs, last_use, place, length))
            for length in range(1, min(LONGEST_BLOCK, (len(boxes) - place) // 2) + 1)
        )
        best = max(candidates, key=lambda one: (one.times - 1) * one.length, default=RepeatedBoxes(place, 1, 1))
        if (best.times - 1) * best.length >= LEAST_SAVED:
            found.append(best)
            place += best.length * best.times
        else:
            place += 1
    return found


def _times(boxes: list[Box], signs: list[Hashable], last_use: list[int], start: int, length: int) -> int:
    """Count consecutive equal blocks from `start`, each with one entry and one exit."""
    block = signs[start : start + length]
    times = 1
    while signs[start + times * length : start + (times + 1) * length] == block:
        times += 1
    if times == 1 or any(source < start - 1 for box in boxes[start : start + length] for source in box.sources):
        return 1
    for number in range(times):
        end = start + (number + 1) * length
        if any(last_use[inside] >= end for inside in range(end - length, end - 1)):
            return max(number, 1)
        # The last of a block feeds the next block alone, unless it is the last block.
        if number < times - 1 and last_use[end - 1] >= end + length:
            return number + 1
    return times
