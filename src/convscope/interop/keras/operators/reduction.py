"""Reductions of `keras.ops`."""

from __future__ import annotations

from ....layers.reduction import Reduce
from ...errors import UnsupportedOperator
from ..call import Call, converts
from ..symbolic import SymbolicTensor


def _register(mode: str, *names: str) -> None:
    @converts(*names)
    def convert(call: Call) -> SymbolicTensor:
        if call.op.axis is None or getattr(call.op, "initial", None) is not None:
            raise UnsupportedOperator("the batch axis is combined with another axis")
        return add_reduction(call, call.tensor(), mode, call.op.axis, call.op.keepdims)


_register("mean", "ops.numpy.Mean")
_register("sum", "ops.numpy.Sum")
_register("max", "ops.numpy.Max", "ops.numpy.Amax")
_register("min", "ops.numpy.Min", "ops.numpy.Amin")


def add_reduction(
    call: Call,
    tensor: SymbolicTensor,
    mode: str,
    axes: int | list[int] | tuple[int, ...],
    keepdims: bool,
    part: str = "",
) -> SymbolicTensor:
    """Add a reduction over axes of Keras, counted with the batch."""
    rank = len(tensor.order)
    removed = {tensor.normalize_axis(axis) for axis in ([axes] if isinstance(axes, int) else axes)}
    kept = [axis for axis in range(rank) if axis not in removed]
    order = tensor.order if keepdims else tuple(kept.index(axis) for axis in tensor.order if axis in kept)
    layer_axes = tuple(sorted(tensor.layer_axis(axis) for axis in removed))
    return call.emit(Reduce(mode, layer_axes, bool(keepdims)), tensor, part=part, order=order)
