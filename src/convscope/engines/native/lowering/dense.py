"""Dense layers."""

from __future__ import annotations

from ....layers import Linear
from ....network import Node
from ....text.language import Message
from ..kernels.activation.pointwise import RELU, function_of
from ..kernels.dense.product import DenseInputGradient, DenseKernel, DenseWeightGradient
from ..layout import Blocked, Channels, DenseBlocks
from ..plan import Operand
from .lowering import Gradient, Lowering, NotLowered, lower


@lower.register
def _(layer: Linear, node: Node, lowering: Lowering) -> None:
    """A dense layer on a vector, or on a flattened image, which keeps the layout of the image."""
    if len(node.output_shape) != 1:
        raise NotLowered(Message("a dense layer over the last of several axes"))
    x = lowering.layouts.elementwise(lowering.input_of(node))
    assert isinstance(x.layout, Blocked)
    outputs, lanes = layer.out_features, lowering.lanes
    weight = lowering.parameter(node, "weight", DenseBlocks(outputs, x.layout))
    bias = lowering.parameter(node, "bias", Channels(outputs, lanes)) if layer.bias else None
    following = lowering.fusible_activation(node)
    activation = function_of(following.layer) if following is not None else None
    last = lowering.fuse(following) if following is not None else node
    result = lowering.new(
        last, Blocked(outputs, 1, 1, lanes), (x,), activation == RELU, learned=bool(node.trained)
    )
    depth = x.layout.floats
    operands: dict[str, Operand] = {"x": x.buffer, "weight": weight, "y": result.buffer}
    if bias is not None:
        operands["bias"] = bias
    kernel = DenseKernel(depth, outputs, lanes, layer.bias, activation)
    fused = (following.layer.kind,) if following is not None else ()
    lowering.builder.call(kernel, node.name, "forward", "", fused, **operands)

    @lowering.tape.backward(result, relu_of=node.name)
    def write(gradient: Gradient) -> None:
        if "bias" in node.trained:
            with lowering.tape.parameter_gradient(node, "bias") as out:
                lowering.tape.sum_channels(gradient, result, out, node.name)
        if "weight" in node.trained:
            with lowering.tape.parameter_gradient(node, "weight") as out:
                own = DenseWeightGradient(depth, outputs, lanes)
                lowering.builder.call(
                    own, node.name, "weight gradient", x=x.buffer, dy=gradient.buffer, dweight=out
                )
        if x.differentiable:
            with lowering.tape.input_gradient(x) as dx:
                inputs = DenseInputGradient(depth, outputs, lanes)
                lowering.builder.call(
                    inputs, node.name, "input gradient", dy=gradient.buffer, weight=weight, dx=dx
                )
