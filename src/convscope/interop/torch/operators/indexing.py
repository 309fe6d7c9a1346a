"""Slices, splits, roll, flip and repetition."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import TYPE_CHECKING, Any

from ....layers.indexing import Expand, IndexSelect, Roll
from ....layers.merge import Concat
from ....layers.rearrange import Reshape, Slice
from ...errors import UnsupportedOperator
from ..call import converts

if TYPE_CHECKING:
    from torch import Tensor

    from ..call import Call


def _slice_axis(
    call: Call, node: str, image_axis: int, start: int, stop: int, step: int = 1, *, is_result: bool
) -> str:
    size = call.shape_of(node)[image_axis]
    if (start, stop, step) == (0, size, 1):
        return node
    layer = Slice(image_axis, start, None if stop >= size else stop, step)
    return (call.add_result if is_result else call.add)(layer, node)


@converts("split", "split_with_sizes", "chunk", "tensor_split", "Tensor.unsafe_chunk", "Tensor.unsafe_split")
def split(call: Call, input: Tensor, _sizes: Any = None, dim: int = 0, **_more: Any) -> list[str]:
    """Convert splits and chunks."""
    image_axis = call.batch.image_axis(input.shape, dim)
    node = call.node(input)
    parts, start = [], 0
    for one in call.result:
        stop = start + one.shape[dim]
        parts.append(_slice_axis(call, node, image_axis, start, stop, is_result=True))
        start = stop
    return parts


@converts("unbind", "Tensor.__iter__")
def unbind(call: Call, input: Tensor, dim: int = 0) -> list[str]:
    """Convert `unbind`, into one layer per index."""
    image_axis = call.batch.image_axis(input.shape, dim)
    node = call.node(input)
    return [_select_index(call, node, image_axis, index, call.image_shape) for index in range(input.shape[dim])]


def _select_index(call: Call, node: str, image_axis: int, index: int, shape: tuple[int, ...]) -> str:
    """Add layers that select one index of an axis and remove the axis."""
    return call.add_result(Reshape(shape), _slice_axis(call, node, image_axis, index, index + 1, is_result=False))


@converts("select")
def select(call: Call, input: Tensor, dim: int, index: int) -> str:
    """Convert `select`."""
    image_axis = call.batch.image_axis(input.shape, dim)
    return _select_index(call, call.node(input), image_axis, index % input.shape[dim], call.image_shape)


@converts("narrow")
def narrow(call: Call, input: Tensor, dim: int, start: int, length: int) -> str:
    """Convert `narrow`."""
    image_axis = call.batch.image_axis(input.shape, dim)
    first = int(start) % input.shape[dim]
    return _slice_axis(call, call.node(input), image_axis, first, first + length, is_result=True)


@converts("Tensor.__getitem__")
def get_item(call: Call, input: Tensor, index: Any) -> str:
    """Convert indexing by integers, slices, None, … and constant lists of indices of adjacent axes."""
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
        elif not _is_full_slice(one):
            node = _take_part(call, node, call.batch.image_axis(input.shape, axis), one, input.shape[axis])
        axis += 1
    if len(lists) > 1:
        node = _select_jointly(call, node, input, lists)
    elif lists:
        ((axis, one),) = lists.items()
        node = _select_indices(
            call, node, call.batch.image_axis(input.shape, axis), one, input.shape[axis], is_result=False
        )
    return node if call.shape_of(node) == call.image_shape else call.add_result(Reshape(call.image_shape), node)


def _is_list(one: Any) -> bool:
    return hasattr(one, "dtype") or isinstance(one, list)


def _is_full_slice(one: Any) -> bool:
    return isinstance(one, slice) and one in (slice(None), slice(0, None), slice(0, None, 1), slice(None, None, 1))


def _take_part(call: Call, node: str, image_axis: int, one: Any, size: int) -> str:
    """Add the layer for one slice or integer of an index, keeping the axis."""
    if isinstance(one, slice):
        start, stop, step = one.indices(size)
        return _slice_axis(call, node, image_axis, start, stop, step, is_result=False)
    if isinstance(one, int) and not isinstance(one, bool):
        return _slice_axis(call, node, image_axis, one % size, one % size + 1, is_result=False)
    raise UnsupportedOperator("an unsupported index")


def _select_jointly(call: Call, node: str, input: Tensor, lists: dict[int, Any]) -> str:
    """Add layers for constant index lists of adjacent axes: merge the axes, and select flat indices."""
    import torch

    axes = list(lists)
    image_shape = call.shape_of(node)
    image_axes = [call.batch.image_axis(input.shape, axis) for axis in axes]
    if image_axes != list(range(image_axes[0], image_axes[0] + len(image_axes))):
        raise UnsupportedOperator("index lists of axes that are not adjacent")
    if any(call.recorder.depends_on_input(one) for one in lists.values() if hasattr(one, "dtype")):
        raise UnsupportedOperator("indices that depend on the input")
    indices = [torch.as_tensor(one) for one in lists.values()]
    if any(one.dtype == torch.bool for one in indices):
        raise UnsupportedOperator("a mask over several axes")
    counted = torch.zeros((), dtype=torch.long)
    for image_axis, index in zip(image_axes, indices, strict=True):
        counted = counted * image_shape[image_axis] + index.long() % image_shape[image_axis]
    size = prod(image_shape[image_axis] for image_axis in image_axes)
    folded = call.add(Reshape((*image_shape[: image_axes[0]], size, *image_shape[image_axes[-1] + 1 :])), node)
    return _select_indices(call, folded, image_axes[0], counted, size, is_result=False)


def _select_indices(call: Call, node: str, image_axis: int, indices: Any, size: int, *, is_result: bool) -> str:
    """Add the layer for a constant list of indices of one axis."""
    import torch

    if hasattr(indices, "dtype") and call.recorder.depends_on_input(indices):
        raise UnsupportedOperator("indices that depend on the input")
    listed = torch.as_tensor(indices)
    if listed.dtype == torch.bool:
        if listed.dim() != 1 or listed.is_meta:
            raise UnsupportedOperator("a mask over several axes")
        listed = listed.nonzero()[:, 0]
    flat = listed.reshape(-1).long() % size
    layer = IndexSelect(image_axis, flat.numel())
    put = call.add_result if is_result else call.add
    return put(layer, node, buffers={"index": flat})


def assign_block(call: Call, target: str, value: str, index: Any, shape: Sequence[int]) -> str:
    """Assign a value to a block of a tensor, by concatenating what precedes the block, the value and the rest.

    Raises:
        UnsupportedOperator: For an index that is not a block.
    """
    parts = list(index) if isinstance(index, tuple) else [index]
    if Ellipsis in [one for one in parts if one is None or one is Ellipsis]:
        position = next(index for index, one in enumerate(parts) if one is Ellipsis)
        parts[position : position + 1] = [slice(None)] * (len(shape) - len(parts) + 1)
    blocks = []
    for axis, one in enumerate(parts):
        if isinstance(one, slice):
            start, stop, step = one.indices(shape[axis])
        elif isinstance(one, int) and not isinstance(one, bool):
            start, stop, step = one % shape[axis], one % shape[axis] + 1, 1
        else:
            raise UnsupportedOperator("not a block")
        if (start, stop, step) != (0, shape[axis], 1):
            if step != 1 or stop <= start:
                raise UnsupportedOperator("not a block")
            blocks.append((call.batch.image_axis(shape, axis), start, stop))
    return _replace_block(call, target, value, blocks)


def _replace_block(call: Call, target: str, value: str, blocks: list[tuple[int, int, int]]) -> str:
    """Replace a block, one axis at a time from the outermost."""
    size = call.shape_of(target)
    if not blocks:
        if call.shape_of(value) == size:
            return value
        same_elements = prod(call.shape_of(value)) == prod(size)
        return call.add(Reshape(size) if same_elements else Expand(size), value)
    (image_axis, start, stop), *others = blocks
    block = (*size[:image_axis], stop - start, *size[image_axis + 1 :])
    if others or call.shape_of(value) != block:
        value = _replace_block(
            call, _slice_axis(call, target, image_axis, start, stop, is_result=False), value, others
        )
    parts = [value]
    if start > 0:
        parts.insert(0, _slice_axis(call, target, image_axis, 0, start, is_result=False))
    if stop < size[image_axis]:
        parts.append(_slice_axis(call, target, image_axis, stop, size[image_axis], is_result=False))
    return call.add(Concat(image_axis), *parts)


@converts("index_select")
def index_select(call: Call, input: Tensor, dim: int, index: Tensor) -> str:
    """Convert `index_select` with constant indices."""
    image_axis = call.batch.image_axis(input.shape, dim)
    return _select_indices(call, call.node(input), image_axis, index, input.shape[dim], is_result=True)


@converts("flip")
def flip(call: Call, input: Tensor, *dims: Any) -> str:
    """Convert `flip`."""
    axes = dims[0] if len(dims) == 1 and isinstance(dims[0], list | tuple) else dims
    node = call.node(input)
    for axis in axes:
        size = input.shape[axis]
        backwards = list(range(size))[::-1]
        node = _select_indices(
            call, node, call.batch.image_axis(input.shape, axis), backwards, size, is_result=axis is axes[-1]
        )
    return node


@converts("roll")
def roll(call: Call, input: Tensor, shifts: Any, dims: Any = None) -> str:
    """Convert `roll`."""
    if dims is None or dims == ():
        raise UnsupportedOperator("flattened axes")
    axes = dims if isinstance(dims, list | tuple) else (dims,)
    by = shifts if isinstance(shifts, list | tuple) else (shifts,)
    image_axes = tuple(call.batch.image_axis(input.shape, axis) for axis in axes)
    if not any(by):
        return call.node(input)
    return call.add_result(Roll(tuple(by), image_axes), call.node(input))


@converts("Tensor.expand", "Tensor.expand_as", "broadcast_to")
def expand(call: Call, input: Tensor, *_sizes: Any, **_more: Any) -> str:
    """Convert the broadcast of axes of size 1. Broadcasting along the batch adds no layer."""
    node = _node_to_repeat(call, input)
    return node if call.shape_of(node) == call.image_shape else call.add_result(Expand(call.image_shape), node)


def _node_to_repeat(call: Call, input: Tensor) -> str:
    """Return the layer of a tensor that is repeated. Arrays of the module exist for each image already."""
    if call.recorder.depends_on_input(input) or call.batch.axis(call.shape) is not None:
        return call.operands(input)[0]
    return call.node(input)


@converts("Tensor.repeat", "tile")
def repeat(call: Call, input: Tensor, *_times: Any, **_more: Any) -> str:
    """Convert repetition of whole axes. Repeating along the batch adds no layer."""
    batch = call.batch.axis(call.shape)
    own = call.batch.axis(input.shape)
    offset = len(call.shape) - input.dim()
    if batch is not None and own is None:
        if call.batch.fold_factor(call.shape) > 1 or (batch >= offset and input.shape[batch - offset] > 1):
            raise UnsupportedOperator("copies of the batch")
        return _repeat_axes(call, _node_to_repeat(call, input), [1, 0])
    if call.batch.fold_factor(input.shape) != call.batch.fold_factor(call.shape):
        raise UnsupportedOperator("copies of the batch")
    return _repeat_axes(call, call.node(input), [1, 0])


@converts("repeat_interleave")
def repeat_interleave(call: Call, input: Tensor, repeats: Any, dim: int | None = None, **_more: Any) -> str:
    """Convert repetition of each index of an axis. Copies of an image are folded into the batch."""
    if dim is None or not isinstance(repeats, int):
        raise UnsupportedOperator("repeats that differ by index")
    node = call.node(input)
    if tuple(input.shape) == call.shape:
        return node
    if dim % input.dim() != call.batch.axis(input.shape):
        return _repeat_axes(call, node, [0, 1])
    if call.batch.fold_factor(input.shape) > 1:
        raise UnsupportedOperator("copies of the batch")
    image_axis = call.batch.image_axes(call.shape).index(dim % input.dim())
    shape = call.shape_of(node)
    return call.add_result(
        Expand(call.image_shape), call.add(Reshape((*shape[:image_axis], 1, *shape[image_axis:])), node)
    )


def _repeat_axes(call: Call, node: str, order: list[int]) -> str:
    """Repeat axes: insert an axis of copies before or after each, and merge the two."""
    new = call.image_shape
    old = call.shape_of(node)
    if old == new:
        return node
    padded = (1,) * (len(new) - len(old)) + old
    pairs = [[(n, n), (1, m // n)] for n, m in zip(padded, new, strict=True)]
    ordered = [pair[which] for pair in pairs for which in order]
    lifted = call.add(Reshape(tuple(one for one, _ in ordered)), node)
    copied = call.add(Expand(tuple(two for _, two in ordered)), lifted)
    return call.add_result(Reshape(new), copied)
