"""A final receptive field smaller than the objects."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from math import ceil

from ...errors import ConvscopeError
from ...layers.connection import Shape
from ...layers.convolution import Conv
from ...network import Network, Node
from ...text.language import Message
from ...text.numbers import times
from ..receptive_field import receptive_fields
from .finding import Finding, alternatives
from .subject import Subject, last_spatial, lies_over_image

MOST_TRIES = 24
"""How many layers are tried with a larger stride, from the last to the first."""


def field_size(network: Network) -> Shape | None:
    """Return what a unit of the last map spans; None where no map lies over the image."""
    fields = receptive_fields(network)
    last = last_spatial(network, fields)
    view = None if last is None else fields[last.index]
    return None if view is None else tuple(axis.size for axis in view.axes)


def find_small_field(subject: Subject) -> list[Finding]:
    """Find a final receptive field smaller than an object, and single changes that enlarge it enough."""
    wanted, last = subject.object_size, subject.last_spatial
    view = None if last is None else subject.fields[last.index]
    if wanted is None or last is None or view is None:
        return []
    size = tuple(axis.size for axis in view.axes)
    missing = tuple(max(0, want - have) for want, have in zip(wanted, size, strict=True))
    if not any(missing):
        return []
    changes = list(_changes(subject, missing))
    texts = [Message("{change} (field {field})", change=text, field=times(reached)) for text, reached in changes]
    suggestion = Message("Add strided stages.")
    if texts:
        suggestion = Message("Any one of these changes is enough: {changes}.", changes=alternatives(*texts))
    return [
        Finding(
            "small-field",
            "risk",
            (last.name,),
            Message(
                "The receptive field of {layer}, the last spatial layer, is {field}: smaller than an object of "
                "{object} by {missing}.",
                layer=last.name,
                field=times(size),
                object=times(wanted),
                missing=times(missing),
            ),
            suggestion,
            {
                "layer": last.name,
                "field": list(size),
                "object": list(wanted),
                "missing": list(missing),
                "changes": [{"change": str(text), "field": list(reached)} for text, reached in changes],
            },
        )
    ]


def _changes(subject: Subject, missing: Shape) -> Iterator[tuple[Message, Shape]]:
    """Yield single changes, each with the field it gives, all but the first tried on the network itself."""
    last = subject.last_spatial
    view = None if last is None else subject.fields[last.index]
    assert view is not None
    steps = [float(axis.step) for axis in view.axes]
    if all(steps):
        more = max(ceil(short / (2 * step)) for short, step in zip(missing, steps, strict=True))
        reached = tuple(int(axis.size + 2 * more * step) for axis, step in zip(view.axes, steps, strict=True))
        kernel = times((3,) * len(missing))
        yield (
            Message("{count} more {kernel} layer(s) with stride 1 at the end", count=more, kernel=kernel),
            reached,
        )
    convolutions = _convolutions(subject)
    if convolutions:
        yield from _tried(subject, convolutions[-1], _dilated(subject, convolutions[-1], missing), "dilation")
        yield from _tried(subject, convolutions[-1], _enlarged(subject, convolutions[-1], missing), "kernel")
    for node in convolutions[: -MOST_TRIES - 1 : -1]:
        layer = node.layer
        assert isinstance(layer, Conv)
        if max(layer.stride) == 1:
            strided = list(_tried(subject, node, replace(layer, stride=(2,) * len(missing)), "stride"))
            if strided:
                yield strided[0]
                return


def _convolutions(subject: Subject) -> list[Node]:
    """Return the convolutions that join neighbors and whose inputs lie over the image."""
    rank = len(subject.image)
    return [
        node
        for node, _ in subject.spatial
        if isinstance(node.layer, Conv) and lies_over_image(subject.fields[node.sources[0]], rank)
    ]


def _growth(subject: Subject, node: Node, missing: Shape) -> list[int]:
    """Return by how many of its input's positions a layer's window must grow, per axis."""
    view = subject.fields[node.sources[0]]
    assert view is not None
    return [ceil(short / axis.step) if axis.step else 0 for short, axis in zip(missing, view.axes, strict=True)]


def _dilated(subject: Subject, node: Node, missing: Shape) -> Conv:
    layer = node.layer
    assert isinstance(layer, Conv)
    growth = _growth(subject, node, missing)
    dilation = tuple(
        d + ceil(grow / (k - 1)) if k > 1 else d
        for d, k, grow in zip(layer.dilation, layer.kernel_size, growth, strict=True)
    )
    return _padded_like(layer, replace(layer, dilation=dilation))


def _enlarged(subject: Subject, node: Node, missing: Shape) -> Conv:
    layer = node.layer
    assert isinstance(layer, Conv)
    growth = _growth(subject, node, missing)
    # By an even number of taps, so that both ends can be padded alike and the output keeps its size.
    kernel = tuple(
        k + 2 * ceil(grow / (2 * d)) for k, d, grow in zip(layer.kernel_size, layer.dilation, growth, strict=True)
    )
    return _padded_like(layer, replace(layer, kernel_size=kernel))


def _padded_like(old: Conv, new: Conv) -> Conv:
    """Pad the larger window as much more as it reaches further, so that the output keeps its size."""
    if old.padding == "same" or new.padding == "same":
        return new
    more = [
        d * (k - 1) - old_d * (old_k - 1)
        for d, k, old_d, old_k in zip(new.dilation, new.kernel_size, old.dilation, old.kernel_size, strict=True)
    ]
    padding = tuple(
        (before + m // 2, after + m - m // 2) for m, (before, after) in zip(more, old.padding, strict=True)
    )
    return replace(new, padding=padding)


def _tried(subject: Subject, node: Node, layer: Conv, setting: str) -> Iterator[tuple[Message, Shape]]:
    """Yield the change when the network takes it and its field then holds the object."""
    entries = [e._replace(layer=layer) if e.name == node.name else e for e in subject.network.entries]
    try:
        reached = field_size(Network(entries, subject.network.name))
    except ConvscopeError:
        return
    wanted = subject.object_size
    assert wanted is not None
    if reached is not None and all(have >= want for have, want in zip(reached, wanted, strict=True)):
        name = {"kernel": "kernel_size"}.get(setting, setting)
        size = times(getattr(layer, name))
        yield Message("{setting} {size} in {layer}", setting=setting, size=size, layer=node.name), reached
