"""Transposed convolutions: the input gradient of a convolution, with the forward pass as its gradient."""

from __future__ import annotations

from ....layers import ConvTranspose
from ....network import Node
from ....text.language import Message
from ..kernels.activation.functions import RELU, function_of
from ..kernels.common.shapes import ConvolutionShape
from ..kernels.convolution.direct import Convolution, ConvolutionInputGradient
from ..kernels.convolution.weight_gradient import ConvolutionWeightGradient, slices_for
from ..kernels.convolution.weights import GroupMask, TransposedWeights, transposed_layout, weights_layout
from ..layout import Blocked, Channels, GroupedFilterBlocks
from ..plan import Buffer, Operand, Role, Section
from .lowering import Gradient, Lowering, NotLowered, lower
from .shape import plane, window_sizes


def adjoint_shape(layer: ConvTranspose, node: Node, lanes: int) -> ConvolutionShape:
    """Return the sizes of the convolution that a transposed one undoes: from its output to its input.

    Errors:   NotLowered for three axes
    """
    shape, output = node.input_shapes[0], node.output_shape
    positions = plane(shape, Message("transposed convolution"))
    height, width = plane(output, Message("transposed convolution"))
    sizes = window_sizes(layer.windows(shape))._asdict()
    return ConvolutionShape(
        output[0], height, width, shape[0], output=positions, groups=layer.groups, lanes=lanes, **sizes
    )


@lower.register
def _(layer: ConvTranspose, node: Node, lowering: Lowering) -> None:
    shape = adjoint_shape(layer, node, lowering.lanes)
    if shape.depthwise:
        raise NotLowered(Message("a depthwise transposed convolution"))
    x, name = lowering.layouts.blocked(lowering.input_of(node)), node.name
    layout = weights_layout(shape)
    weight = lowering.parameter(node, "weight", layout)
    bias = lowering.parameter(node, "bias", Channels(shape.channels, shape.lanes)) if layer.bias else None
    following = lowering.fusible_activation(node)
    activation = function_of(following.layer) if following is not None else None
    last = lowering.fuse(following) if following is not None else node
    blocked = Blocked(shape.channels, shape.height, shape.width, shape.lanes)
    y = lowering.new(last, blocked, (x,), activation == RELU, learned=bool(node.trained))
    operands: dict[str, Operand] = {
        "dy": x.buffer,
        "weight_t": _transposed_weights(node, lowering, shape, weight),
        "dx": y.buffer,
    }
    if bias is not None:
        operands["bias"] = bias
    kernel = ConvolutionInputGradient(shape, layer.bias, activation)
    fused = (following.layer.kind,) if following is not None else ()
    lowering.builder.call(kernel, name, "forward", Message("a convolution's input gradient"), fused, **operands)

    @lowering.tape.backward(y, relu_of=name)
    def write(gradient: Gradient) -> None:
        if "bias" in node.trained:
            with lowering.tape.parameter_gradient(node, "bias") as out:
                lowering.tape.sum_channels(gradient, y, out, name)
        if "weight" in node.trained:
            with lowering.tape.parameter_gradient(node, "weight") as out:
                _weight_gradient(node, lowering, shape, gradient.buffer, x.buffer, out)
        if x.differentiable:
            with lowering.tape.input_gradient(x) as dx:
                images = {"x": gradient.buffer, "y": dx}
                lowering.builder.call(Convolution(shape), name, "input gradient", weight=weight, **images)


def _transposed_weights(node: Node, lowering: Lowering, shape: ConvolutionShape, weight: Buffer) -> Buffer:
    """Return the transposed weights: computed in every training step, once at inference."""
    training = lowering.mode.training
    role = Role.ACTIVATION if training else Role.PREPARED
    transposed = lowering.builder.buffer(
        f"{node.name}.weight transposed", fixed=transposed_layout(shape).floats, role=role
    )
    with lowering.builder.section(Section.FORWARD if training else Section.PREPARE):
        kernel = TransposedWeights(shape)
        lowering.builder.call(
            kernel, node.name, "forward", Message("transposed weights"), weight=weight, weight_t=transposed
        )
    return transposed


def _weight_gradient(
    node: Node, lowering: Lowering, shape: ConvolutionShape, x: Buffer, dy: Buffer, out: Buffer
) -> None:
    slices, name = slices_for(shape), node.name
    kernel = ConvolutionWeightGradient(shape, False, slices)
    if slices == 1:
        lowering.builder.call(kernel, name, "weight gradient", x=x, dy=dy, parts=out)
    else:
        parts = lowering.builder.buffer(f"parts of {name}.weight's gradient", fixed=slices * out.fixed)
        lowering.builder.call(kernel, name, "weight gradient", x=x, dy=dy, parts=parts)
        lowering.builder.sum_parts(parts, slices, out, name, "weight gradient")
    if isinstance(weights_layout(shape), GroupedFilterBlocks):
        lowering.builder.call(
            GroupMask(shape), name, "weight gradient", Message("zero between groups"), gradient=out
        )
