"""Inputs that are too small: layers that add no context, and the smallest valid input."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from ...errors import ConvscopeError
from ...layers.connection import Shape
from ...layers.pooling import Pool
from ...network import Network, Node
from ...text.language import Message
from ...text.lists import counted
from ...text.numbers import times
from .finding import AXIS_NAMES, Finding, conjunction, listed, sentences
from .subject import Subject, lies_over_image, shapes_for


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
    values = {
        "total": len(subject.spatial),
        "layer": first.node.name,
        "field": times(first.field),
        "image": times(image),
        "params": counted(params, "parameter"),
        "macs": counted(macs, "MAC"),
    }
    return [
        Finding(
            "unproductive-layers",
            "waste",
            tuple(row.name for row in rows),
            _unproductive_message(len(unproductive), values),
            _unproductive_advice(len(unproductive), bool(pools), first.node.name, times(needed)),
            {
                "unproductive": len(unproductive),
                "spatial_layers": len(subject.spatial),
                "first": first.node.name,
                "field_before_first": list(first.field),
                "image": list(image),
                "productive_from": list(needed),
                "params": params,
                "macs": macs,
            },
        )
    ]


def _unproductive_message(many: int, values: Mapping[str, Any]) -> Message:
    if many == 1:
        return Message(
            "1 of {total:,} spatial layers is unproductive: {layer}. Along every path its input already has a "
            "receptive field of {field}, larger than the {image} image; its {params} and {macs} add no new "
            "context.",
            **values,
        )
    return Message(
        "{many:,} of {total:,} spatial layers are unproductive, starting with {layer}. Along every path its "
        "input already has a receptive field of {field}, larger than the {image} image; {params} and {macs} add "
        "no new context.",
        many=many,
        **values,
    )


def _unproductive_advice(many: int, pools: bool, layer: str, size: str) -> Message:
    """Return how to fix it; pools among the layers may be there to shrink the map."""
    if pools:
        return Message(
            "Use inputs of at least {size}, reduce stride or dilation before {layer}, or remove these layers, "
            "except pools that shrink the map.",
            size=size,
            layer=layer,
        )
    if many == 1:
        return Message(
            "Use inputs of at least {size}, reduce stride or dilation before {layer}, or remove it.",
            size=size,
            layer=layer,
        )
    return Message(
        "Use inputs of at least {size}, reduce stride or dilation before {layer}, or remove these layers.",
        size=size,
        layer=layer,
    )


FURTHER = 64
"""How many sizes above the smallest are tried for ones that are not legal."""


def smallest_sizes(network: Network) -> Shape:
    """Return the smallest valid size per axis, with the other axes unchanged.

    Nothing is assumed of the sizes between: after a merge of unequal branches only some fit.
    """
    shape = network.input_shape
    return tuple(
        next((n for n in range(1, shape[axis]) if is_legal(network, _with(shape, axis, n))), shape[axis])
        for axis in range(1, len(shape))
    )


def is_legal(network: Network, shape: Shape) -> bool:
    """Return whether the network can be built for this input."""
    if shapes_for(network, shape) is None:
        return False
    try:
        network.with_input(shape)
    except ConvscopeError:
        return False
    return True


def find_smallest_input(subject: Subject) -> list[Finding]:
    """Find the smallest valid input, invalid sizes above it, and the smallest input that every layer can use."""
    network = subject.network
    shape = network.input_shape
    if not 2 <= len(shape) <= 4:
        return []
    sizes = smallest_sizes(network)
    together = is_legal(network, (shape[0], *sizes))
    names = AXIS_NAMES[len(sizes)]
    if together:
        parts = [Message("The smallest valid input is {size}.", size=times(sizes))]
    else:
        each = [Message("{axis} {size}", axis=axis, size=n) for axis, n in zip(names, sizes, strict=True)]
        parts = [
            Message(
                "The smallest valid sizes are {sizes}, each with the other axes unchanged.",
                sizes=conjunction(*each),
            )
        ]
    base = (shape[0], *sizes) if together else shape
    gaps = list(_illegal_above(network, base, sizes))
    parts += [
        Message("Not every larger {axis} is valid: {size} is not.", axis=names[axis], size=n) for axis, n in gaps
    ]
    refitted = _refitted(network, base) if together else []
    if refitted:
        parts.append(
            Message("The weights of {layers} would have a different shape there.", layers=listed(refitted))
        )
    productive = _smallest_productive(subject, sizes)
    if productive:
        parts.append(
            Message(
                "At {size}, every convolution or pool still adds context within the image.",
                size=times(productive),
            )
        )
    advice = [Message("Use inputs of at least {size}.", size=times(productive or sizes))]
    if gaps:
        advice.append(Message("Some larger sizes are invalid, so test the one you need."))
    return [
        Finding(
            "smallest-input",
            "note",
            (),
            sentences(*parts),
            sentences(*advice),
            {
                "smallest": list(sizes),
                "legal_together": together,
                "illegal_above": [[str(names[axis]), n] for axis, n in gaps],
                "other_weights": refitted,
                "productive": list(productive) if productive else None,
            },
        )
    ]


def _with(shape: Shape, axis: int, n: int) -> Shape:
    return (*shape[:axis], n, *shape[axis + 1 :])


def _illegal_above(network: Network, base: Shape, sizes: Shape) -> Iterator[tuple[int, int]]:
    """Yield per axis the first illegal size above the smallest legal one, if it comes soon."""
    if all(node.layer.arity == (1, 1) and not hasattr(node.layer, "shape") for node in network.layers) and all(
        getattr(node.layer, "in_features", None) is None for node in network.layers
    ):
        return  # windows alone: whatever is larger than a legal size is legal
    for axis, smallest in enumerate(sizes):
        for n in range(smallest + 1, smallest + FURTHER + 1):
            if shapes_for(network, _with(base, axis + 1, n)) is None:
                yield axis, n
                break


def _refitted(network: Network, shape: Shape) -> list[str]:
    """Return the layers whose weights another input would change."""
    other = network.with_input(shape)
    return [
        here.name
        for here, there in zip(network.nodes, other.nodes, strict=True)
        if here.facts.param_shapes != there.facts.param_shapes
    ]


def _smallest_productive(subject: Subject, legal: Shape) -> Shape | None:
    """Return a smallest input at which no spatial layer is unproductive, tried; None where none was found."""
    layers = widenings(subject)
    if not layers:
        return None
    network = subject.network
    least = tuple(max(n, *(one.needs(axis) for one in layers)) for axis, n in enumerate(legal))
    for more in range(FURTHER + 1):
        candidate = (network.input_shape[0], *(n + more for n in least))
        if is_legal(network, candidate) and not unproductive_layers(Subject(network.with_input(candidate))):
            return candidate[1:]
    return None
