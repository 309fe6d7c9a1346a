"""What every unit sees, found by trying: change one pixel, see which outputs change.

Networks are run by PyTorch with all weights 1, so that nothing cancels; maxima become sums, so that every pixel of
a window counts. No line of the package's own arithmetic is used.
"""

from __future__ import annotations

from functools import singledispatch

import numpy as np
import torch
import torch.nn.functional as F

from convscope import layers as L
from convscope.layers.merge import Elementwise
from convscope.network import Network


def influence(network: Network, origin: str | None = None, local: bool = False) -> dict[str, np.ndarray]:
    """Return per layer a boolean (origin positions…, output elements…): whether the position changes the output.

    With `local`, layers that join all positions without windows pass nothing on. All channels of an origin (c, h, w) change together. Layers that do not depend on the origin are left out.
    """
    start = network[origin] if origin else network.inputs[0]
    shape = start.output_shape
    pixels = int(np.prod(shape[1:]))
    impulses = torch.eye(pixels, dtype=torch.float64).reshape(pixels, 1, *shape[1:])
    values = {start.name: impulses.repeat(1, shape[0], *[1] * len(shape[1:]))}
    found = {}
    for node in network.layers:
        if node is start or not any(name in values for name in node.inputs):
            continue
        inputs = [
            values.get(name, torch.zeros(pixels, *network[name].output_shape, dtype=torch.float64))
            for name in node.inputs
        ]
        out = respond(node.layer, *inputs)
        if local and _joins_all_positions(node.layer, node.output_shape):
            out = torch.zeros_like(out)
        values[node.name] = out = (out > 1e-12).to(torch.float64)
        assert tuple(out.shape[1:]) == node.output_shape, node
        found[node.name] = out.numpy().astype(bool).reshape(*shape[1:], *node.output_shape)
    return found


def _joins_all_positions(layer: L.Layer, shape: tuple[int, ...]) -> bool:
    if isinstance(layer, L.Softmax | L.LogSoftmax):  # over the only axis with several positions
        axis = layer.axis % len(shape)
        return axis > 0 and shape[axis] > 1 and int(np.prod(shape[1:])) == shape[axis]
    return isinstance(layer, L.MultiheadAttention) or (isinstance(layer, L.LSTM) and layer.bidirectional)


def _padded(x: torch.Tensor, pads: list[tuple[int, int]], mode: str = "zeros") -> torch.Tensor:
    flat = [end for pair in reversed(pads) for end in pair]
    kind = {"zeros": "constant"}.get(mode, mode)
    return F.pad(x, flat, mode=kind)


def _same(n: int, k: int, s: int, d: int) -> tuple[int, int]:
    out = int(np.ceil(n / s))
    total = max(0, (out - 1) * s + (k - 1) * d + 1 - n)
    return total // 2, total - total // 2


def _pads(layer, x: torch.Tensor) -> list[tuple[int, int]]:
    if layer.padding == "same":
        dims = zip(x.shape[2:], layer.kernel_size, layer.stride, layer.dilation, strict=True)
        return [_same(*d) for d in dims]
    return list(layer.padding)


@singledispatch
def respond(layer, *inputs: torch.Tensor) -> torch.Tensor:
    if isinstance(layer, L.Activation | L.BatchNorm | L.Dropout | L.Identity | L.LocalResponseNorm):
        return inputs[0]
    raise TypeError(layer)


