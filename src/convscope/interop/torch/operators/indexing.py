"""Slices, splits, roll, flip, repeat."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import TYPE_CHECKING, Any

from ....layers.indexing import Expand, IndexSelect, Roll
from ....layers.merge import Concat
from ....layers.rearrange import Reshape, Slice
from ...errors import UnsupportedOperator
from ..registry import converts

if TYPE_CHECKING:
    from torch import Tensor

    from ..call import Call


def _cut(call: Call, node: str, place: int, start: int, stop: int, step: int = 1, *, last: bool) -> str:
    size = call.shape_of(node)[place]
    if (start, stop, step) == (0, size, 1):
        return node
    layer = Slice(place, start, None if stop >= size else stop, step)
    return (call.last if last else call.step)(layer, node)


@converts("split", "split_with_sizes", "chunk", "tensor_split", "Tensor.unsafe_chunk", "Tensor.unsafe_split")
def split(call: Call, input: Tensor, _sizes: Any = None, dim: int = 0, **_more: Any) -> list[str]:
    """Convert an axis cut into parts."""
    place = call.batch.place(input.shape, dim)
    node = call.node(input)
    parts, start = [], 0
    for one in call.result:
        stop = start + one.shape[dim]
        parts.append(_cut(call, node, place, start, stop, last=True))
        start = stop
    return parts


@converts("unbind", "Tensor.__iter__")
def unbind(call: Call, input: Tensor, dim: int = 0) -> list[str]:
    """Convert an axis taken apart index by index."""
    place = call.batch.place(input.shape, dim)
    node = call.node(input)
    return [_picked(call, node, place, index, call.free) for index in range(input.shape[dim])]


def _picked(call: Call, node: str, place: int, index: int, shape: tuple[int, ...]) -> str:
    """Take one index of an axis, and the axis away."""
    return call.last(Reshape(shape), _cut(call, node, place, index, index + 1, last=False))


@converts("select")
def select(call: Call, input: Tensor, dim: int, index: int) -> str:
    """Convert one index of an axis."""
    place = call.batch.place(input.shape, dim)
    return _picked(call, call.node(input), place, index % input.shape[dim], call.free)


@converts("narrow")
def narrow(call: Call, input: Tensor, dim: int, start: int, length: int) -> str:
    """Convert a stretch of an axis."""
    place = call.batch.place(input.shape, dim)
    first = int(start) % input.shape[dim]
    return _cut(call, call.node(input), place, first, first + length, last=True)


@converts("Tensor.__getitem__")
def get_item(call: Call, input: Tensor, index: Any) -> str:
    """Convert whole numbers, slices, None, … and lists of constant indices, several of them side by side."""
    parts = list(index) if isinstance(index, tuple) else [index]
    used = sum(1 for one in parts if one is not None and one is not Ellipsis)
    if Ellipsis not in [one for one in parts if one is None or one is Ellipsis]:
        parts.append(Ellipsis)
    node = call.node(input)
    axis = 0
    lists: dict[int, Any] = {}
    for one in parts:
        if one is None:
            continue
        if one is Ellipsis:
            axis += input.dim() - used
            continue
        if _is_list(one):
            lists[axis] = one
        elif not _is_whole(one):
            node = _indexed(call, node, call.batch.place(input.shape, axis), one, input.shape[axis])
        axis += 1
    if len(lists) > 1:
        node = _listed_together(call, node, input, lists)
    elif lists:
        ((axis, one),) = lists.items()
        node = _listed(call, node, call.batch.place(input.shape, axis), one, input.shape[axis], last=False)
    return node if call.shape_of(node) == call.free else call.last(Reshape(call.free), node)


def _is_list(one: Any) -> bool:
    return hasattr(one, "dtype") or isinstance(one, list)


def _is_whole(one: Any) -> bool:
    return isinstance(one, slice) and one in (slice(None), slice(0, None), slice(0, None, 1), slice(None, None, 1))


def _indexed(call: Call, node: str, place: int, one: Any, size: int) -> str:
    """Take what one part of an index names, and keep the axis."""
    if isinstance(one, slice):
        start, stop, step = one.indices(size)
        return _cut(call, node, place, start, stop, step, last=False)
    if isinstance(one, int) and not isinstance(one, bool):
        return _cut(call, node, place, one % size, one % size + 1, last=False)
    raise UnsupportedOperator("another index")


def _listed_together(call: Call, node: str, input: Tensor, lists: dict[int, Any]) -> str:
    """Take constant lists of neighboring axes, index by index: fold the axes and count through them."""
    import torch

    axes = list(lists)
    one_image = call.shape_of(node)
    places = [call.batch.place(input.shape, axis) for axis in axes]
    if places != list(range(places[0], places[0] + len(places))):
        raise UnsupportedOperator("lists of indices apart")
    if any(call.recorder.is_value(one) for one in lists.values() if hasattr(one, "dtype")):
        raise UnsupportedOperator("indices from images")
    indices = [torch.as_tensor(one) for one in lists.values()]
    if any(one.dtype == torch.bool for one in indices):
        raise UnsupportedOperator("a mask over several axes")
    counted = torch.zeros((), dtype=torch.long)
    for place, index in zip(places, indices, strict=True):
        counted = counted * one_image[place] + index.long() % one_image[place]
    size = prod(one_image[place] for place in places)
    folded = call.step(Reshape((*one_image[: places[0]], size, *one_image[places[-1] + 1 :])), node)
    return _listed(call, folded, places[0], counted, size, last=False)


def _listed(call: Call, node: str, place: int, indices: Any, size: int, *, last: bool) -> str:
    """Take a constant list of indices, in one axis as long as the list."""
    import torch

    if hasattr(indices, "dtype") and call.recorder.is_value(indices):
        raise UnsupportedOperator("indices from images")
    listed = torch.as_tensor(indices)
    if listed.dtype == torch.bool:
        if listed.dim() != 1 or listed.is_meta:
            raise UnsupportedOperator("a mask over several axes")
        listed = listed.nonzero()[:, 0]
    flat = listed.reshape(-1).long() % size
    layer = IndexSelect(place, flat.numel())
    put = call.last if last else call.step
    return put(layer, node, buffers={"index": flat})


def assigned(call: Call, target: str, value: str, index: Any, shape: Sequence[int]) -> str:
    """Put a value in the place of a block of the target: what lies before it, the block, what lies behind it.

    Errors:   UnsupportedOperator for an index that is no block
    """
    parts = list(index) if isinstance(index, tuple) else [index]
    if Ellipsis in [one for one in parts if one is None or one is Ellipsis]:
        where = next(place for place, one in enumerate(parts) if one is Ellipsis)
        parts[where : where + 1] = [slice(None)] * (len(shape) - len(parts) + 1)
    blocks = []
    for axis, one in enumerate(parts):
        if isinstance(one, slice):
            start, stop, step = one.indices(shape[axis])
        elif isinstance(one, int) and not isinstance(one, bool):
            start, stop, step = one % shape[axis], one % shape[axis] + 1, 1
        else:
            raise UnsupportedOperator("no block")
        if (start, stop, step) != (0, shape[axis], 1):
            if step != 1 or stop <= start:
                raise UnsupportedOperator("no block")
            blocks.append((call.batch.place(shape, axis), start, stop))
    return _replaced(call, target, value, blocks)


def _replaced(call: Call, target: str, value: str, blocks: list[tuple[int, int, int]]) -> str:
    """Replace the block axis by axis, from the outermost in."""
    size = call.shape_of(target)
    if not blocks:
        if call.shape_of(value) == size:
            return value
        same_elements = prod(call.shape_of(value)) == prod(size)
        return call.step(Reshape(size) if same_elements else Expand(size), value)
    (place, start, stop), *others = blocks
    block = (*size[:place], stop - start, *size[place + 1 :])
    if others or call.shape_of(value) != block:
        value = _replaced(call, _cut(call, target, place, start, stop, last=False), value, others)
    parts = [value]
    if start > 0:
        parts.insert(0, _cut(call, target, place, 0, start, last=False))
    if stop < size[place]:
        parts.append(_cut(call, target, place, stop, size[place], last=False))
    return call.step(Concat(place), *parts)


@converts("index_select")
def index_select(call: Call, input: Tensor, dim: int, index: Tensor) -> str:
    """Convert a constant list of indices."""
    place = call.batch.place(input.shape, dim)
    return _listed(call, call.node(input), place, index, input.shape[dim], last=True)


@converts("flip")
def flip(call: Call, input: Tensor, *dims: Any) -> str:
    """Convert axes turned round."""
    axes = dims[0] if len(dims) == 1 and isinstance(dims[0], list | tuple) else dims
    node = call.node(input)
    for axis in axes:
        size = input.shape[axis]
        backwards = list(range(size))[::-1]
        node = _listed(call, node, call.batch.place(input.shape, axis), backwards, size, last=axis is axes[-1])
    return node


@converts("roll")
def roll(call: Call, input: Tensor, shifts: Any, dims: Any = None) -> str:
    """Convert a shift round the ends."""
    if dims is None or dims == ():
        raise UnsupportedOperator("all axes as one")
    axes = dims if isinstance(dims, list | tuple) else (dims,)
    by = shifts if isinstance(shifts, list | tuple) else (shifts,)
    places = tuple(call.batch.place(input.shape, axis) for axis in axes)
    if not any(by):
        return call.node(input)
    return call.last(Roll(tuple(by), places), call.node(input))


@converts("Tensor.expand", "Tensor.expand_as", "broadcast_to")
def expand(call: Call, input: Tensor, *_sizes: Any, **_more: Any) -> str:
    """Convert axes of size 1 that are repeated; one repeated for every image is no layer."""
    node = _for_every_image(call, input)
    return node if call.shape_of(node) == call.free else call.last(Expand(call.free), node)


def _for_every_image(call: Call, input: Tensor) -> str:
    """Return the layer of what is repeated; an array of the network's own is there for each image already."""
    if call.recorder.is_value(input) or call.batch.axis(call.shape) is not None:
        return call.operands(input)[0]
    return call.node(input)


