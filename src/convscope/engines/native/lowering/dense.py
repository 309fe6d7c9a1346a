"""Dense layers."""

from __future__ import annotations

from ....layers import Linear
from ....network import Node
from ..kernels.activation.epilogue import RELU, function_of
from ..kernels.dense.product import Dense, DenseInputGradient, DenseWeightGradient
from ..layout import Blocked, Channels, DenseBlocks
from ..plan import Operand
from .channel_sums import channel_sums, through_relu
from .following import activation_after
from .lowering import Gradient, Lowering, NotLowered
from .rules import lower


@lower.register
def _(layer: Linear, node: Node, lowering: Lowering) -> None:
    """A dense layer on a vector, or on an image that was flattened and still lies as an image."""
    if len(node.output_shape) != 1:
        raise NotLowered("a dense layer on the last of several axes")
    x = lowering.elementwise(lowering.input_of(node))
    assert isinstance(x.layout, Blocked)
    outputs, lanes = layer.out_features, lowering.lanes
    weight = lowering.parameter(node, "weight", DenseBlocks(outputs, x.layout))
    bias = lowering.parameter(node, "bias", Channels(outputs, lanes)) if layer.bias else None
    following = activation_after(node, lowering)
    activation = function_of(following.layer) if following is not None else None
    last = lowering.absorb(following) if following is not None else node
    result = lowering.new(
        last, Blocked(outputs, 1, 1, lanes), (x,), activation == RELU, learned=bool(node.trained)
    )
    depth = x.layout.floats
    operands: dict[str, Operand] = {"x": x.buffer, "weight": weight, "y": result.buffer}
    if bias is not None:
        operands["bias"] = bias
    kernel = Dense(depth, outputs, lanes, layer.bias, activation)
    fused = (following.layer.kind,) if following is not None else ()
    lowering.call(kernel, node.name, "forward", "", fused, **operands)

    def back() -> None:
        gradient = through_relu(result, lowering, node.name)
        if gradient is None:
            return
        if "bias" in node.trained:
            with lowering.parameter_gradient(node, "bias") as out:
                channel_sums(gradient, result, out, lowering, node.name)
        if "weight" in node.trained:
            with lowering.parameter_gradient(node, "weight") as out:
                own = DenseWeightGradient(depth, outputs, lanes)
                lowering.call(own, node.name, "weight gradient", x=x.buffer, dy=gradient.buffer, dweight=out)
        if x.differentiable:
            into = lowering.buffer(f"gradient of {x.key}", per_image=depth)
            inputs = DenseInputGradient(depth, outputs, lanes)
            lowering.call(inputs, node.name, "input gradient", dy=gradient.buffer, weight=weight, dx=into)
            lowering.contribute(x, Gradient(into))

    lowering.on_backward(back)
