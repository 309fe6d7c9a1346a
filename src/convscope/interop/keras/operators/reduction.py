"""Functions of `keras.ops` that make one number of several axes."""

from __future__ import annotations

from ....layers.reduction import Reduce
from ..call import Call
from ..registry import converts
from ..symbolic import Flow, Unmapped


def _register(mode: str, *names: str) -> None:
    @converts(*names)
    def convert(call: Call) -> Flow:
        if call.op.axis is None or getattr(call.op, "initial", None) is not None:
            raise Unmapped("images are mixed")
        return reduced(call, call.flow(), mode, call.op.axis, call.op.keepdims)


_register("mean", "ops.numpy.Mean")
_register("sum", "ops.numpy.Sum")
_register("max", "ops.numpy.Max", "ops.numpy.Amax")
_register("min", "ops.numpy.Min", "ops.numpy.Amin")


def reduced(
    call: Call, flow: Flow, mode: str, axes: int | list[int] | tuple[int, ...], keepdims: bool, part: str = ""
) -> Flow:
    """Reduce Keras' axes, which count the batch."""
    rank = len(flow.order)
    gone = {flow.place(axis) for axis in ([axes] if isinstance(axes, int) else axes)}
    kept = [axis for axis in range(rank) if axis not in gone]
    order = flow.order if keepdims else tuple(kept.index(axis) for axis in flow.order if axis in kept)
    held = tuple(sorted(flow.axis(axis) for axis in gone))
    return call.emit(Reduce(mode, held, bool(keepdims)), flow, part=part, order=order)
