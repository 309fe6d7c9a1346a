"""Slices, splits, look-up of rows, repeated axes."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np

from ....layers.connection import Shape
from ....layers.indexing import Expand, IndexSelect
from ....layers.rearrange import Reshape, Slice
from ....layers.structural import Identity
from ..call import Call
from ..flow import Flow, Unmapped, plain
from ..registry import converts
from ..weights import Weights, known_indices
from .shape import squeezed


@converts("ops.numpy.GetItem")
def get_item(call: Call) -> Flow:
    """Convert slices, single indices and new axes; the batch must be whole."""
    flow, key = call.flow(), call.argument(1, "key")
    keys = list(key) if isinstance(key, tuple) else [key]
    if not all(one is None or one is Ellipsis or isinstance(one, int | slice) for one in keys):
        raise Unmapped("numbers are looked up")
    rank = len(flow.order) + flow.batched
    given = sum(1 for one in keys if one is not None and one is not Ellipsis)
    place = keys.index(Ellipsis) if Ellipsis in keys else len(keys)
    keys[place : place + 1] = [slice(None)] * (rank - given)
    if flow.batched and keys[0] != slice(None):
        raise Unmapped("images are picked")
    keys = keys[flow.batched :]
    cuts = [_cut(one, size) for one, size in zip((k for k in keys if k is not None), flow.shape, strict=True)]
    wanted = [(axis, cut) for axis, cut in enumerate(cuts) if cut != (0, flow.shape[axis], 1)]
    picked = {axis for axis, one in enumerate(k for k in keys if k is not None) if isinstance(one, int)}
    if not wanted and not picked and None not in keys:
        return call.emit(Identity(), flow)
    for index, (axis, cut) in enumerate(wanted):
        last = index == len(wanted) - 1 and not picked and None not in keys
        flow = call.emit(Slice(flow.axis(axis), *cut), flow, part="" if last else f"axis{axis}")
    if None not in keys:
        return squeezed(call, flow, picked) if picked else flow
    sizes = iter(flow.shape)
    shape = tuple(1 if one is None else next(sizes) for one in keys)
    return call.reshaped(
        flow, tuple(n for n, one in zip(shape, keys, strict=True) if not isinstance(one, int)) or (1,)
    )


def _cut(key: int | slice, size: int) -> tuple[int, int, int]:
    if isinstance(key, int):
        if not -size <= key < size:
            raise Unmapped("an index that is not there")
        return key % size, key % size + 1, 1
    start, stop, step = key.indices(size)
    if step < 1 or stop <= start:
        raise Unmapped("an axis turned round, or nothing")
    return start, stop, step


@converts("ops.numpy.Split")
def split(call: Call) -> list[Flow]:
    """Convert stretches of one axis, each a layer of its own."""
    flow = call.flow()
    axis = flow.place(call.op.axis)
    size, given = flow.shape[axis], call.op.indices_or_sections
    if isinstance(given, int):
        if size % given:
            raise Unmapped("pieces of different sizes")
        given = tuple(range(size // given, size, size // given))
    ends = [0, *map(int, given), size]
    place = flow.axis(axis)
    return [call.emit(Slice(place, *cut), flow, part=str(i)) for i, cut in enumerate(pairwise(ends))]


@converts("ops.numpy.BroadcastTo")
def broadcast_to(call: Call) -> Flow:
    """Convert axes of size 1 that are repeated."""
    shape = tuple(int(size) for size in call.op.shape)
    flow = call.flow()
    if not flow.batched:
        flow = _per_image(call, call.lifted(flow, len(shape), False), shape[0])
    shape = shape[flow.batched :]
    if len(shape) != len(flow.order):
        raise Unmapped("images are mixed")
    return _expanded(call, flow, shape)


@converts("ops.numpy.Tile")
def tile(call: Call) -> Flow:
    """Convert whole copies one after another along axes."""
    flow, given = call.flow(), call.op.repeats
    repeats = [int(n) for n in given] if isinstance(given, list | tuple) else [int(given)]
    rank = len(flow.order) + flow.batched
    if len(repeats) > rank and not flow.batched:
        flow = call.lifted(flow, len(repeats), False)
    repeats = [1] * (len(flow.order) + flow.batched - len(repeats)) + repeats
    flow = _per_image(call, flow, repeats[0])
    if flow.batched:
        if len(repeats) != len(flow.order) + 1 or repeats[0] not in (1, call.walk.batch):
            raise Unmapped("copies of images")
        repeats = repeats[1:]
    return _copied(call, flow, repeats, before=True)


@converts("ops.numpy.Repeat")
def repeat(call: Call) -> Flow:
    """Convert every index of an axis repeated in its place."""
    flow, axis, times = call.flow(), call.op.axis, call.op.repeats
    if not isinstance(axis, int) or not isinstance(times, int):
        raise Unmapped("repeats that differ")
    if not flow.batched and axis % len(flow.order) == 0:
        found = _per_image(call, flow, times)
        if found.batched:
            return found
    repeats = [1] * len(flow.order)
    repeats[flow.place(axis)] = times
    return _copied(call, flow, repeats, before=False)


@converts("ops.numpy.Take")
def take(call: Call) -> Flow:
    """Convert rows that are looked up by numbers which are the same for every image."""
    flow, numbers = call.flow(), call.argument(1, "indices")
    numbers = np.asarray(numbers) if isinstance(numbers, int | list | tuple) else numbers
    shape = getattr(numbers, "shape", ())
    if isinstance(numbers, Flow) or call.op.axis is None:
        raise Unmapped("numbers from an image, or all axes as one")
    axis = flow.place(call.op.axis)
    size, count = flow.shape[axis], 1
    for one in shape:
        count *= int(one)
    listed = known_indices(numbers)
    if listed is not None and (abs(listed) > size).any():
        raise Unmapped("an index that is not there")
    index = Weights((numbers,), lambda array: array.reshape(-1) % size)
    picked = call.emit(IndexSelect(flow.axis(axis), count), flow, buffers={"index": index})
    wanted = (*flow.shape[:axis], *map(int, shape), *flow.shape[axis + 1 :]) or (1,)
    return picked if wanted == picked.shape else call.reshaped(picked, wanted, "reshape")


def _per_image(call: Call, flow: Flow, times: int) -> Flow:
    """Return a flow as it is for each image, where its first axis is repeated as often as there are images."""
    if flow.batched or times != call.walk.batch:
        return flow
    return call.lifted(flow, len(flow.order) - 1 or 1, True)


def _expanded(call: Call, flow: Flow, shape: Shape) -> Flow:
    if shape == flow.shape:
        return flow
    return call.emit(Expand(tuple(shape[axis] for axis in flow.order)), flow)


def _copied(call: Call, flow: Flow, repeats: list[int], before: bool) -> Flow:
    """Give every axis a partner of copies, in front of it or behind, and fold the two into one."""
    if all(times == 1 for times in repeats):
        return flow
    if all(size == 1 or times == 1 for size, times in zip(flow.shape, repeats, strict=True)):
        return _expanded(call, flow, tuple(n * m for n, m in zip(flow.shape, repeats, strict=True)))
    ready = call.plain(flow)
    pairs = [(times, size) if before else (size, times) for size, times in zip(ready.held, repeats, strict=True)]
    ones = [(1, size) if before else (size, 1) for size in ready.held]
    rank = len(ready.order)
    apart = call.emit(Reshape(tuple(n for pair in ones for n in pair)), ready, part="apart", order=plain(2 * rank))
    copies = call.emit(Expand(tuple(n for pair in pairs for n in pair)), apart, part="copies")
    held = tuple(one * two for one, two in pairs)
    folded = call.emit(Reshape(held), copies, order=plain(rank))
    return replace(folded, held=held)
