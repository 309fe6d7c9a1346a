"""Activation functions that are not fused into another layer's kernel."""

from __future__ import annotations

from dataclasses import replace

from ....layers import Activation, LogSoftmax, PReLU, ReLU, Softmax
from ....network import Node
from ....text.language import Message
from ..kernels.activation.pointwise import (
    Activate,
    ActivateGradient,
    PReLUGradient,
    PReLUKernel,
    PReLUSlopeGradient,
    kind_of,
)
from ..kernels.activation.softmax import LogSoftmaxKernel, SoftmaxKernel
from ..kernels.merge.merges import ReluGradient
from ..layout import Blocked, Channels
from ..plan import Operand
from ..runtime.parameters import Flat
from .gradients import SLICES
from .lowering import Gradient, Lowering, NotLowered, lower


@lower.register
def _(layer: Activation, node: Node, lowering: Lowering) -> None:
    found = kind_of(layer)
    if found is None:
        raise NotLowered(Message("no kernel for {kind}", kind=layer.kind))
    x = lowering.layouts.elementwise(lowering.input_of(node))
    layout = x.layout
    assert isinstance(layout, Blocked)
    settings = (*found, layout.channels, layout.height, layout.width, layout.lanes)
    y = lowering.new(node, layout, (x,), rectified=isinstance(layer, ReLU))
    lowering.builder.call(Activate(*settings), node.name, "forward", x=x.buffer, y=y.buffer)

    if isinstance(layer, ReLU) and lowering.mode.gradients:
        images = {"y": y.buffer}
        lowering.tape.backward_by(ReluGradient(), node.name, x, y, floats=y.floats, **images)
        return
    if isinstance(layer, ReLU):

        @lowering.tape.backward(y, relu_of=node.name)
        def write(gradient: Gradient) -> None:
            lowering.tape.contribute(x, replace(gradient, masked=x.rectified))

        return
    kernel = ActivateGradient(*settings)
    images = {"x": x.buffer, "y": y.buffer}
    operands: dict[str, Operand] = {name: images[name] for name in kernel.pointers if name in images}
    lowering.tape.backward_by(kernel, node.name, x, y, **operands)


@lower.register
def _(layer: PReLU, node: Node, lowering: Lowering) -> None:
    x = lowering.layouts.blocked(lowering.input_of(node))
    layout = x.layout
    assert isinstance(layout, Blocked)
    (count,) = node.facts.param_shapes["weight"]
    shared = count == 1
    sizes = (layout.channels, layout.height, layout.width, layout.lanes)
    slope = lowering.parameter(node, "weight", Flat(1) if shared else Channels(layout.channels, layout.lanes))
    y = lowering.new(node, layout, (x,))
    lowering.builder.call(PReLUKernel(*sizes, shared), node.name, "forward", x=x.buffer, slope=slope, y=y.buffer)

    @lowering.tape.backward(y)
    def write(gradient: Gradient) -> None:
        dx = lowering.tape.gradient_buffer(x)
        floats = SLICES * Channels(layout.channels, layout.lanes).floats
        parts = lowering.builder.buffer(f"parts of {node.name}.weight's gradient", fixed=floats)
        given: dict[str, Operand] = {"x": x.buffer, "slope": slope, "dy": gradient.buffer}
        lowering.builder.call(
            PReLUGradient(*sizes, shared, SLICES), node.name, "input gradient", **given, dx=dx, parts=parts
        )
        with lowering.tape.parameter_gradient(node, "weight") as out:
            finish = PReLUSlopeGradient(layout.channels, layout.lanes, shared, SLICES)
            lowering.builder.call(finish, node.name, "weight gradient", parts=parts, dslope=out)
        lowering.tape.contribute(x, Gradient(dx))


@lower.register
def _(layer: Softmax, node: Node, lowering: Lowering) -> None:
    """At inference only: in training the softmax of the last layer is part of the loss."""
    if lowering.mode.has_backward or len(node.output_shape) != 1:
        raise NotLowered(Message("no kernel for {kind} within a network", kind=layer.kind))
    x = lowering.layouts.blocked(lowering.input_of(node))
    kernel = LogSoftmaxKernel if isinstance(layer, LogSoftmax) else SoftmaxKernel
    y = lowering.new(node, x.layout, (x,))
    lowering.builder.call(
        kernel(node.output_shape[0], lowering.lanes), node.name, "forward", x=x.buffer, y=y.buffer
    )
