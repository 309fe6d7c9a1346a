"""Reshape, permute, pad, shuffle, resize."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ....axis.window import Border
from ....layers.base import Layer
from ....layers.pooling import AdaptiveAvgPool1d, AdaptiveAvgPool2d, AdaptiveAvgPool3d
from ....layers.rearrange import ChannelShuffle, Flatten, Pad, Permute, PixelShuffle, Reshape
from ....layers.resize import Upsample
from ..batch import Unmapped
from .registry import operator

if TYPE_CHECKING:
    from torch import Tensor

    from ..call import Call


REFOLDING = {"reshape", "view", "flatten", "unflatten", "squeeze", "unsqueeze", "view_as", "reshape_as", "ravel"}
"""Functions that may fold the batch with other indices, or unfold it."""


@operator(
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


@operator("permute")
def permute(call: Call, input: Tensor, *dims: Any) -> str:
    """Convert another order of the axes."""
    order = dims[0] if len(dims) == 1 and isinstance(dims[0], list | tuple) else dims
    return permuted(call, input, [axis % input.dim() for axis in order])


@operator("transpose", "swapaxes", "swapdims", "Tensor.transpose_")
def transpose(call: Call, input: Tensor, dim0: int, dim1: int) -> str:
    """Convert two axes that change places."""
    order = list(range(input.dim()))
    order[dim0], order[dim1] = order[dim1], order[dim0]
    return permuted(call, input, order)


@operator("t")
def transposed_matrix(call: Call, input: Tensor) -> str:
    """Convert the transpose of a matrix."""
    return permuted(call, input, list(range(input.dim()))[::-1])


@operator("movedim", "moveaxis")
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


@operator("torch.constant_pad_nd")
def pad_constant(call: Call, input: Tensor, pad: Any, value: float = 0.0) -> str:
    """Convert padding by a number."""
    return pad_axes(call, input, pad, value=value)


@operator("functional.pad")
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
        raise Unmapped("another border")
    number = min(max(value or 0.0, -_LARGEST_NUMBER), _LARGEST_NUMBER)
    if pairs[0] == (0, 0) and len(shape) > 1:
        return call.last(Pad(pairs[1:], mode=border, value=number), node)
    lifted = call.step(Reshape((1, *shape)), node)
    padded = call.step(Pad(pairs, mode=border, value=number), lifted)
    return call.last(Reshape(call.free), padded)


@operator("pixel_shuffle")
def pixel_shuffle(call: Call, input: Tensor, upscale_factor: int) -> str:
    """Convert channels turned into finer pixels."""
    call.batch.images(input.shape)
    return call.last(PixelShuffle(upscale_factor), call.node(input))


@operator("pixel_unshuffle")
def pixel_unshuffle(call: Call, input: Tensor, downscale_factor: int) -> str:
    """Convert pixels turned into channels: split the axes, bring the parts to the front, join them."""
    c, h, w = call.batch.images(input.shape)
    r = downscale_factor
    split = call.step(Reshape((c, h // r, r, w // r, r)), call.node(input))
    return call.last(Reshape((c * r * r, h // r, w // r)), call.step(Permute((0, 2, 4, 1, 3)), split))


@operator("channel_shuffle", "native_channel_shuffle")
def channel_shuffle(call: Call, input: Tensor, groups: int) -> str:
    """Convert channels dealt like cards."""
    call.batch.images(input.shape)
    return call.last(ChannelShuffle(groups), call.node(input))


_AREA = (AdaptiveAvgPool1d, AdaptiveAvgPool2d, AdaptiveAvgPool3d)


@operator("functional.interpolate", "functional.upsample")
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
    """Convert resizing; one by a factor that does not give whole sizes samples at other places, and is unknown."""
    old, new = tuple(input.shape[2:]), call.shape[2:]
    if scale_factor is not None and not recompute_scale_factor:
        factors = scale_factor if isinstance(scale_factor, list | tuple) else (scale_factor,) * len(old)
        if any(n * factor != m for n, m, factor in zip(old, new, factors, strict=True)):
            raise Unmapped("a factor that gives no whole size")
    whole = all(m % n == 0 for n, m in zip(old, new, strict=True))
    if antialias or (mode == "nearest-exact" and not whole):
        raise Unmapped("another way to resize")
    method = "nearest" if mode == "nearest-exact" else mode
    layer: Layer = _AREA[len(old) - 1](new)
    if mode != "area":
        layer = Upsample(size=new, mode=method, align_corners=bool(align_corners))
    return call.channelwise(input, lambda x: call.last(layer, x))
