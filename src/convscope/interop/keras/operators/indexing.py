"""Slices, splits, lookups and repetition."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np

from ....layers.connection import Shape
from ....layers.indexing import Expand, IndexSelect
from ....layers.rearrange import Reshape, Slice
from ....layers.structural import Identity
from ...errors import UnsupportedOperator
from ..call import Call, converts
from ..symbolic import SymbolicTensor, keras_order
from ..weights import WeightSource, constant_indices
from .shape import add_squeeze


@converts("ops.numpy.GetItem")
def get_item(call: Call) -> SymbolicTensor:
    """Convert slices, integers and new axes. The batch axis must be taken whole."""
    tensor, key = call.tensor(), call.argument(1, "key")
    keys = list(key) if isinstance(key, tuple) else [key]
    if not all(one is None or one is Ellipsis or isinstance(one, int | slice) for one in keys):
        raise UnsupportedOperator("indices that are a tensor")
    rank = len(tensor.order) + tensor.batched
    listed = sum(1 for one in keys if one is not None and one is not Ellipsis)
    position = keys.index(Ellipsis) if Ellipsis in keys else len(keys)
    keys[position : position + 1] = [slice(None)] * (rank - listed)
    if tensor.batched and keys[0] != slice(None):
        raise UnsupportedOperator("indexing of the batch")
    keys = keys[tensor.batched :]
    slices = [
        _slice_bounds(one, size)
        for one, size in zip((k for k in keys if k is not None), tensor.shape, strict=True)
    ]
    changed = [(axis, bounds) for axis, bounds in enumerate(slices) if bounds != (0, tensor.shape[axis], 1)]
    picked = {axis for axis, one in enumerate(k for k in keys if k is not None) if isinstance(one, int)}
    if not changed and not picked and None not in keys:
        return call.emit(Identity(), tensor)
    for index, (axis, bounds) in enumerate(changed):
        last = index == len(changed) - 1 and not picked and None not in keys
        tensor = call.emit(Slice(tensor.layer_axis(axis), *bounds), tensor, part="" if last else f"axis{axis}")
    if None not in keys:
        return add_squeeze(call, tensor, picked) if picked else tensor
    sizes = iter(tensor.shape)
    shape = tuple(1 if one is None else next(sizes) for one in keys)
    return call.reshape(
        tensor, tuple(n for n, one in zip(shape, keys, strict=True) if not isinstance(one, int)) or (1,)
    )


def _slice_bounds(key: int | slice, size: int) -> tuple[int, int, int]:
    if isinstance(key, int):
        if not -size <= key < size:
            raise UnsupportedOperator("an index out of range")
        return key % size, key % size + 1, 1
    start, stop, step = key.indices(size)
    if step < 1 or stop <= start:
        raise UnsupportedOperator("a negative step, or an empty slice")
    return start, stop, step


@converts("ops.numpy.Split")
def split(call: Call) -> list[SymbolicTensor]:
    """Convert a split into one Slice per part."""
    tensor = call.tensor()
    axis = tensor.normalize_axis(call.op.axis)
    size, listed = tensor.shape[axis], call.op.indices_or_sections
    if isinstance(listed, int):
        if size % listed:
            raise UnsupportedOperator("parts of unequal size")
        listed = tuple(range(size // listed, size, size // listed))
    ends = [0, *map(int, listed), size]
    position = tensor.layer_axis(axis)
    return [call.emit(Slice(position, *bounds), tensor, part=str(i)) for i, bounds in enumerate(pairwise(ends))]


@converts("ops.numpy.BroadcastTo")
def broadcast_to(call: Call) -> SymbolicTensor:
    """Convert the broadcast of axes of size 1."""
    shape = tuple(int(size) for size in call.op.shape)
    tensor = call.tensor()
    if not tensor.batched:
        tensor = _per_image(call, call.expand_rank(tensor, len(shape), False), shape[0])
    shape = shape[tensor.batched :]
    if len(shape) != len(tensor.order):
        raise UnsupportedOperator("the batch axis is combined with another axis")
    return _expand(call, tensor, shape)


@converts("ops.numpy.Tile")
def tile(call: Call) -> SymbolicTensor:
    """Convert repetition of whole axes."""
    tensor, listed = call.tensor(), call.op.repeats
    repeats = [int(n) for n in listed] if isinstance(listed, list | tuple) else [int(listed)]
    rank = len(tensor.order) + tensor.batched
    if len(repeats) > rank and not tensor.batched:
        tensor = call.expand_rank(tensor, len(repeats), False)
    repeats = [1] * (len(tensor.order) + tensor.batched - len(repeats)) + repeats
    tensor = _per_image(call, tensor, repeats[0])
    if tensor.batched:
        if len(repeats) != len(tensor.order) + 1 or repeats[0] not in (1, call.converter.batch):
            raise UnsupportedOperator("copies of the batch")
        repeats = repeats[1:]
    return _repeat_axes(call, tensor, repeats, before=True)


@converts("ops.numpy.Repeat")
def repeat(call: Call) -> SymbolicTensor:
    """Convert repetition of each index of an axis."""
    tensor, axis, times = call.tensor(), call.op.axis, call.op.repeats
    if not isinstance(axis, int) or not isinstance(times, int):
        raise UnsupportedOperator("repeats that differ by index")
    if not tensor.batched and axis % len(tensor.order) == 0:
        found = _per_image(call, tensor, times)
        if found.batched:
            return found
    repeats = [1] * len(tensor.order)
    repeats[tensor.normalize_axis(axis)] = times
    return _repeat_axes(call, tensor, repeats, before=False)


@converts("ops.numpy.Take")
def take(call: Call) -> SymbolicTensor:
    """Convert a lookup with constant indices."""
    tensor, indices = call.tensor(), call.argument(1, "indices")
    indices = np.asarray(indices) if isinstance(indices, int | list | tuple) else indices
    shape = getattr(indices, "shape", ())
    if isinstance(indices, SymbolicTensor) or call.op.axis is None:
        raise UnsupportedOperator("indices from the input, or a flattened lookup")
    axis = tensor.normalize_axis(call.op.axis)
    size, count = tensor.shape[axis], 1
    for one in shape:
        count *= int(one)
    listed = constant_indices(indices)
    if listed is not None and (abs(listed) > size).any():
        raise UnsupportedOperator("an index out of range")
    index = WeightSource((indices,), lambda array: array.reshape(-1) % size)
    picked = call.emit(IndexSelect(tensor.layer_axis(axis), count), tensor, buffers={"index": index})
    changed = (*tensor.shape[:axis], *map(int, shape), *tensor.shape[axis + 1 :]) or (1,)
    return picked if changed == picked.shape else call.reshape(picked, changed, "reshape")


def _per_image(call: Call, tensor: SymbolicTensor, times: int) -> SymbolicTensor:
    """Return an array that is repeated once per image as a batched tensor; any other tensor unchanged."""
    if tensor.batched or times != call.converter.batch:
        return tensor
    return call.expand_rank(tensor, len(tensor.order) - 1 or 1, True)


def _expand(call: Call, tensor: SymbolicTensor, shape: Shape) -> SymbolicTensor:
    if shape == tensor.shape:
        return tensor
    return call.emit(Expand(tuple(shape[axis] for axis in tensor.order)), tensor)


def _repeat_axes(call: Call, tensor: SymbolicTensor, repeats: list[int], before: bool) -> SymbolicTensor:
    """Repeat axes: insert an axis of copies before or after each, and merge the two."""
    if all(times == 1 for times in repeats):
        return tensor
    if all(size == 1 or times == 1 for size, times in zip(tensor.shape, repeats, strict=True)):
        return _expand(call, tensor, tuple(n * m for n, m in zip(tensor.shape, repeats, strict=True)))
    ready = call.in_keras_order(tensor)
    pairs = [
        (times, size) if before else (size, times) for size, times in zip(ready.layer_shape, repeats, strict=True)
    ]
    ones = [(1, size) if before else (size, 1) for size in ready.layer_shape]
    rank = len(ready.order)
    split_axes = call.emit(
        Reshape(tuple(n for pair in ones for n in pair)), ready, part="apart", order=keras_order(2 * rank)
    )
    copies = call.emit(Expand(tuple(n for pair in pairs for n in pair)), split_axes, part="copies")
    layer_shape = tuple(one * two for one, two in pairs)
    folded = call.emit(Reshape(layer_shape), copies, order=keras_order(rank))
    return replace(folded, layer_shape=layer_shape)