@respond.register
def _(layer: L.Conv, x):
    padded = _padded(x, _pads(layer, x), layer.padding_mode)
    weight = torch.ones(layer.out_channels, x.shape[1] // layer.groups, *layer.kernel_size, dtype=x.dtype)
    return F.conv2d(padded, weight, stride=layer.stride, dilation=layer.dilation, groups=layer.groups)


@respond.register
def _(layer: L.ConvTranspose, x):
    weight = torch.ones(x.shape[1], layer.out_channels // layer.groups, *layer.kernel_size, dtype=x.dtype)
    full = F.conv_transpose2d(
        x,
        weight,
        stride=layer.stride,
        dilation=layer.dilation,
        output_padding=layer.output_padding,
        groups=layer.groups,
    )
    return _padded(full, [(-before, -after) for before, after in layer.padding])


@respond.register
def _(layer: L.Pool, x):
    pads = _pads(layer, x)
    ends = [0, 0]
    if layer.ceil_mode:
        for axis in range(2):
            n, k, s, d = x.shape[2 + axis], layer.kernel_size[axis], layer.stride[axis], layer.dilation[axis]
            b, a = pads[axis]
            reach = d * (k - 1) + 1
            windows = int(np.ceil((n + b + a - reach) / s)) + 1
            if (windows - 1) * s >= n + b:
                windows -= 1
            ends[axis] = (windows - 1) * s + reach - (n + b + a)
    padded = _padded(x, [(b, a + end) for (b, a), end in zip(pads, ends, strict=True)])
    channels = x.shape[1]
    weight = torch.ones(channels, 1, *layer.kernel_size, dtype=x.dtype)
    return F.conv2d(padded, weight, stride=layer.stride, dilation=layer.dilation, groups=channels)


@respond.register
def _(layer: L.AdaptivePool, x):
    return F.adaptive_avg_pool2d(x, layer.output_size)


@respond.register
def _(layer: L.GlobalPool, x):
    return x.sum((2, 3), keepdim=True)


@respond.register
def _(layer: L.SpatialPyramidPool, x):
    return torch.cat([F.adaptive_avg_pool2d(x, level).flatten(1) for level in layer.levels], 1)


@respond.register
def _(layer: L.Upsample, x):
    size = layer.size or tuple(n * f for n, f in zip(x.shape[2:], layer.scale_factor * 2, strict=False))
    size = tuple(size) * 2 if len(size) == 1 else tuple(size)
    if layer.mode == "nearest":
        return F.interpolate(x, size, mode="nearest")
    return F.interpolate(x, size, mode="bilinear", align_corners=layer.align_corners)


@respond.register
def _(layer: L.Pad, x):
    pairs = layer.padding * 2 if len(layer.padding) == 1 else layer.padding
    return _padded(x, list(pairs), layer.mode)


@respond.register
def _(layer: L.Crop, x):
    pairs = layer.margins * 2 if len(layer.margins) == 1 else layer.margins
    return _padded(x, [(-before, -after) for before, after in pairs])


@respond.register
def _(layer: L.Slice, x):
    if layer.axis == 0:  # fields are those of all channels together
        x = x.sum(1, keepdim=True).expand_as(x)
    index = [slice(None)] * x.dim()
    index[layer.axis + 1] = slice(layer.start, layer.stop, layer.step)
    return x[tuple(index)]


@respond.register
def _(layer: L.PixelShuffle, x):
    r = layer.upscale_factor
    return F.pixel_shuffle(x.sum(1, keepdim=True).expand(-1, x.shape[1], -1, -1), r)


@respond.register
def _(layer: L.ChannelShuffle, x):
    return x.sum(1, keepdim=True).expand_as(x)


@respond.register
def _(layer: Elementwise, *inputs):
    return sum(inputs[1:], inputs[0])


@respond.register
def _(layer: L.Roll, x):
    return x.roll(layer.shifts, [axis + 1 for axis in layer.axes])


@respond.register
def _(layer: L.Expand, x):
    return x.expand(x.shape[0], *layer.shape)


@respond.register
def _(layer: L.Reduce, x):
    return x.sum([axis % (x.dim() - 1) + 1 for axis in layer.axes], keepdim=layer.keepdims)


@respond.register
def _(layer: L.GroupNorm, x):
    return x + x.flatten(1).sum(1).reshape(-1, *[1] * (x.dim() - 1))


@respond.register
def _(layer: L.InstanceNorm, x):
    return x + x.sum(list(range(2, x.dim())), keepdim=True)


@respond.register
def _(layer: L.LayerNorm, x):
    return x + x.sum([axis % (x.dim() - 1) + 1 for axis in layer.axes], keepdim=True)


@respond.register
def _(layer: L.MultiheadAttention, *inputs):
    mixed = [x.sum(2, keepdim=True) for x in inputs]
    seen = sum(x.sum(1, keepdim=True) for x in mixed[1:] or mixed)
    return (mixed[0] + seen).expand_as(inputs[0])


@respond.register
def _(layer: L.LSTM, x):
    steps = x.sum(2, keepdim=True).cumsum(1)
    if layer.bidirectional:
        steps = steps[:, -1:].expand_as(steps)
    return steps.expand(-1, -1, layer.directions * layer.width)


@respond.register
def _(layer: L.Concat, *inputs):
    return torch.cat(inputs, layer.axis + 1)


@respond.register
def _(layer: L.Flatten, x):
    return x.flatten(1)


@respond.register
def _(layer: L.Reshape, x):
    return x.reshape(x.shape[0], *layer.output_shape(tuple(x.shape[1:])))


@respond.register
def _(layer: L.Permute, x):
    return x.permute(0, *(axis + 1 for axis in layer.order))


@respond.register
def _(layer: L.Linear, x):
    flat = x.flatten(1) if x.dim() > 2 and tuple(x.shape[2:]) == (1, 1) else x
    return flat.sum(-1, keepdim=True).expand(*flat.shape[:-1], layer.out_features)


@respond.register
def _(layer: L.Softmax, x):
    axis = layer.axis + 1 if layer.axis >= 0 else layer.axis
    return x.sum(axis, keepdim=True).expand_as(x)
