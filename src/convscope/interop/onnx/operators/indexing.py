"""Slice, Split, Gather and Scatter."""

from __future__ import annotations

from collections.abc import Container, Sequence
from math import prod

import numpy as np

from ....errors import BadShape
from ....layers import Add, IndexSelect, Multiply, Slice
from ...errors import UnsupportedOperator
from ..call import Call, converts, with_layer_output, without_batch
from ..values import NUMERIC, Constant, Flow, Value, from_array
from .dense import emit_embedding
from .elementwise import emit_merge
from .shape import emit_pad


@converts("Split", since=(2, 11, 13, 18), types=NUMERIC)
def split(call: Call) -> Sequence[Value | None]:
    """Consecutive parts of an axis, each of which is a Slice."""
    x = call.flow()
    rank = len(x.shape)
    axis = call.attribute("axis", 0) % rank
    if axis == x.batch:
        x = without_batch(x)
    count = call.attribute("num_outputs", len(call.node.output))
    n = x.shape[axis]
    sizes = call.integer_argument(1, "split")
    if sizes is None:
        size = -(-n // count)
        sizes = [max(0, min(size, n - size * index)) for index in range(count)]
    if len(sizes) < len(call.node.output) or sum(sizes) != n or min(sizes) < 0:
        raise BadShape(
            "Split.split must sum to {total} (got {sizes}). Export the model again. [onnx-node]",
            total=n,
            sizes=sizes,
        )
    ends = np.cumsum(sizes).tolist()
    layer_axis = x.axis(axis) or 0
    outputs: list[Value | None] = []
    for index in range(len(call.node.output)):
        if not call.is_output_used(index):
            outputs.append(None)
            continue
        if not sizes[index]:
            outputs.append(_empty(x, {axis}))
            continue
        piece = Slice(layer_axis, ends[index] - sizes[index], ends[index])
        outputs.append(with_layer_output(x, call.emit(piece, x, part=str(index)), x.batch))
    return outputs


@converts("Slice", since=(1, 10, 11, 13), types=NUMERIC)
def slice_(call: Call) -> Sequence[Value]:
    """A range of indices of some axes; each axis is a layer."""
    x = call.flow()
    rank = len(x.shape)
    starts, ends = call.integer_argument(1, "starts") or [], call.integer_argument(2, "ends") or []
    axes = call.integer_argument(3, "axes") or list(range(len(starts)))
    steps = call.integer_argument(4, "steps") or [1] * len(starts)
    slices: list[tuple[int, int, int | None, int]] = []
    for axis, start, end, step in zip(axes, starts, ends, steps, strict=True):
        n = x.shape[axis % rank]
        if step < 1:
            raise UnsupportedOperator("a reversed axis")
        first, last, _ = slice(start, end, step).indices(n)
        if (first, last, step) != (0, n, 1):
            slices.append((axis % rank, first, None if end > n else last, step))
    empty = {axis for axis, first, stop, _ in slices if (x.shape[axis] if stop is None else stop) <= first}
    if empty:
        return [_empty(x, empty)]
    if any(axis == x.batch for axis, *_ in slices):
        x = without_batch(x)
    if not slices:
        return [x]
    output = x
    for index, (axis, first, stop, step) in enumerate(slices):
        part = "" if index == len(slices) - 1 else f"axis{axis}"
        output = call.emit(Slice(x.axis(axis) or 0, first, stop, step), output, part=part)
    return [with_layer_output(x, output, x.batch)]


def _empty(x: Flow, axes: Container[int]) -> Constant:
    """Return an empty constant: the value with size 0 along some axes."""
    shape = tuple(0 if axis in axes else size for axis, size in enumerate(x.shape))
    from onnx.helper import tensor_dtype_to_np_dtype

    return from_array(np.zeros(shape, tensor_dtype_to_np_dtype(x.dtype or 1)), x.dtype)


COST_PER_INDEX = 32
"""Cost of an index that Python code iterates over relative to an element of an array operation."""


@converts("Gather", since=(1, 11, 13), types=NUMERIC)
def gather(call: Call) -> Sequence[Flow]:
    """Constant indices of an axis, or rows of a table at the indices of the input."""
    if isinstance(call.input(0), Constant):
        return [emit_embedding(call)]
    x = call.flow()
    rank = len(x.shape)
    axis = call.attribute("axis", 0) % rank
    if axis == x.batch:
        x = without_batch(x)
    n = x.shape[axis]
    index_array = call.array(1)
    call.charge(index_array.shape, COST_PER_INDEX)
    indices = [int(index) + (n if index < 0 else 0) for index in index_array.reshape(-1)]
    if not indices:
        raise UnsupportedOperator("no indices")
    if not all(0 <= index < n for index in indices):
        raise BadShape(
            "Gather.indices must be from 0 to {last} (got {indices}). Export the model again. [onnx-node]",
            last=n - 1,
            indices=indices[:8],
        )
    is_list = index_array.ndim == 1
    output = with_layer_output(
        x, _emit_selection(call, x, x.axis(axis) or 0, indices, "" if is_list else "index"), x.batch
    )
    if is_list:
        return [output]
    shape = output.shape[:axis] + index_array.shape + output.shape[axis + 1 :]
    batch = None if x.batch is None else x.batch + (index_array.ndim - 1 if axis < x.batch else 0)
    return [call.reshape(output, shape, batch)]


@converts("GatherND", since=(11, 12, 13), types=NUMERIC)
def gather_nd(call: Call) -> Sequence[Flow]:
    """Constant index tuples of the first axes."""
    x, index_array = call.flow(), call.array(1)
    count = index_array.shape[-1]
    if call.attribute("batch_dims", 0) or not index_array.size:
        raise UnsupportedOperator("indices per batch element")
    if x.batch is not None and x.batch < count:
        x = without_batch(x)
    sizes, rest = x.shape[:count], x.shape[count:]
    if not ((index_array >= -np.array(sizes)) & (index_array < np.array(sizes))).all():
        raise BadShape(
            "GatherND.indices must be within {sizes} (got {largest} at most, {smallest} at least). Export the "
            "model again. [onnx-node]",
            sizes=sizes,
            largest=index_array.max(),
            smallest=index_array.min(),
        )
    call.charge(index_array.shape, COST_PER_INDEX)
    positions = np.ravel_multi_index(tuple(np.moveaxis(index_array % sizes, -1, 0)), sizes).reshape(-1)
    batch = None if x.batch is None else x.batch - count + 1
    rows = call.reshape(x, (prod(sizes), *rest), batch, "rows")
    shape = (*index_array.shape[:-1], *rest)
    part = "index" if index_array.ndim != 2 else ""
    output = with_layer_output(
        rows, _emit_selection(call, rows, 0, [int(position) for position in positions], part), batch
    )
    return [call.reshape(output, shape, None if batch is None else batch + index_array.ndim - 2)]


@converts("ScatterND", since=(11, 13, 16, 18), types=NUMERIC)
def scatter_nd(call: Call) -> Sequence[Flow]:
    """A block of a value replaced by another: the value masked, plus the other padded by zeros."""
    x, block, positions = call.flow(), call.flow(2), call.array(1)
    count = positions.shape[-1]
    positions = np.where(positions < 0, positions + x.shape[:count], positions)
    sizes = (*positions.shape[:-1], *x.shape[count:])
    first = [*positions.reshape(-1, count)[0], *[0] * (len(x.shape) - count)]
    call.charge((count, *sizes[:count]))
    grid = np.indices(sizes[:count]) + np.reshape(first[:count], (-1, *[1] * count))
    is_block_write = len(sizes) == len(x.shape) and call.attribute("reduction", "none") == "none"
    if not is_block_write or not np.array_equal(np.moveaxis(grid, 0, -1), positions) or block.shape != sizes:
        raise UnsupportedOperator("indices that do not form a block")
    ends = [(int(start), n - int(start) - size) for start, size, n in zip(first, sizes, x.shape, strict=True)]
    if not any(map(any, ends)):
        return [block]
    if x.batch != block.batch or (x.batch is not None and ends[x.batch] != (0, 0)):
        raise UnsupportedOperator("a block along the batch")
    call.charge(x.shape)
    mask = np.pad(np.zeros(sizes, np.float32), ends, constant_values=1)
    masked = emit_merge(call.subcall("kept"), Multiply(), (x, from_array(mask, 1)))
    inner = [pair for axis, pair in enumerate(ends) if axis != x.batch]
    padded = emit_pad(call.subcall("framed"), block, inner[0], tuple(inner[1:]), "constant", 0.0)
    return [emit_merge(call, Add(), (masked, with_layer_output(block, padded, block.batch)))]


def _emit_selection(call: Call, x: Flow, axis: int, indices: list[int], part: str) -> Flow:
    step = indices[1] - indices[0] if len(indices) > 1 else 1
    if step > 0 and indices == list(range(indices[0], indices[-1] + 1, step)):
        return call.emit(Slice(axis, indices[0], indices[-1] + 1, step), x, part=part)
    index = from_array(np.array(indices, np.int64), 7)
    return call.emit(IndexSelect(axis, len(indices)), x, part=part, parameters={"index": index})
