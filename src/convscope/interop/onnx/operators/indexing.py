"""Slice, Split, Gather and Scatter."""

from __future__ import annotations

from collections.abc import Container, Sequence
from math import prod

import numpy as np

from ....layers import Add, IndexSelect, Multiply, Slice
from ..call import Call, with_layer_output, without_batch
from ..registry import UnsupportedOperator, converts
from ..values import NUMERIC, Constant, Flow, Value, known
from .dense import emit_embedding
from .merge import emit_merge
from .shape import emit_pad


@converts("Split", since=(2, 11, 13, 18), types=NUMERIC)
def split(call: Call) -> Sequence[Value | None]:
    """Stretches of an axis, each a layer of its own."""
    x = call.flow()
    rank = len(x.shape)
    axis = call.attribute("axis", 0) % rank
    if axis == x.batch:
        x = without_batch(x)
    count = call.attribute("num_outputs", len(call.node.output))
    n = x.shape[axis]
    sizes = call.integer_argument(1, "split")
    if sizes is None:
        each = -(-n // count)
        sizes = [max(0, min(each, n - each * index)) for index in range(count)]
    if len(sizes) < len(call.node.output) or sum(sizes) != n or min(sizes) < 0:
        raise call.invalid(f"Split.split must sum to {n}; got split={sizes}")
    ends = np.cumsum(sizes).tolist()
    counted = x.axis(axis) or 0
    outputs: list[Value | None] = []
    for index in range(len(call.node.output)):
        if not call.is_output_used(index):
            outputs.append(None)
            continue
        if not sizes[index]:
            outputs.append(_nothing(x, {axis}))
            continue
        piece = Slice(counted, ends[index] - sizes[index], ends[index])
        outputs.append(with_layer_output(x, call.emit(piece, x, part=str(index)), x.batch))
    return outputs


@converts("Slice", since=(1, 10, 11, 13), types=NUMERIC)
def slice_(call: Call) -> Sequence[Value]:
    """Every step-th index of some axes; each axis is a layer of its own."""
    x = call.flow()
    rank = len(x.shape)
    starts, ends = call.integer_argument(1, "starts") or [], call.integer_argument(2, "ends") or []
    axes = call.integer_argument(3, "axes") or list(range(len(starts)))
    steps = call.integer_argument(4, "steps") or [1] * len(starts)
    cuts: list[tuple[int, int, int | None, int]] = []
    for axis, start, end, step in zip(axes, starts, ends, steps, strict=True):
        n = x.shape[axis % rank]
        if step < 1:
            raise UnsupportedOperator("an axis turned round")
        first, last, _ = slice(start, end, step).indices(n)
        if (first, last, step) != (0, n, 1):
            cuts.append((axis % rank, first, None if end > n else last, step))
    empty = {axis for axis, first, stop, _ in cuts if (x.shape[axis] if stop is None else stop) <= first}
    if empty:
        return [_nothing(x, empty)]
    if any(axis == x.batch for axis, *_ in cuts):
        x = without_batch(x)
    if not cuts:
        return [x]
    output = x
    for index, (axis, first, stop, step) in enumerate(cuts):
        part = "" if index == len(cuts) - 1 else f"axis{axis}"
        output = call.emit(Slice(x.axis(axis) or 0, first, stop, step), output, part=part)
    return [with_layer_output(x, output, x.batch)]


def _nothing(x: Flow, axes: Container[int]) -> Constant:
    """Return what is left of a value where nothing is taken of some axes: it depends on no image."""
    shape = tuple(0 if axis in axes else size for axis, size in enumerate(x.shape))
    from onnx.helper import tensor_dtype_to_np_dtype

    return known(np.zeros(shape, tensor_dtype_to_np_dtype(x.dtype or 1)), x.dtype)


COST_PER_INDEX = 32
"""What an element costs that is looked at one by one, compared with one of an array operation."""


@converts("Gather", since=(1, 11, 13), types=NUMERIC)
def gather(call: Call) -> Sequence[Flow]:
    """Fixed indices of an axis, or rows of a fixed table by the indices of the input."""
    if isinstance(call.input(0), Constant):
        return [emit_embedding(call)]
    x = call.flow()
    rank = len(x.shape)
    axis = call.attribute("axis", 0) % rank
    if axis == x.batch:
        x = without_batch(x)
    n = x.shape[axis]
    numbers = call.array(1)
    call.charge(numbers.shape, COST_PER_INDEX)
    picked = [int(index) + (n if index < 0 else 0) for index in numbers.reshape(-1)]
    if not picked:
        raise UnsupportedOperator("no indices")
    if not all(0 <= index < n for index in picked):
        raise call.invalid(f"Gather.indices must be from 0 to {n - 1}; got indices={picked[:8]}")
    listed = numbers.ndim == 1
    output = with_layer_output(x, _picked(call, x, x.axis(axis) or 0, picked, "" if listed else "index"), x.batch)
    if listed:
        return [output]
    shape = output.shape[:axis] + numbers.shape + output.shape[axis + 1 :]
    batch = None if x.batch is None else x.batch + (numbers.ndim - 1 if axis < x.batch else 0)
    return [call.reshape(output, shape, batch)]


@converts("GatherND", since=(11, 12, 13), types=NUMERIC)
def gather_nd(call: Call) -> Sequence[Flow]:
    """Fixed places of the first axes, taken together."""
    x, numbers = call.flow(), call.array(1)
    count = numbers.shape[-1]
    if call.attribute("batch_dims", 0) or not numbers.size:
        raise UnsupportedOperator("places for each of several arrays")
    if x.batch is not None and x.batch < count:
        x = without_batch(x)
    sizes, rest = x.shape[:count], x.shape[count:]
    if not ((numbers >= -np.array(sizes)) & (numbers < np.array(sizes))).all():
        raise call.invalid(f"GatherND.indices must lie within {sizes}; got others")
    call.charge(numbers.shape, COST_PER_INDEX)
    places = np.ravel_multi_index(tuple(np.moveaxis(numbers % sizes, -1, 0)), sizes).reshape(-1)
    batch = None if x.batch is None else x.batch - count + 1
    rows = call.reshape(x, (prod(sizes), *rest), batch, "rows")
    shape = (*numbers.shape[:-1], *rest)
    part = "index" if numbers.ndim != 2 else ""
    output = with_layer_output(rows, _picked(call, rows, 0, [int(place) for place in places], part), batch)
    return [call.reshape(output, shape, None if batch is None else batch + numbers.ndim - 2)]


@converts("ScatterND", since=(11, 13, 16, 18), types=NUMERIC)
def scatter_nd(call: Call) -> Sequence[Flow]:
    """A block of a value written over by another: what stays of it, and the other with zeros around it."""
    x, block, places = call.flow(), call.flow(2), call.array(1)
    count = places.shape[-1]
    places = np.where(places < 0, places + x.shape[:count], places)
    sizes = (*places.shape[:-1], *x.shape[count:])
    first = [*places.reshape(-1, count)[0], *[0] * (len(x.shape) - count)]
    call.charge((count, *sizes[:count]))
    grid = np.indices(sizes[:count]) + np.reshape(first[:count], (-1, *[1] * count))
    whole = len(sizes) == len(x.shape) and call.attribute("reduction", "none") == "none"
    if not whole or not np.array_equal(np.moveaxis(grid, 0, -1), places) or block.shape != sizes:
        raise UnsupportedOperator("other places than a block's")
    ends = [(int(start), n - int(start) - size) for start, size, n in zip(first, sizes, x.shape, strict=True)]
    if not any(map(any, ends)):
        return [block]
    if x.batch != block.batch or (x.batch is not None and ends[x.batch] != (0, 0)):
        raise UnsupportedOperator("a block of some images")
    call.charge(x.shape)
    stays = np.pad(np.zeros(sizes, np.float32), ends, constant_values=1)
    kept = emit_merge(call.subcall("kept"), Multiply(), (x, known(stays, 1)))
    inner = [pair for axis, pair in enumerate(ends) if axis != x.batch]
    framed = emit_pad(call.subcall("framed"), block, inner[0], tuple(inner[1:]), "constant", 0.0)
    return [emit_merge(call, Add(), (kept, with_layer_output(block, framed, block.batch)))]


def _picked(call: Call, x: Flow, axis: int, picked: list[int], part: str) -> Flow:
    step = picked[1] - picked[0] if len(picked) > 1 else 1
    if step > 0 and picked == list(range(picked[0], picked[-1] + 1, step)):
        return call.emit(Slice(axis, picked[0], picked[-1] + 1, step), x, part=part)
    index = known(np.array(picked, np.int64), 7)
    return call.emit(IndexSelect(axis, len(picked)), x, part=part, parameters={"index": index})
