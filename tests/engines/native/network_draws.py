"""Random networks of every kind of layer that the native engine has a kernel for, and of some that it has not."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from convscope import layers as L
from convscope.errors import ConvscopeError
from convscope.layers.connection import Shape
from convscope.network import Entry, Network

MOST_FLOATS = 4000
"""The largest output of a drawn layer."""


class Draws:
    """Choices that follow from a seed."""

    def __init__(self, seed: int) -> None:
        self._generator = np.random.default_rng(seed)

    def whole(self, low: int, high: int) -> int:
        """Return a number from low to high, both included."""
        return int(self._generator.integers(low, high + 1))

    def chance(self, share: float) -> bool:
        return bool(self._generator.random() < share)

    def one(self, choices: list) -> object:
        return choices[self.whole(0, len(choices) - 1)]

    def numbers(self, axes: int, low: int, high: int) -> tuple[int, ...]:
        return tuple(self.whole(low, high) for _ in range(axes))


def _channels(draw: Draws) -> int:
    return draw.one([1, 2, 3, 5, 8, 15, 16, 17, 24, 33])


def _pads(draw: Draws, axes: int, most: int) -> tuple:
    return tuple(draw.numbers(2, 0, most) for _ in range(axes))


def _conv(draw: Draws, shape: Shape) -> L.Layer:
    axes = len(shape) - 1
    groups = draw.one([n for n in range(1, shape[0] + 1) if shape[0] % n == 0]) if draw.chance(0.3) else 1
    filters = groups * draw.whole(1, 1 + 40 // groups) if groups > 1 else _channels(draw)
    padding = "same" if draw.chance(0.3) else _pads(draw, axes, 2)
    stride = draw.one([1, 1, 1, draw.numbers(axes, 1, 3)])
    size = draw.one([3, 3, 1, draw.numbers(axes, 1, 5)])
    dilation = draw.one([1, 1, draw.numbers(axes, 1, 2)])
    border = draw.one(["zeros"] * 9 + ["reflect"])
    settings = {"padding": padding, "dilation": dilation, "groups": groups, "bias": draw.chance(0.7)}
    return [L.Conv1d, L.Conv2d][axes - 1](filters, size, stride, padding_mode=border, **settings)


def _depthwise(draw: Draws, shape: Shape) -> L.Layer:
    axes = len(shape) - 1
    settings = {"padding": _pads(draw, axes, 2), "bias": draw.chance(0.5), "groups": shape[0]}
    kind = [L.Conv1d, L.Conv2d][axes - 1]
    times = draw.one([1, 1, 1, 2])
    return kind(times * shape[0], draw.one([3, draw.numbers(axes, 1, 4)]), draw.one([1, 2]), **settings)


def _transposed(draw: Draws, shape: Shape) -> L.Layer:
    axes = len(shape) - 1
    stride = draw.numbers(axes, 1, 3)
    extra = tuple(draw.whole(0, step - 1) for step in stride)
    groups = draw.one([n for n in range(1, shape[0] + 1) if shape[0] % n == 0]) if draw.chance(0.2) else 1
    filters = groups * draw.whole(1, 1 + 20 // groups)
    kind = [L.ConvTranspose1d, L.ConvTranspose2d][axes - 1]
    settings = {"padding": _pads(draw, axes, 1), "output_padding": extra, "bias": draw.chance(0.7)}
    dilation = draw.one([1, draw.numbers(axes, 1, 2)])
    return kind(filters, draw.numbers(axes, 1, 4), stride, groups=groups, dilation=dilation, **settings)


def _pool(draw: Draws, shape: Shape) -> L.Layer:
    axes = len(shape) - 1
    if draw.chance(0.25):
        return draw.one(
            [L.GlobalAvgPool1d, L.GlobalMaxPool1d] if axes == 1 else [L.GlobalAvgPool2d, L.GlobalMaxPool2d]
        )()
    if draw.chance(0.25):
        one, two = [L.AdaptiveAvgPool1d, L.AdaptiveMaxPool1d], [L.AdaptiveAvgPool2d, L.AdaptiveMaxPool2d]
        return draw.one([one, two][axes - 1])(draw.numbers(axes, 1, 5))
    one, two = [L.MaxPool1d, L.AvgPool1d, L.MinPool1d], [L.MaxPool2d, L.AvgPool2d, L.MinPool2d]
    kind = draw.one([one, two][axes - 1])
    size = draw.one([(2,) * axes, draw.numbers(axes, 1, 4)])
    pads = tuple((draw.whole(0, k // 2), draw.whole(0, k // 2)) for k in size)
    settings = {"count_include_pad": draw.chance(0.5)} if kind in (L.AvgPool1d, L.AvgPool2d) else {}
    stride = draw.one([size, draw.numbers(axes, 1, 3)])
    return kind(size, stride, padding=pads, ceil_mode=draw.chance(0.5), **settings)


def _activation(draw: Draws, shape: Shape) -> L.Layer:
    kinds = [L.ReLU6, L.LeakyReLU, L.ELU, L.SELU, L.GELU, L.SiLU, L.Mish, L.Softplus, L.Sigmoid, L.Tanh]
    kinds += [
        L.Hardsigmoid,
        L.Hardswish,
        lambda: L.GELU("tanh"),
        lambda: L.LeakyReLU(0.3),
        L.LogSoftmax,
        L.Softmax,
    ]
    kinds += [L.PReLU, lambda: L.PReLU(shape[0]), L.Identity, lambda: L.Dropout(0.0)]
    return draw.one(kinds)()


def _norm(draw: Draws, shape: Shape) -> L.Layer:
    kind = L.BatchNorm1d if len(shape) < 3 else L.BatchNorm2d
    if draw.chance(0.85):
        return kind(affine=draw.chance(0.8), momentum=draw.one([0.1, 0.3]))
    return draw.one([lambda: L.LocalResponseNorm(3, 0.01), lambda: L.GroupNorm(1), lambda: L.LayerNorm((0,))])()


def _moved(draw: Draws, shape: Shape) -> L.Layer:
    axes = len(shape) - 1
    groups = draw.one([n for n in range(1, shape[0] + 1) if shape[0] % n == 0])
    kinds: list[Callable[[], L.Layer]] = [
        lambda: L.Pad(_pads(draw, axes, 2)),
        lambda: L.Pad(_pads(draw, axes, 1), draw.one(["reflect", "replicate", "circular"])),
        lambda: L.Pad(_pads(draw, axes, 1), value=0.5),
        lambda: L.Crop(_pads(draw, axes, 1)),
        lambda: L.Slice(0, draw.whole(0, shape[0] // 2), None, draw.whole(1, 2)),
        lambda: L.Slice(draw.whole(1, axes), draw.whole(0, 2), None, draw.whole(1, 2)),
        lambda: L.Upsample(draw.numbers(axes, 1, 2)),
        lambda: L.Upsample(size=draw.numbers(axes, 2, 9), mode=draw.one(["nearest", "linear"])),
        lambda: L.ChannelShuffle(groups),
        lambda: L.PixelShuffle(2),
        lambda: L.Scale(0),
        lambda: L.Clamp(-0.7, 0.9),
    ]
    return draw.one(kinds)()


def _dense(draw: Draws, shape: Shape) -> L.Layer:
    return L.Linear(draw.one([2, 5, 16, 19, 33]), bias=draw.chance(0.8))


_STEPS = [_conv] * 5 + [_depthwise, _transposed, *[_pool] * 3, *[_activation] * 4, *[_norm] * 2, _moved, _moved]


def _layer(draw: Draws, shape: Shape) -> L.Layer:
    if draw.chance(0.25):
        return L.ReLU()
    if len(shape) == 1:
        return draw.one([_dense, _dense, _activation, _norm])(draw, shape)
    return draw.one(_STEPS)(draw, shape)


def _gated(draw: Draws, name: str, node) -> Iterator[Entry]:
    """Yield a gate for each channel, made of the image itself, and the product of both."""
    if len(node.output_shape) != 3:
        return
    yield Entry(f"{name}squeeze", L.GlobalAvgPool2d(), (node.name,))
    yield Entry(f"{name}mix", L.Conv2d(node.output_shape[0], 1), (f"{name}squeeze",))
    yield Entry(f"{name}gate", L.Sigmoid(), (f"{name}mix",))
    order = (node.name, f"{name}gate") if draw.chance(0.7) else (f"{name}gate", node.name)
    yield Entry(name, L.Multiply(), order)


def _merged(draw: Draws, network: Network, name: str) -> Iterator[Entry]:
    nodes = network.nodes[-6:]
    one = draw.one(list(nodes))
    kind = draw.one([L.Add] * 3 + [L.Concat] * 3 + [L.Multiply] * 2 + [L.Maximum, L.Subtract])()
    if isinstance(kind, L.Concat):
        alike = [node for node in nodes if node.output_shape[1:] == one.output_shape[1:]]
    else:
        alike = [node for node in nodes if node.output_shape == one.output_shape]
    others = tuple(draw.one(alike).name for _ in range(draw.one([1, 1, 2])))
    yield Entry(name, kind, (one.name, *others))


def _shared(draw: Draws, network: Network, name: str) -> Iterator[Entry]:
    """Yield a layer of the network again, with the same parameters, on another value that it fits."""
    owners = [node for node in network.layers if node.facts.param_shapes and node.owns_parameters]
    if owners:
        owner = draw.one(owners)
        yield Entry(name, owner.layer, (draw.one(list(network.nodes[-5:])).name,), owner.name)


def _step(draw: Draws, network: Network, name: str) -> Iterator[Entry]:
    match draw.whole(0, 9):
        case 0 | 1:
            yield from _merged(draw, network, name)
        case 2:
            yield from _gated(draw, name, network.nodes[-1])
        case 3:
            yield from _shared(draw, network, name)
        case _:
            back = 1 if draw.chance(0.7) else min(3, len(network.nodes))
            source = network.nodes[-back]
            yield Entry(name, _layer(draw, source.output_shape), (source.name,))


def _ending(draw: Draws, network: Network) -> Iterator[Entry]:
    """Yield layers that end in classes, with and without a softmax, or nothing: the image is the output."""
    source, shape = network.nodes[-1].name, network.nodes[-1].output_shape
    if draw.chance(0.15):
        return
    if len(shape) > 1:
        if draw.chance(0.3):
            yield Entry("pooled", [L.GlobalAvgPool1d, L.GlobalAvgPool2d][len(shape) - 2](), (source,))
            source = "pooled"
        yield Entry("flat", L.Flatten(), (source,))
        source = "flat"
    yield Entry("classes", L.Linear(draw.one([4, 7, 18])), (source,))
    if draw.chance(0.4):
        yield Entry("end", draw.one([L.Softmax, L.LogSoftmax, L.Sigmoid])(), ("classes",))


def drawn_network(seed: int) -> Network:
    """Return the network of a seed: each step extends a layer before it, joins some, or uses one again."""
    draw = Draws(seed)
    shape = draw.one([(draw.whole(2, 24), draw.whole(9, 14)), *[None] * 5])
    if shape is None:
        shape = (draw.one([1, 2, 3, 3, 5, 16, 19]), draw.whole(6, 10), draw.whole(11, 14))
    entries = [Entry("input", L.Input(shape))]
    network = Network(entries)
    for number in range(draw.whole(2, 8)):
        entries, network = _extended(entries, network, list(_step(draw, network, f"layer{number}")))
    entries, network = _extended(entries, network, list(_ending(draw, network)))
    if not any(node.facts.param_shapes for node in network.layers):
        return drawn_network(seed + 100_000)
    return network


def _extended(entries: list[Entry], network: Network, more: list[Entry]) -> tuple[list[Entry], Network]:
    """Return the network with more layers where they are legal and small; else as it was."""
    try:
        longer = Network([*entries, *more])
    except ConvscopeError:
        return entries, network
    if any(np.prod(longer[entry.name].output_shape) > MOST_FLOATS for entry in more):
        return entries, network
    return [*entries, *more], longer
