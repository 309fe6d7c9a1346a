"""Operators that join pieces, cut them out, or put borders around them."""

from __future__ import annotations

from collections.abc import Container, Sequence

import numpy as np

from ....layers import Concat, Crop, Pad, Parameter, Slice
from ....settings import Pads
from ..call import Call, remade, with_batch_at, without_batch
from ..registry import Unmapped, converts
from ..values import NUMBERS, Constant, Flow, Value, filled, known
from .merging import aligned, stored


@converts("Concat", since=(4, 11, 13), types=NUMBERS)
def concat(call: Call) -> Sequence[Flow]:
    """The inputs one after another along an axis, the empty ones left out."""
    values = [value for value in call.all_inputs() if 0 not in value.shape]
    rank = len(values[0].shape)
    axis = call.attribute("axis", 1)
    axis += rank if axis < 0 else 0
    flows = [value for value in values if isinstance(value, Flow)]
    if len(values) == 1:
        return [flows[0]]
    flows, place = aligned(flows)
    if place is not None and rank + place == axis:
        flows, place = [without_batch(flow) for flow in flows], None
    ready = iter(flows)
    inputs = [
        next(ready) if isinstance(value, Flow) else stored(call, value, flows[0], place, str(index))
        for index, value in enumerate(values)
    ]
    batch = None if place is None else rank + place
    output = call.emit(Concat(axis - (batch is not None and axis > batch)), *inputs)
    return [remade(flows[0], output, batch)]


@converts("Split", since=(2, 11, 13, 18), types=NUMBERS)
def split(call: Call) -> Sequence[Value | None]:
    """Stretches of an axis, each a layer of its own."""
    x = call.flow()
    rank = len(x.shape)
    axis = call.attribute("axis", 0) % rank
    if axis == x.batch:
        x = without_batch(x)
    count = call.attribute("num_outputs", len(call.node.output))
    n = x.shape[axis]
    sizes = call.integers(1, "split")
    if sizes is None:
        each = -(-n // count)
        sizes = [max(0, min(each, n - each * index)) for index in range(count)]
    if len(sizes) < len(call.node.output) or sum(sizes) != n or min(sizes) < 0:
        raise call.refused(f"Split.split must sum to {n}; got split={sizes}")
    ends = np.cumsum(sizes).tolist()
    counted = x.axis(axis) or 0
    outputs: list[Value | None] = []
    for index in range(len(call.node.output)):
        if not call.wanted(index):
            outputs.append(None)
            continue
        if not sizes[index]:
            outputs.append(_nothing(x, {axis}))
            continue
        piece = Slice(counted, ends[index] - sizes[index], ends[index])
        outputs.append(remade(x, call.emit(piece, x, part=str(index)), x.batch))
    return outputs


@converts("Slice", since=(1, 10, 11, 13), types=NUMBERS)
def slice_(call: Call) -> Sequence[Value]:
    """Every step-th index of some axes; each axis is a layer of its own."""
    x = call.flow()
    rank = len(x.shape)
    starts, ends = call.integers(1, "starts") or [], call.integers(2, "ends") or []
    axes = call.integers(3, "axes") or list(range(len(starts)))
    steps = call.integers(4, "steps") or [1] * len(starts)
    cuts: list[tuple[int, int, int | None, int]] = []
    for axis, start, end, step in zip(axes, starts, ends, steps, strict=True):
        n = x.shape[axis % rank]
        if step < 1:
            raise Unmapped("an axis turned round")
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
    return [remade(x, output, x.batch)]


def _nothing(x: Flow, axes: Container[int]) -> Constant:
    """Return what is left of a value where nothing is taken of some axes: it depends on no image."""
    shape = tuple(0 if axis in axes else size for axis, size in enumerate(x.shape))
    from onnx.helper import tensor_dtype_to_np_dtype

    return known(np.zeros(shape, tensor_dtype_to_np_dtype(x.dtype or 1)), x.dtype)


LARGEST_NUMBER = (2 - 2**-23) * 2.0**127
"""In single precision; it stands for the infinity that a maximum never takes."""

_MODES = {"constant": "zeros", "reflect": "reflect", "edge": "replicate", "wrap": "circular"}


@converts("Pad", since=(2, 11, 13, 18, 19, 21, 23, 24, 25), types=NUMBERS)
def pad(call: Call) -> Sequence[Flow]:
    """A border around the image; extra channels of a fixed number are joined to the others."""
    x = call.flow()
    rank = len(x.shape)
    pads = call.integers(1, "pads") or []
    axes = call.integers(3, "axes") or list(range(rank))
    mode = call.attribute("mode", "constant")
    value = call.constant(2).number if call.has(2) else call.attribute("value", 0.0)
    if len(pads) != 2 * len(axes) or mode not in _MODES or value is None:
        raise Unmapped("pads for another number of axes")
    value = min(max(value, -LARGEST_NUMBER), LARGEST_NUMBER)
    ends = [(0, 0)] * rank
    for index, axis in enumerate(axes):
        ends[axis % rank] = (pads[index], pads[index + len(axes)])
    if x.batch is None and x.shape[0] == 1 and ends[0] == (0, 0):
        x = with_batch_at(x, 0)
    if x.batch is not None and ends.pop(x.batch) != (0, 0):
        raise Unmapped("a border around the batch")
    if not ends:
        raise Unmapped("a single number")
    if not any(pair != (0, 0) for pair in ends):
        return [x]
    return [remade(x, bordered(call, x, ends[0], tuple(ends[1:]), mode, value), x.batch)]


def bordered(call: Call, x: Flow, channels: tuple[int, int], border: Pads, mode: str, value: float) -> Flow:
    """Put more channels before and after the image's, and a border around them."""
    framed = any(pair != (0, 0) for pair in border)
    if channels != (0, 0):
        if mode != "constant" or min(channels) < 0:
            raise Unmapped("channels made of others")
        x = _with_channels(call, x, channels, value, "channels" if framed else "")
    if not framed:
        return x
    if mode == "constant" and max(map(max, border)) <= 0:
        return call.emit(Crop(tuple((-before, -after) for before, after in border)), x)
    return call.emit(Pad(border, _MODES[mode], value), x)  # type: ignore[arg-type]


def _with_channels(call: Call, x: Flow, ends: tuple[int, int], value: float, part: str) -> Flow:
    pieces = []
    for size, word in zip(ends, ("before", "after"), strict=True):
        if word == "after":
            pieces.append(x)
        if size:
            shape = (size, *x.image[1:])
            held = filled(np.float32(value), shape, 1)
            pieces.append(call.emit(Parameter(shape, False), x, part=word, parameters={"value": held}))
    return call.emit(Concat(0), *pieces, part=part)
