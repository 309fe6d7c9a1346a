"""The smallest valid input sizes, found by search."""

from __future__ import annotations

from collections.abc import Iterator

from ...errors import ConvscopeError
from ...layers.connection import Shape
from ...network import Network
from .finding import Finding
from .productivity import unproductive_layers, widenings
from .subject import Subject, shapes_for
from .wording import AXIS_NAMES, extent, listed

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
        message = f"the smallest valid input is {extent(sizes)}"
    else:
        each = " and ".join(f"{name} {n}" for name, n in zip(names, sizes, strict=True))
        message = f"the smallest valid sizes are {each}, each with the other axis unchanged"
    base = (shape[0], *sizes) if together else shape
    gaps = list(_illegal_above(network, base, sizes))
    message += "".join(f"; not every larger {names[axis]} is valid: {n} is not" for axis, n in gaps)
    refitted = _refitted(network, base) if together else []
    if refitted:
        message += f"; the weights of {listed(refitted)} would have a different shape there"
    productive = _smallest_productive(subject, sizes)
    if productive:
        message += f"; at {extent(productive)} every convolution or pool still adds context within the image"
    return [
        Finding(
            "smallest-input",
            "note",
            (),
            message,
            f"use inputs of at least {extent(productive or sizes)}"
            + ("; some larger sizes are invalid, so test the one you need" if gaps else ""),
            {
                "smallest": list(sizes),
                "legal_together": together,
                "illegal_above": [[names[axis], n] for axis, n in gaps],
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
