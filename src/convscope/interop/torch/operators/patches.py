"""Windows laid side by side, and put back: unfold, fold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ....axis import Window
from ....layers.merge import Add, Concat
from ....layers.rearrange import Pad, Permute, Reshape, Slice
from .convolution import per_axis
from .registry import operator

if TYPE_CHECKING:
    from torch import Tensor

    from ..call import Call


@operator("functional.unfold")
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


@operator("Tensor.unfold")
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


@operator("functional.fold")
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
