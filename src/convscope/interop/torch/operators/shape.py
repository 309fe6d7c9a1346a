"""Reshape, permute, pad, shuffle, unfold, fold and resize."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ....axis import Window
from ....axis.window import Border
from ....layers.base import Layer
from ....layers.merge import Add, Concat
from ....layers.pooling import AdaptiveAvgPool1d, AdaptiveAvgPool2d, AdaptiveAvgPool3d
from ....layers.rearrange import ChannelShuffle, Flatten, Pad, Permute, PixelShuffle, Reshape, Slice
from ....layers.resize import Upsample
from ...errors import UnsupportedOperator
from ..call import converts
from .convolution import per_axis

if TYPE_CHECKING:
    from torch import Tensor

    from ..call import Call

RESHAPES = {"reshape", "view", "flatten", "unflatten", "squeeze", "unsqueeze", "view_as", "reshape_as", "ravel"}
"""Functions that may fold other axes into the batch, or unfold them."""


@converts(
    *("reshape", "Tensor.view", "flatten", "unflatten", "squeeze", "unsqueeze"),
    *("Tensor.view_as", "Tensor.reshape_as", "ravel"),
)
def reshape(call: Call, input: Tensor, *_how: Any, **_more: Any) -> str:
    """Convert all reshapes. The order of elements within an image must stay."""
    node = call.node(input)
    within = call.recorder.within(input)
    call.recorder.fold(call.result, call.batch.refold(input.shape, within, call.shape))
    old, new = call.shape_of(node), call.image_shape
    if old == new:
        return node
    return call.add_result(Flatten() if len(new) == 1 < len(old) else Reshape(new), node)


def add_permutation(call: Call, input: Tensor, order: list[int]) -> str:
    """Add a permutation of the axes without the batch; moving only the batch adds no layer."""
    kept = call.batch.image_axes(input.shape)
    image_order = tuple(kept.index(axis) for axis in order if axis in kept)
    node = call.node(input)
    return node if image_order == tuple(range(len(image_order))) else call.add_result(Permute(image_order), node)


@converts("permute")
def permute(call: Call, input: Tensor, *dims: Any) -> str:
    """Convert `permute`."""
    order = dims[0] if len(dims) == 1 and isinstance(dims[0], list | tuple) else dims
    return add_permutation(call, input, [axis % input.dim() for axis in order])


@converts("transpose", "swapaxes", "swapdims", "Tensor.transpose_")
def transpose(call: Call, input: Tensor, dim0: int, dim1: int) -> str:
    """Convert `transpose`."""
    order = list(range(input.dim()))
    order[dim0], order[dim1] = order[dim1], order[dim0]
    return add_permutation(call, input, order)


@converts("t")
def transpose_matrix(call: Call, input: Tensor) -> str:
    """Convert the transpose of a matrix."""
    return add_permutation(call, input, list(range(input.dim()))[::-1])


@converts("movedim", "moveaxis")
def move_axes(call: Call, input: Tensor, source: Any, destination: Any) -> str:
    """Convert `movedim`."""
    pairs = zip(
        [one % input.dim() for one in (source if isinstance(source, list | tuple) else [source])],
        [one % input.dim() for one in (destination if isinstance(destination, list | tuple) else [destination])],
        strict=True,
    )
    image_axes = {new: old for old, new in pairs}
    others = iter([axis for axis in range(input.dim()) if axis not in image_axes.values()])
    return add_permutation(
        call, input, [image_axes[a] if a in image_axes else next(others) for a in range(input.dim())]
    )


_BORDERS: dict[str, Border] = {
    "constant": "zeros",
    "reflect": "reflect",
    "replicate": "replicate",
    "circular": "circular",
}

_LARGEST_NUMBER = float(np.finfo(np.float32).max)
"""Largest float32, in place of the infinite padding of max pooling."""


@converts("torch.constant_pad_nd")
def pad_constant(call: Call, input: Tensor, pad: Any, value: float = 0.0) -> str:
    """Convert padding with a constant."""
    return pad_axes(call, input, pad, value=value)


@converts("functional.pad")
def pad_axes(call: Call, input: Tensor, pad: Any, mode: str = "constant", value: float | None = None) -> str:
    """Convert padding of any axes but the batch."""
    ends = [(pad[i], pad[i + 1]) for i in range(0, len(pad), 2)][::-1]
    first = input.dim() - len(ends)
    by_axis = {}
    for axis, pair in enumerate(ends, start=first):
        if pair != (0, 0):
            by_axis[call.batch.image_axis(input.shape, axis)] = pair
    node = call.node(input)
    if not by_axis:
        return node
    shape = call.shape_of(node)
    pairs = tuple(by_axis.get(image_axis, (0, 0)) for image_axis in range(len(shape)))
    border = _BORDERS.get(mode)
    if border is None:
        raise UnsupportedOperator("an unsupported padding mode")
    number = min(max(value or 0.0, -_LARGEST_NUMBER), _LARGEST_NUMBER)
    if pairs[0] == (0, 0) and len(shape) > 1:
        return call.add_result(Pad(pairs[1:], mode=border, value=number), node)
    lifted = call.add(Reshape((1, *shape)), node)
    padded = call.add(Pad(pairs, mode=border, value=number), lifted)
    return call.add_result(Reshape(call.image_shape), padded)


@converts("pixel_shuffle")
def pixel_shuffle(call: Call, input: Tensor, upscale_factor: int) -> str:
    """Convert `pixel_shuffle`."""
    call.batch.require_images(input.shape)
    return call.add_result(PixelShuffle(upscale_factor), call.node(input))


@converts("pixel_unshuffle")
def pixel_unshuffle(call: Call, input: Tensor, downscale_factor: int) -> str:
    """Convert `pixel_unshuffle`: split the spatial axes, permute, merge."""
    c, h, w = call.batch.require_images(input.shape)
    r = downscale_factor
    split = call.add(Reshape((c, h // r, r, w // r, r)), call.node(input))
    return call.add_result(Reshape((c * r * r, h // r, w // r)), call.add(Permute((0, 2, 4, 1, 3)), split))


@converts("channel_shuffle", "native_channel_shuffle")
def channel_shuffle(call: Call, input: Tensor, groups: int) -> str:
    """Convert `channel_shuffle`."""
    call.batch.require_images(input.shape)
    return call.add_result(ChannelShuffle(groups), call.node(input))


@converts("functional.unfold")
def unfold(
    call: Call, input: Tensor, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1
) -> str:
    """Convert `unfold`: (c, h, w) → (c·kh·kw, windows)."""
    c, h, w = call.batch.require_images(input.shape)
    kernel, pads = per_axis(kernel_size, 2), per_axis(padding, 2)
    windows = _windows(kernel_size, dilation, padding, stride)
    counts = [window.positions(n) for window, n in zip(windows, (h, w), strict=True)]
    node = call.node(input)
    if any(pads):
        node = call.add(Pad(tuple((one, one) for one in pads)), node)
    for axis, (window, count) in enumerate(zip(windows, counts, strict=True)):
        node = _split_windows(call, node, 1 + 2 * axis, window, count)
    moved = call.add(Permute((0, 2, 4, 1, 3)), node)
    return call.add_result(Reshape((c * kernel[0] * kernel[1], counts[0] * counts[1])), moved)


@converts("Tensor.unfold")
def unfold_axis(call: Call, input: Tensor, dimension: int, size: int, step: int) -> str:
    """Convert `Tensor.unfold`: the axis becomes windows, and a new last axis positions within a window."""
    image_axis = call.batch.image_axis(input.shape, dimension)
    node = call.node(input)
    window = Window(size, step)
    side = _split_windows(call, node, image_axis, window, window.positions(call.shape_of(node)[image_axis]))
    rank = len(call.shape_of(side))
    order = (*range(image_axis + 1), *range(image_axis + 2, rank), image_axis + 1)
    return side if order == tuple(range(rank)) else call.add_result(Permute(order), side)


def _windows(kernel_size: Any, dilation: Any, padding: Any, stride: Any) -> list[Window]:
    settings = (per_axis(one, 2) for one in (kernel_size, stride, padding, dilation))
    return [Window(k, s, p, p, d) for k, s, p, d in zip(*settings, strict=True)]


def _split_windows(call: Call, node: str, image_axis: int, window: Window, count: int) -> str:
    """Split a padded axis into windows and positions within a window."""
    shape = call.shape_of(node)
    front, back = shape[:image_axis], shape[image_axis + 1 :]
    if window.stride == window.size and window.dilation == 1:
        used = count * window.size
        if used < shape[image_axis]:
            node = call.add(Slice(image_axis, 0, used), node)
        return call.add(Reshape((*front, count, window.size, *back)), node)
    pieces = []
    for tap in range(window.size):
        first = tap * window.dilation
        piece = call.add(Slice(image_axis, first, first + (count - 1) * window.stride + 1, window.stride), node)
        pieces.append(call.add(Reshape((*front, count, 1, *back)), piece))
    return pieces[0] if len(pieces) == 1 else call.add(Concat(image_axis + 1), *pieces)


@converts("functional.fold")
def fold(
    call: Call,
    input: Tensor,
    output_size: Any,
    kernel_size: Any,
    dilation: Any = 1,
    padding: Any = 0,
    stride: Any = 1,
) -> str:
    """Convert `fold`: a sum with one term per position within a window."""
    call.batch.require_images(input.shape)
    sizes = per_axis(output_size, 2)
    windows = _windows(kernel_size, dilation, padding, stride)
    counts = [window.positions(n) for window, n in zip(windows, sizes, strict=True)]
    kh, kw = windows[0].size, windows[1].size
    c = call.shape_of(call.node(input))[0] // (kh * kw)
    windowed = call.add(Reshape((c, kh * kw, *counts)), call.node(input))
    terms = []
    for tap in range(kh * kw):
        term = call.add(Slice(1, tap, tap + 1), windowed)
        terms.append(_scatter(call, term, c, divmod(tap, kw), windows, counts, sizes))
    return terms[0] if len(terms) == 1 else call.add_result(Add(), *terms)


def _scatter(
    call: Call,
    term: str,
    channels: int,
    taps: tuple[int, int],
    windows: list[Window],
    counts: list[int],
    sizes: tuple[int, ...],
) -> str:
    """Scatter the values of one window position into the image, with zeros elsewhere."""
    (p, q), (sh, sw) = counts, (window.stride for window in windows)
    if sh > 1 or sw > 1:
        term = call.add(Reshape((channels, p, 1, q, 1)), term)
        term = call.add(Pad(((0, 0), (0, sh - 1), (0, 0), (0, sw - 1))), term)
    term = call.add(Reshape((channels, p * sh, q * sw)), term)
    pads = []
    for tap, window, count, size in zip(taps, windows, counts, sizes, strict=True):
        before = tap * window.dilation - window.before
        pads.append((before, size - before - count * window.stride))
    return call.add(Pad(tuple(pads)), term)


_AREA = (AdaptiveAvgPool1d, AdaptiveAvgPool2d, AdaptiveAvgPool3d)


@converts("functional.interpolate", "functional.upsample")
def interpolate(
    call: Call,
    input: Tensor,
    size: Any = None,
    scale_factor: Any = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
    antialias: bool = False,
) -> str:
    """Convert resizing. Scale factors that give no integer size sample elsewhere, and are unsupported."""
    old, new = tuple(input.shape[2:]), call.shape[2:]
    if scale_factor is not None and not recompute_scale_factor:
        factors = scale_factor if isinstance(scale_factor, list | tuple) else (scale_factor,) * len(old)
        if any(n * factor != m for n, m, factor in zip(old, new, factors, strict=True)):
            raise UnsupportedOperator("a scale factor without an integer size")
    whole = all(m % n == 0 for n, m in zip(old, new, strict=True))
    if antialias or (mode == "nearest-exact" and not whole):
        raise UnsupportedOperator("an unsupported resize method")
    method = "nearest" if mode == "nearest-exact" else mode
    layer: Layer = _AREA[len(old) - 1](new)
    if mode != "area":
        layer = Upsample(size=new, mode=method, align_corners=bool(align_corners))
    return call.map_channels(input, lambda x: call.add_result(layer, x))
