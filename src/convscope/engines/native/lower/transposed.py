"""Transposed convolutions: a convolution's input gradient run forward, and its forward pass run backward."""

from __future__ import annotations

from ....layers import ConvTranspose
from ....network import Node
from ..kernels.activation_epilogue import RELU, function_of
from ..kernels.convolution import Convolution, ConvolutionInputGradient
from ..kernels.shapes import ConvolutionShape
from ..kernels.weight_gradient import ConvolutionWeightGradient
from ..kernels.weight_gradient_tiles import slices_for
from ..kernels.weights import GroupMask, TransposedWeights, transposed_layout, weights_layout
from ..layout import Blocked, Channels, GroupedFilterBlocks
from ..plan import Buffer, Operand, Role
from .channel_sums import channel_sums, through_relu
from .following import activation_after
from .lowering import Gradient, Lowering, NotLowered
from .rules import lower


def adjoint_shape(layer: ConvTranspose, node: Node, lanes: int) -> ConvolutionShape:
    """Return the sizes of the convolution that a transposed one undoes: from its output to its input.

    Errors:   NotLowered for three axes
    """
    shape, output = node.input_shapes[0], node.output_shape
    if len(shape) not in (2, 3):
        raise NotLowered(f"transposed convolution over {len(shape) - 1} axes")
    windows = layer.windows(shape)

    def pair(numbers: list[int], missing: int) -> tuple[int, int]:
        return (missing, numbers[0]) if len(numbers) == 1 else (numbers[0], numbers[1])

    return ConvolutionShape(
        channels=output[0],
        height=output[1] if len(output) == 3 else 1,
        width=output[-1],
        filters=shape[0],
        kernel=pair([window.size for window in windows], 1),
        stride=pair([window.stride for window in windows], 1),
        before=pair([window.before for window in windows], 0),
        dilation=pair([window.dilation for window in windows], 1),
        output=(shape[1] if len(shape) == 3 else 1, shape[-1]),
        groups=layer.groups,
        lanes=lanes,
    )


@lower.register
def _(layer: ConvTranspose, node: Node, lowering: Lowering) -> None:
    shape = adjoint_shape(layer, node, lowering.lanes)
    if shape.depthwise:
        raise NotLowered("no kernel for a depthwise transposed convolution")
    x, name = lowering.blocked(lowering.input_of(node)), node.name
    layout = weights_layout(shape)
    weight = lowering.parameter(node, "weight", layout)
    bias = lowering.parameter(node, "bias", Channels(shape.channels, shape.lanes)) if layer.bias else None
    following = activation_after(node, lowering)
    activation = function_of(following.layer) if following is not None else None
    last = lowering.absorb(following) if following is not None else node
    blocked = Blocked(shape.channels, shape.height, shape.width, shape.lanes)
    y = lowering.new(last, blocked, (x,), activation == RELU, learned=True)
    operands: dict[str, Operand] = {
        "dy": x.buffer,
        "weight_t": _turned(node, lowering, shape, weight),
        "dx": y.buffer,
    }
    if bias is not None:
        operands["bias"] = bias
    kernel = ConvolutionInputGradient(shape, layer.bias, activation)
    purpose = f"forward with {following.layer.kind}" if following is not None else "forward"
    lowering.call(kernel, name, purpose, "a convolution's input gradient", **operands)

    def back() -> None:
        gradient = through_relu(y, lowering, name)
        if gradient is None:
            return
        if layer.bias:
            with lowering.parameter_gradient(node, "bias") as out:
                channel_sums(gradient, y, out, lowering, name)
        with lowering.parameter_gradient(node, "weight") as out:
            _weight_gradient(node, lowering, shape, gradient.buffer, x.buffer, out)
        if x.differentiable:
            into = lowering.buffer(f"gradient of {x.key}", per_image=x.layout.floats)
            lowering.call(Convolution(shape), name, "input gradient", x=gradient.buffer, weight=weight, y=into)
            lowering.contribute(x, Gradient(into))

    lowering.on_backward(back)


def _turned(node: Node, lowering: Lowering, shape: ConvolutionShape, weight: Buffer) -> Buffer:
    """Return the weights turned around: made every step in training, once at inference."""
    training = lowering.mode.training
    role = Role.ACTIVATION if training else Role.PREPARED
    turned = lowering.buffer(f"{node.name}.weight transposed", fixed=transposed_layout(shape).floats, role=role)
    with lowering.section("forward" if training else "prepare"):
        kernel = TransposedWeights(shape)
        lowering.call(kernel, node.name, "forward", "weights turned", weight=weight, weight_t=turned)
    return turned


def _weight_gradient(
    node: Node, lowering: Lowering, shape: ConvolutionShape, x: Buffer, dy: Buffer, out: Buffer
) -> None:
    slices, name = slices_for(shape), node.name
    kernel = ConvolutionWeightGradient(shape, False, slices)
    if slices == 1:
        lowering.call(kernel, name, "weight gradient", x=x, dy=dy, parts=out)
    else:
        parts = lowering.buffer(f"parts of {name}.weight's gradient", fixed=slices * out.fixed)
        lowering.call(kernel, name, "weight gradient", x=x, dy=dy, parts=parts)
        lowering.sum_parts(parts, slices, out, name, "weight gradient")
    if isinstance(weights_layout(shape), GroupedFilterBlocks):
        lowering.call(GroupMask(shape), name, "weight gradient", "nothing between groups", gradient=out)
