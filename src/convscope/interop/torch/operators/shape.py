"""Reshape, permute, pad, shuffle, unfold, fold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ....axis import Window
from ....axis.window import Border
from ....layers.merge import Add, Concat
from ....layers.rearrange import ChannelShuffle, Flatten, Pad, Permute, PixelShuffle, Reshape, Slice
from ...errors import UnsupportedOperator
from ..registry import converts
from .convolution import per_axis

if TYPE_CHECKING:
    from torch import Tensor

    from ..call import Call


REFOLDING = {"reshape", "view", "flatten", "unflatten", "squeeze", "unsqueeze", "view_as", "reshape_as", "ravel"}
"""Functions that may fold the batch with other indices, or unfold it."""


@converts(
    *("reshape", "Tensor.view", "flatten", "unflatten", "squeeze", "unsqueeze"),
    *("Tensor.view_as", "Tensor.reshape_as", "ravel"),
)
def reshaped(call: Call, input: Tensor, *_how: Any, **_more: Any) -> str:
    """Convert every operator that keeps the elements in order; their order within one image must stay."""
    node = call.node(input)
    within = call.recorder.within(input)
    call.recorder.fold(call.result, call.batch.refolded(input.shape, within, call.shape))
    old, new = call.shape_of(node), call.free
    if old == new:
        return node
    return call.last(Flatten() if len(new) == 1 < len(old) else Reshape(new), node)


def permuted(call: Call, input: Tensor, order: list[int]) -> str:
    """Add the order of axes without the batch; where only the batch moves, nothing happens."""
    kept = call.batch.kept(input.shape)
    free = tuple(kept.index(axis) for axis in order if axis in kept)
    node = call.node(input)
    return node if free == tuple(range(len(free))) else call.last(Permute(free), node)


@converts("permute")
def permute(call: Call, input: Tensor, *dims: Any) -> str:
    """Convert another order of the axes."""
    order = dims[0] if len(dims) == 1 and isinstance(dims[0], list | tuple) else dims
    return permuted(call, input, [axis % input.dim() for axis in order])


@converts("transpose", "swapaxes", "swapdims", "Tensor.transpose_")
def transpose(call: Call, input: Tensor, dim0: int, dim1: int) -> str:
    """Convert two axes that change places."""
    order = list(range(input.dim()))
    order[dim0], order[dim1] = order[dim1], order[dim0]
    return permuted(call, input, order)


@converts("t")
def transposed_matrix(call: Call, input: Tensor) -> str:
    """Convert the transpose of a matrix."""
    return permuted(call, input, list(range(input.dim()))[::-1])


@converts("movedim", "moveaxis")
def move_axes(call: Call, input: Tensor, source: Any, destination: Any) -> str:
    """Convert axes that are moved to other places."""
    pairs = zip(
        [one % input.dim() for one in (source if isinstance(source, list | tuple) else [source])],
        [one % input.dim() for one in (destination if isinstance(destination, list | tuple) else [destination])],
        strict=True,
    )
    places = {new: old for old, new in pairs}
    others = iter([axis for axis in range(input.dim()) if axis not in places.values()])
    return permuted(call, input, [places[a] if a in places else next(others) for a in range(input.dim())])


_BORDERS: dict[str, Border] = {
    "constant": "zeros",
    "reflect": "reflect",
    "replicate": "replicate",
    "circular": "circular",
}

_LARGEST_NUMBER = (2 - 2**-23) * 2.0**127
"""In single precision; it stands for the infinity that a maximum never takes."""


@converts("torch.constant_pad_nd")
def pad_constant(call: Call, input: Tensor, pad: Any, value: float = 0.0) -> str:
    """Convert padding by a number."""
    return pad_axes(call, input, pad, value=value)


@converts("functional.pad")
def pad_axes(call: Call, input: Tensor, pad: Any, mode: str = "constant", value: float | None = None) -> str:
    """Convert padding of any axes but the batch."""
    ends = [(pad[i], pad[i + 1]) for i in range(0, len(pad), 2)][::-1]
    first = input.dim() - len(ends)
    by_place = {}
    for axis, pair in enumerate(ends, start=first):
        if pair != (0, 0):
            by_place[call.batch.place(input.shape, axis)] = pair
    node = call.node(input)
    if not by_place:
        return node
    shape = call.shape_of(node)
    pairs = tuple(by_place.get(place, (0, 0)) for place in range(len(shape)))
    border = _BORDERS.get(mode)
    if border is None:
        raise UnsupportedOperator("another border")
    number = min(max(value or 0.0, -_LARGEST_NUMBER), _LARGEST_NUMBER)
    if pairs[0] == (0, 0) and len(shape) > 1:
        return call.last(Pad(pairs[1:], mode=border, value=number), node)
    lifted = call.step(Reshape((1, *shape)), node)
    padded = call.step(Pad(pairs, mode=border, value=number), lifted)
    return call.last(Reshape(call.free), padded)


@converts("pixel_shuffle")
def pixel_shuffle(call: Call, input: Tensor, upscale_factor: int) -> str:
    """Convert channels turned into finer pixels."""
    call.batch.images(input.shape)
    return call.last(PixelShuffle(upscale_factor), call.node(input))


@converts("pixel_unshuffle")
def pixel_unshuffle(call: Call, input: Tensor, downscale_factor: int) -> str:
    """Convert pixels turned into channels: split the axes, bring the parts to the front, join them."""
    c, h, w = call.batch.images(input.shape)
    r = downscale_factor
    split = call.step(Reshape((c, h // r, r, w // r, r)), call.node(input))
    return call.last(Reshape((c * r * r, h // r, w // r)), call.step(Permute((0, 2, 4, 1, 3)), split))


@converts("channel_shuffle", "native_channel_shuffle")
def channel_shuffle(call: Call, input: Tensor, groups: int) -> str:
    """Convert channels dealt like cards."""
    call.batch.images(input.shape)
    return call.last(ChannelShuffle(groups), call.node(input))


@converts("functional.unfold")
def unfold(
    call: Call, input: Tensor, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1
) -> str:
    """Convert the windows of an image as columns: (c, h, w) → (c·kh·kw, windows)."""
    c, h, w = call.batch.images(input.shape)
    kernel, pads = per_axis(kernel_size, 2), per_axis(padding, 2)
    windows = _windows(kernel_size, dilation, padding, stride)
    counts = [window.positions(n) for window, n in zip(windows, (h, w), strict=True)]
    node = call.node(input)
    if any(pads):
        node = call.step(Pad(tuple((one, one) for one in pads)), node)
    for axis, (window, count) in enumerate(zip(windows, counts, strict=True)):
        node = _side_by_side(call, node, 1 + 2 * axis, window, count)
    moved = call.step(Permute((0, 2, 4, 1, 3)), node)
    return call.last(Reshape((c * kernel[0] * kernel[1], counts[0] * counts[1])), moved)


@converts("Tensor.unfold")
def unfold_axis(call: Call, input: Tensor, dimension: int, size: int, step: int) -> str:
    """Convert the windows of one axis: it counts the windows, and a new last axis the places in one."""
    place = call.batch.place(input.shape, dimension)
    node = call.node(input)
    window = Window(size, step)
    side = _side_by_side(call, node, place, window, window.positions(call.shape_of(node)[place]))
    rank = len(call.shape_of(side))
    order = (*range(place + 1), *range(place + 2, rank), place + 1)
    return side if order == tuple(range(rank)) else call.last(Permute(order), side)


def _windows(kernel_size: Any, dilation: Any, padding: Any, stride: Any) -> list[Window]:
    settings = (per_axis(one, 2) for one in (kernel_size, stride, padding, dilation))
    return [Window(k, s, p, p, d) for k, s, p, d in zip(*settings, strict=True)]


def _side_by_side(call: Call, node: str, place: int, window: Window, count: int) -> str:
    """Split an axis, padded already, in two: which window, and which place in it."""
    shape = call.shape_of(node)
    front, back = shape[:place], shape[place + 1 :]
    if window.stride == window.size and window.dilation == 1:
        used = count * window.size
        if used < shape[place]:
            node = call.step(Slice(place, 0, used), node)
        return call.step(Reshape((*front, count, window.size, *back)), node)
    pieces = []
    for tap in range(window.size):
        first = tap * window.dilation
        piece = call.step(Slice(place, first, first + (count - 1) * window.stride + 1, window.stride), node)
        pieces.append(call.step(Reshape((*front, count, 1, *back)), piece))
    return pieces[0] if len(pieces) == 1 else call.step(Concat(place + 1), *pieces)


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
    """Convert columns put back in their windows and summed: one term for each place in a window."""
    call.batch.images(input.shape)
    sizes = per_axis(output_size, 2)
    windows = _windows(kernel_size, dilation, padding, stride)
    counts = [window.positions(n) for window, n in zip(windows, sizes, strict=True)]
    kh, kw = windows[0].size, windows[1].size
    c = call.shape_of(call.node(input))[0] // (kh * kw)
    apart = call.step(Reshape((c, kh * kw, *counts)), call.node(input))
    terms = []
    for tap in range(kh * kw):
        term = call.step(Slice(1, tap, tap + 1), apart)
        terms.append(_spread(call, term, c, divmod(tap, kw), windows, counts, sizes))
    return terms[0] if len(terms) == 1 else call.last(Add(), *terms)


def _spread(
    call: Call,
    term: str,
    channels: int,
    taps: tuple[int, int],
    windows: list[Window],
    counts: list[int],
    sizes: tuple[int, ...],
) -> str:
    """Put the numbers of one place in all windows where they belong in the image, zeros elsewhere."""
    (p, q), (sh, sw) = counts, (window.stride for window in windows)
    if sh > 1 or sw > 1:
        term = call.step(Reshape((channels, p, 1, q, 1)), term)
        term = call.step(Pad(((0, 0), (0, sh - 1), (0, 0), (0, sw - 1))), term)
    term = call.step(Reshape((channels, p * sh, q * sw)), term)
    pads = []
    for tap, window, count, size in zip(taps, windows, counts, sizes, strict=True):
        before = tap * window.dilation - window.before
        pads.append((before, size - before - count * window.stride))
    return call.step(Pad(tuple(pads)), term)
