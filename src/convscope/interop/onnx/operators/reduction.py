"""ReduceMean and its kin."""

from __future__ import annotations

from collections.abc import Sequence

from ....layers import Function, Power, Reduce
from ..call import Call, without_batch
from ..registry import UnsupportedOperator, converts
from ..values import ORDERED, SIGNED, Flow
from . import patterns
from .pooling import GLOBAL

_MODES = {"ReduceMean": "mean", "ReduceSum": "sum", "ReduceMax": "max", "ReduceMin": "min"}


@converts("ReduceMean", since=(1, 11, 13, 18))
@converts("ReduceSum", since=(1, 11, 13), types=SIGNED)
@converts("ReduceMax", "ReduceMin", since=(1, 11, 12, 13, 18, 20), types=ORDERED)
def reduce(call: Call) -> Sequence[Flow]:
    """Mean, sum, largest or smallest over axes; over all positions of each channel it is global pooling."""
    x, axes, keep = _axes(call)
    if not axes:
        return [x]
    mode = _MODES[call.operator]
    counted = tuple(axis for axis in map(x.axis, axes) if axis is not None)
    if mode == "mean" and keep:
        normalized = patterns.layer_norm(call, tuple(axis - len(x.image) for axis in counted))
        if normalized is not None:
            return [normalized]
    return [_reduced(call, x, axes, keep, mode)]


@converts("ReduceL2", since=(1, 11, 13, 18))
@converts("ReduceSumSquare", since=(1, 11, 13, 18), types=SIGNED)
def squares(call: Call) -> Sequence[Flow]:
    """The sum of squares, or its root."""
    x, axes, keep = _axes(call)
    if not axes:
        raise UnsupportedOperator("squares without a sum")
    squared = call.emit(Power(2.0), x, part="square")
    if call.operator == "ReduceSumSquare":
        return [_reduced(call, squared, axes, keep, "sum")]
    total = _reduced(call, squared, axes, keep, "sum", "sum")
    return [call.emit(Function("sqrt"), total)]


def _axes(call: Call) -> tuple[Flow, list[int], bool]:
    """Return the input, the axes that are reduced, in order, and whether they stay with size 1."""
    x = call.flow()
    rank = len(x.shape)
    given, nothing = call.integer_argument(1, "axes"), call.attribute("noop_with_empty_axes", 0)
    if not given:
        given = [] if nothing else list(range(rank))
    axes = sorted({axis % rank for axis in given})
    keep = bool(call.attribute("keepdims", 1))
    if x.batch in axes:
        x = without_batch(x)
    return x, axes, keep


def _reduced(call: Call, x: Flow, axes: list[int], keep: bool, mode: str, part: str = "") -> Flow:
    rank = len(x.shape)
    counted = tuple(axis for axis in map(x.axis, axes) if axis is not None)
    shape = tuple(1 if axis in axes else size for axis, size in enumerate(x.shape))
    batch = x.batch
    if not keep:
        shape = tuple(size for axis, size in enumerate(x.shape) if axis not in axes)
        batch = None if batch is None else batch - sum(axis < batch for axis in axes)
    if mode in GLOBAL and x.batch == 0 and axes == list(range(2, rank)) and 3 <= rank <= 5:
        whole = GLOBAL[mode][rank - 3]()
        if keep:
            return call.emit(whole, x, part=part)
        pooled = call.emit(whole, x, part="pool")
        return call.reshape(pooled, shape, batch, part)
    everything = len(counted) == len(x.image)
    output = call.emit(
        Reduce(mode, counted, keep or everything), x, part="all" if everything and not keep else part
    )
    if everything and not keep:
        return call.reshape(output, shape, batch, part)
    return Flow(output.layer, shape, batch, output.held, x.dtype)