@converts("Tensor.repeat", "tile")
def repeat(call: Call, input: Tensor, *_times: Any, **_more: Any) -> str:
    """Convert whole copies one after another along axes; one copy for every image is no layer."""
    batch = call.batch.axis(call.shape)
    own = call.batch.axis(input.shape)
    offset = len(call.shape) - input.dim()
    if batch is not None and own is None:
        if call.batch.folded(call.shape) > 1 or (batch >= offset and input.shape[batch - offset] > 1):
            raise UnsupportedOperator("copies for every image")
        return _copied(call, _for_every_image(call, input), [1, 0])
    if call.batch.folded(input.shape) != call.batch.folded(call.shape):
        raise UnsupportedOperator("copies of images")
    return _copied(call, call.node(input), [1, 0])


@converts("repeat_interleave")
def repeat_interleave(call: Call, input: Tensor, repeats: Any, dim: int | None = None, **_more: Any) -> str:
    """Convert every index repeated in its place; copies of an image are folded into the batch behind it."""
    if dim is None or not isinstance(repeats, int):
        raise UnsupportedOperator("repeats that differ")
    node = call.node(input)
    if tuple(input.shape) == call.shape:
        return node
    if dim % input.dim() != call.batch.axis(input.shape):
        return _copied(call, node, [0, 1])
    if call.batch.folded(input.shape) > 1:
        raise UnsupportedOperator("copies of images")
    place = call.batch.kept(call.shape).index(dim % input.dim())
    shape = call.shape_of(node)
    return call.last(Expand(call.free), call.step(Reshape((*shape[:place], 1, *shape[place:])), node))


def _copied(call: Call, node: str, order: list[int]) -> str:
    """Give every axis a partner of copies, before or after it, and fold the two into one."""
    new = call.free
    old = call.shape_of(node)
    if old == new:
        return node
    padded = (1,) * (len(new) - len(old)) + old
    pairs = [[(n, n), (1, m // n)] for n, m in zip(padded, new, strict=True)]
    ordered = [pair[which] for pair in pairs for which in order]
    lifted = call.step(Reshape(tuple(one for one, _ in ordered)), node)
    copied = call.step(Expand(tuple(two for _, two in ordered)), lifted)
    return call.last(Reshape(new), copied)
