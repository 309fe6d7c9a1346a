"""Activation functions that no kernel before them does along."""

from __future__ import annotations

from dataclasses import replace

from ....layers import Activation, LogSoftmax, PReLU, ReLU, Softmax
from ....network import Node
from ..kernels.activation.pointwise import Activate, ActivateGradient, kind_of
from ..kernels.activation.prelu import PReLU as PReLUKernel
from ..kernels.activation.prelu import PReLUGradient, PReLUSlopeGradient
from ..kernels.activation.softmax import LogSoftmax as LogSoftmaxKernel
from ..kernels.activation.softmax import Softmax as SoftmaxKernel
from ..layout import Blocked, Channels
from ..plan import Operand
from ..runtime.parameters import Flat
from .channel_sums import SLICES, through_relu
from .lowering import Gradient, Lowering, NotLowered
from .rules import lower


@lower.register
def _(layer: Activation, node: Node, lowering: Lowering) -> None:
    found = kind_of(layer)
    if found is None:
        raise NotLowered(f"no kernel for {layer.kind}")
    x = lowering.elementwise(lowering.input_of(node))
    layout = x.layout
    assert isinstance(layout, Blocked)
    settings = (*found, layout.channels, layout.height, layout.width, layout.lanes)
    y = lowering.new(node, layout, (x,), rectified=isinstance(layer, ReLU))
    lowering.call(Activate(*settings), node.name, "forward", x=x.buffer, y=y.buffer)

    def back() -> None:
        if isinstance(layer, ReLU):
            gradient = through_relu(y, lowering, node.name)
            if gradient is not None and x.differentiable:
                lowering.contribute(x, replace(gradient, masked=x.rectified))
            return
        gradient = lowering.gradient(y)
        if gradient is None or not x.differentiable:
            return
        into = lowering.buffer(f"gradient of {x.key}", per_image=layout.floats)
        kernel = ActivateGradient(*settings)
        given: dict[str, Operand] = {"x": x.buffer, "y": y.buffer, "dy": gradient.buffer, "dx": into}
        operands = {name: given[name] for name in kernel.pointers}
        lowering.call(kernel, node.name, "input gradient", **operands)
        lowering.contribute(x, Gradient(into))

    lowering.on_backward(back)


@lower.register
def _(layer: PReLU, node: Node, lowering: Lowering) -> None:
    x = lowering.blocked(lowering.input_of(node))
    layout = x.layout
    assert isinstance(layout, Blocked)
    (count,) = node.facts.param_shapes["weight"]
    shared = count == 1
    sizes = (layout.channels, layout.height, layout.width, layout.lanes)
    slope = lowering.parameter(node, "weight", Flat(1) if shared else Channels(layout.channels, layout.lanes))
    y = lowering.new(node, layout, (x,))
    lowering.call(PReLUKernel(*sizes, shared), node.name, "forward", x=x.buffer, slope=slope, y=y.buffer)

    def back() -> None:
        gradient = lowering.gradient(y)
        if gradient is None:
            return
        into = lowering.buffer(f"gradient of {x.key}", per_image=layout.floats)
        floats = SLICES * Channels(layout.channels, layout.lanes).floats
        parts = lowering.buffer(f"parts of {node.name}.weight's gradient", fixed=floats)
        given: dict[str, Operand] = {"x": x.buffer, "slope": slope, "dy": gradient.buffer}
        lowering.call(
            PReLUGradient(*sizes, shared, SLICES), node.name, "input gradient", **given, dx=into, parts=parts
        )
        with lowering.parameter_gradient(node, "weight") as out:
            finish = PReLUSlopeGradient(layout.channels, layout.lanes, shared, SLICES)
            lowering.call(finish, node.name, "weight gradient", parts=parts, dslope=out)
        if x.differentiable:
            lowering.contribute(x, Gradient(into))

    lowering.on_backward(back)


@lower.register
def _(layer: Softmax, node: Node, lowering: Lowering) -> None:
    """At inference only: in training the loss does along what the last softmax does."""
    if lowering.mode.training or len(node.output_shape) != 1:
        raise NotLowered(f"no kernel for {layer.kind} within a network")
    x = lowering.blocked(lowering.input_of(node))
    kernel = LogSoftmaxKernel if isinstance(layer, LogSoftmax) else SoftmaxKernel
    y = lowering.new(node, x.layout, (x,))
    lowering.call(kernel(node.output_shape[0], lowering.lanes), node.name, "forward", x=x.buffer, y=y.buffer)
