"""Rows and columns at the end that no window covers."""

from __future__ import annotations

from collections.abc import Iterator

from ...axis import Window
from ...layers.connection import Shape
from ...layers.convolution import Conv
from ...layers.pooling import Pool
from ...network import Network, Node
from ...text.language import Message
from ...text.lists import join_or
from ...text.numbers import times
from ..intervals import taps_of
from .finding import AXIS_NAMES, Finding, conjunction, last_lines, listed, sentences
from .subject import Subject, is_local, lies_over_image, shapes_for, windowed_nodes

FARTHEST = 128
"""How many pixels smaller and larger images are tried; strides of classic networks repeat after 32."""


def lost_rows(window: Window, n: int) -> int:
    """Return how many of n rows lie behind the last window because the stride does not divide the room.

    Rows that a stride larger than its window skips everywhere are not counted: no other size would save them. Nor
    are rows that circular padding brings to the first window.
    """
    unused = window.unused(n)
    if window.stride == 1 or not unused:
        return 0
    first = n + window.after - unused + max(0, window.stride - window.reach)
    return len(set(range(first, n)).difference(taps_of(window, n).flat))


def find_lost_rows(subject: Subject) -> list[Finding]:
    """Find, layer by layer, the rows and columns of its input that no unit sees."""
    lossy = [(node, windows, rows) for node, windows, rows in _lossy(subject.network) if any(rows)]
    if not lossy:
        return []
    near = list(_sizes_without_loss(subject))
    sizes = [Message("No layer loses any for images of {sizes}.", sizes=conjunction(*near))] if near else []
    found = [_of_layer(subject, node, windows, rows, sizes) for node, windows, rows in lossy]
    return found + _of_network(subject, tuple(node.name for node, _, _ in lossy), sizes)


def _lossy(network: Network) -> Iterator[tuple[Node, tuple[Window, ...], Shape]]:
    """Yield windowed layers with the rows that neither they nor another reader of their input sees."""
    for node, windows in windowed_nodes(network):
        rows = _lost(windows, node.input_shapes[0])
        if any(rows):
            for other in network.consumers(node.inputs[0]):
                theirs = (0,) * len(rows)
                if isinstance(other.layer, Conv | Pool):
                    theirs = _lost(other.layer.windows(other.input_shapes[0]), other.input_shapes[0])
                rows = tuple(map(min, rows, theirs))
            yield node, windows, rows


def _lost(windows: tuple[Window, ...], shape: Shape) -> Shape:
    return tuple(lost_rows(window, n) for n, window in zip(shape[1:], windows, strict=True))


def _of_layer(
    subject: Subject, node: Node, windows: tuple[Window, ...], rows: Shape, sizes: list[Message]
) -> Finding:
    inputs = node.input_shapes[0][1:]
    pixels = _pixels(subject, node)
    padded = [
        (window.before, window.after + (window.stride - window.unused(n) if lost else 0))
        for n, window, lost in zip(inputs, windows, rows, strict=True)
    ]
    if isinstance(node.layer, Pool):  # a pool's padding is limited to half its kernel
        fix = Message("Use ceil_mode in {layer}.", layer=node.name)
    else:
        padding = "x".join(f"{before}/{after}" for before, after in padded)
        fix = Message("Use padding {padding} (before/after) in {layer}.", padding=padding, layer=node.name)
    return Finding(
        "lost-rows",
        "waste",
        (node.name,),
        _not_covered(node, rows, pixels if node.inputs[0] != subject.network.inputs[0].name else None),
        sentences(fix, *sizes),
        {
            "rows": list(rows),
            "pixels": None if pixels is None else list(pixels),
            "input": list(inputs),
            "padding": [list(pair) for pair in padded],
        },
    )


def _not_covered(node: Node, rows: Shape, pixels: Shape | None) -> Message:
    """Return the message, with the pixels of the image that are lost where these are known."""
    values = {"layer": node.name, "lines": last_lines(rows), "input": times(node.input_shapes[0][1:])}
    if pixels is None:
        return Message(
            "{layer} never covers {lines} of its {input} input: the remainder after the last window is smaller "
            "than "
            "the stride.",
            **values,
        )
    if not any(pixels):
        return Message(
            "{layer} never covers {lines} of its {input} input, but loses no pixel of the image: the remainder "
            "after "
            "the last window is smaller than the stride.",
            **values,
        )
    return Message(
        "{layer} never covers {lines} of its {input} input, and with it {pixels} of the image: the remainder "
        "after "
        "the last window is smaller than the stride.",
        pixels=last_lines(pixels),
        **values,
    )


def _pixels(subject: Subject, node: Node) -> Shape | None:
    """Return how many pixels at the image's end this layer's input sees and the layer does not."""
    before, after = subject.exact[node.sources[0]], subject.exact[node.index]
    rank = len(node.output_shape) - 1
    if before is None or after is None or not lies_over_image(before, rank) or not is_local(after):
        return None
    pairs = zip(before.axes, after.axes, strict=True)
    return tuple(max(0, int(one.high.max()) - int(two.high.max())) for one, two in pairs)


def _of_network(subject: Subject, names: tuple[str, ...], sizes: list[Message]) -> list[Finding]:
    last = subject.last_spatial
    view = None if last is None else subject.exact[last.index]
    if last is None or view is None or not is_local(view):
        return []
    unseen = tuple(n - int(axis.high.max()) for n, axis in zip(subject.image, view.axes, strict=True))
    if not any(part > 0 for part in unseen):
        return []
    unseen = tuple(max(0, part) for part in unseen)
    return [
        Finding(
            "unseen-border",
            "waste",
            (last.name,),
            Message(
                "{layer}, the last spatial layer, never sees {lines} of the {image} image: a remainder smaller "
                "than "
                "the stride is left in {layers}.",
                layer=last.name,
                lines=last_lines(unseen),
                image=times(subject.image),
                layers=listed(names),
            ),
            sentences(Message("Crop the input explicitly, or change these layers."), *sizes),
            {"pixels": list(unseen), "image": list(subject.image), "lost_in": list(names)},
        )
    ]


def _sizes_without_loss(subject: Subject) -> Iterator[Message]:
    """Yield, per axis that loses, the nearest image sizes with which no layer loses any."""
    shape = subject.network.input_shape
    rank = len(shape) - 1
    for axis in range(1, rank + 1):
        if not _loses(subject.network, shape, axis):
            continue
        near = []
        for direction in (-1, 1):
            for distance in range(1, FARTHEST + 1):
                n = shape[axis] + direction * distance
                if n >= 1 and _loses(subject.network, (*shape[:axis], n, *shape[axis + 1 :]), axis) is False:
                    near.append(n)
                    break
        if near:
            yield Message("{axis} {size}", axis=AXIS_NAMES[rank][axis - 1], size=join_or(map(str, near)))


def _loses(network: Network, shape: Shape, axis: int) -> bool | None:
    """Tell whether some layer loses rows along an axis for this input; None where the input is illegal."""
    layers = losing_layers(network, shape, axis)
    return None if layers is None else bool(layers)


def losing_layers(network: Network, shape: Shape, axis: int) -> tuple[str, ...] | None:
    """Return the layers that lose rows along an axis for an input of this shape; None where it is illegal."""
    shapes = shapes_for(network, shape)
    if shapes is None:
        return None
    found = []
    for node in network.nodes:
        layer = node.layer
        if isinstance(layer, Conv | Pool):
            own = shapes[node.sources[0]]
            if axis < len(own) and lost_rows(layer.windows(own)[axis - 1], own[axis]):
                found.append(node.name)
    return tuple(found)
