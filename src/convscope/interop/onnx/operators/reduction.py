"""ReduceMean and the other reductions."""

from __future__ import annotations

from collections.abc import Sequence

from ....layers import Function, Power, Reduce
from ...errors import UnsupportedOperator
from ..call import Call, converts, without_batch
from ..values import ORDERED, SIGNED, Flow
from . import patterns
from .pooling import GLOBAL

_MODES = {"ReduceMean": "mean", "ReduceSum": "sum", "ReduceMax": "max", "ReduceMin": "min"}


@converts("ReduceMean", since=(1, 11, 13, 18))
@converts("ReduceSum", since=(1, 11, 13), types=SIGNED)
@converts("ReduceMax", "ReduceMin", since=(1, 11, 12, 13, 18, 20), types=ORDERED)
def reduce(call: Call) -> Sequence[Flow]:
    """Mean, sum, maximum or minimum over axes; over all positions of each channel, global pooling."""
    x, axes, keep = _axes(call)
    if not axes:
        return [x]
    mode = _MODES[call.operator]
    layer_axes = tuple(axis for axis in map(x.axis, axes) if axis is not None)
    if mode == "mean" and keep:
        normalized = patterns.layer_norm(call, tuple(axis - len(x.image) for axis in layer_axes))
        if normalized is not None:
            return [normalized]
    return [_emit_reduction(call, x, axes, keep, mode)]


@converts("ReduceL2", since=(1, 11, 13, 18))
@converts("ReduceSumSquare", since=(1, 11, 13, 18), types=SIGNED)
def squares(call: Call) -> Sequence[Flow]:
    """The sum of squares, or its square root."""
    x, axes, keep = _axes(call)
    if not axes:
        raise UnsupportedOperator("no axes")
    squared = call.emit(Power(2.0), x, part="square")
    if call.operator == "ReduceSumSquare":
        return [_emit_reduction(call, squared, axes, keep, "sum")]
    total = _emit_reduction(call, squared, axes, keep, "sum", "sum")
    return [call.emit(Function("sqrt"), total)]


def _axes(call: Call) -> tuple[Flow, list[int], bool]:
    """Return the input, the reduced axes in order, and whether they are kept with size 1."""
    x = call.flow()
    rank = len(x.shape)
    listed, is_noop = call.integer_argument(1, "axes"), call.attribute("noop_with_empty_axes", 0)
    if not listed:
        listed = [] if is_noop else list(range(rank))
    axes = sorted({axis % rank for axis in listed})
    keep = bool(call.attribute("keepdims", 1))
    if x.batch in axes:
        x = without_batch(x)
    return x, axes, keep


def _emit_reduction(call: Call, x: Flow, axes: list[int], keep: bool, mode: str, part: str = "") -> Flow:
    rank = len(x.shape)
    layer_axes = tuple(axis for axis in map(x.axis, axes) if axis is not None)
    shape = tuple(1 if axis in axes else size for axis, size in enumerate(x.shape))
    batch = x.batch
    if not keep:
        shape = tuple(size for axis, size in enumerate(x.shape) if axis not in axes)
        batch = None if batch is None else batch - sum(axis < batch for axis in axes)
    if mode in GLOBAL and x.batch == 0 and axes == list(range(2, rank)) and 3 <= rank <= 5:
        pool = GLOBAL[mode][rank - 3]()
        if keep:
            return call.emit(pool, x, part=part)
        pooled = call.emit(pool, x, part="pool")
        return call.reshape(pooled, shape, batch, part)
    is_total = len(layer_axes) == len(x.image)
    output = call.emit(
        Reduce(mode, layer_axes, keep or is_total), x, part="all" if is_total and not keep else part
    )
    if is_total and not keep:
        return call.reshape(output, shape, batch, part)
    return Flow(output.layer, shape, batch, output.layer_shape, x.dtype)
