"""Copies along axes, and rows looked up by fixed numbers; one copy for every image is no layer."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ....layers.connection import Shape
from ....layers.indexing import Expand, IndexSelect
from ....layers.rearrange import Reshape
from ..call import Call
from ..flow import Flow, Unmapped, plain
from ..registry import converts
from ..weights import Weights, known_indices


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
