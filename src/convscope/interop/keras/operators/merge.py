"""Layers and functions that join several branches."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from ....layers.base import Layer
from ....layers.elementwise import Affine
from ....layers.merge import Add, Concat, Maximum, Minimum, Multiply, Subtract
from ....layers.rearrange import Reshape
from ..arrange import held_as, reshaped_order
from ..call import Call
from ..flow import Flow, Unmapped, leading, plain
from ..registry import converts


def aligned(call: Call, flows: list[Flow]) -> list[Flow]:
    """Return flows with their axes in one order; those with fewer gain some of size 1 behind the batch."""
    most = max(flows, key=lambda flow: len(flow.order))
    rank = len(most.order)
    ready = []
    for flow in flows:
        if len(flow.order) < rank:
            shape = (1,) * (rank - len(flow.order)) + flow.shape
            order = reshaped_order(shape, call.data_format)
            held = held_as(shape, order)
            flow = call.emit(Reshape(held), call.plain(flow), part="reshape", order=order)
        ready.append(call.arranged(flow, most.order))
    return ready


def _register(name: str, layer: Callable[[], Layer]) -> None:
    @converts(name)
    def convert(call: Call) -> Flow:
        return call.emit(layer(), *aligned(call, call.flows()))


_register("layers.Add", Add)
_register("layers.Maximum", Maximum)
_register("layers.Minimum", Minimum)
_register("layers.Multiply", Multiply)
_register("layers.Subtract", Subtract)


@converts("layers.Average")
def average(call: Call) -> Flow:
    """Convert the mean of several tensors."""
    flows = aligned(call, call.flows())
    return call.emit(Affine(1 / len(flows)), call.emit(Add(), *flows, part="add"))


@converts("layers.Concatenate", "ops.numpy.Concatenate")
def concatenate(call: Call) -> Flow:
    """Convert tensors one after another along an axis."""
    flows = call.flows()
    if any(len(flow.order) != len(flows[0].order) for flow in flows):
        raise Unmapped("different numbers of axes")
    axis = flows[0].place(call.op.axis)
    ready = [call.arranged(flow, flows[0].order) for flow in flows]
    return call.emit(Concat(ready[0].axis(axis)), *ready)


@converts("ops.numpy.Stack")
def stack(call: Call) -> Flow:
    """Convert tensors side by side along a new axis."""
    flows = aligned(call, call.flows())
    rank = len(flows[0].order) + 1
    axis = flows[0].place(call.op.axis, 1)
    lifted = []
    for index, flow in enumerate(call.plain(one) for one in flows):
        row = call.emit(Reshape((1, *flow.held)), flow, part=str(index), order=plain(rank))
        lifted.append(replace(row, order=leading(axis, rank)))
    return call.emit(Concat(0), *lifted)
