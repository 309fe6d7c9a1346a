"""Unproductive layers: their inputs already cover the whole image."""

from __future__ import annotations

from typing import NamedTuple

from ...layers.connection import Shape
from ...layers.pooling import Pool
from ...network import Node
from .finding import Finding
from .subject import Subject, lies_over_image
from .wording import count, extent


class Widening(NamedTuple):
    """A spatial layer with the field of its input along the narrowest path, and the axes along which it joins."""

    node: Node
    field: Shape
    axes: tuple[int, ...]

    def is_unproductive(self, image: Shape) -> bool:
        """Tell whether the layer's input sees more than the image wherever the layer would join more of it.

        Source:   Richter et al. 2021, "(Input) Size Matters for CNN Classifiers"
        """
        return all(self.field[axis] > image[axis] for axis in self.axes)

    @property
    def shrinks(self) -> bool:
        """Tell whether the layer is a pool that makes the map smaller, which is of use whatever it sees."""
        return isinstance(self.node.layer, Pool) and max(self.node.layer.stride) > 1

    def needs(self, axis: int) -> int:
        """Return the smallest image along an axis in which the layer joins something new."""
        return self.field[axis] if axis in self.axes else 1


def widenings(subject: Subject) -> list[Widening]:
    """Return the spatial layers whose input lies over the image."""
    found = []
    for node, windows in subject.spatial:
        view = subject.narrowest[node.sources[0]]
        if view is not None and lies_over_image(view, len(windows)):
            axes = tuple(axis for axis, window in enumerate(windows) if window.reach > 1)
            found.append(Widening(node, tuple(int(axis.size) for axis in view.axes), axes))
    return found


def unproductive_layers(subject: Subject) -> list[Widening]:
    """Return the spatial layers that join no new part of the image, along any path."""
    return [one for one in widenings(subject) if one.is_unproductive(subject.image)]


def find_unproductive_layers(subject: Subject) -> list[Finding]:
    """Find the layers that join no new part of the image."""
    unproductive = unproductive_layers(subject)
    pools = [one for one in unproductive if one.shrinks]
    if len(pools) == len(unproductive):
        return []
    first, image = unproductive[0], subject.image
    needed = tuple(max(n, *(one.needs(axis) for one in unproductive)) for axis, n in enumerate(image))
    rows = [subject.report[one.node.name] for one in unproductive]
    params, macs = sum(row.params for row in rows), sum(row.macs for row in rows)
    many = len(unproductive)
    name, field = first.node.name, extent(first.field)
    return [
        Finding(
            "unproductive-layers",
            "waste",
            tuple(row.name for row in rows),
            f"{many} of {count(len(subject.spatial), 'spatial layer')} {'is' if many == 1 else 'are'} "
            f"unproductive, starting with {name}: along every path its inputs already have a receptive field of "
            f"{field}, larger than the {extent(image)} image; {count(params, 'parameter')} and "
            f"{count(macs, 'MAC')} add no new context",
            f"use inputs of at least {extent(needed)}, reduce stride or dilation before {name}, or remove "
            f"{'it' if many == 1 else 'these layers'}{', except pools that shrink the map' if pools else ''}",
            {
                "unproductive": many,
                "spatial_layers": len(subject.spatial),
                "first": name,
                "field_before_first": list(first.field),
                "image": list(image),
                "productive_from": list(needed),
                "params": params,
                "macs": macs,
            },
        )
    ]
