"""Activation functions that no kernel before them does along."""

from __future__ import annotations

from dataclasses import replace

from ....layers import Activation, ReLU
from ....network import Node
from ..kernels.activation import Activate, ActivateGradient, kind_of
from ..layout import Blocked
from ..plan import Operand
from .channel_sums import through_relu
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
