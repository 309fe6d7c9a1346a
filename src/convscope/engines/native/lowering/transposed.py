"""Transposed convolutions: a convolution's input gradient run forward, and its forward pass run backward."""

from __future__ import annotations

from ....layers import ConvTranspose
from ....network import Node
from ..kernels.activation.epilogue import RELU, function_of
from ..kernels.common.shapes import ConvolutionShape
from ..kernels.convolution.direct import Convolution, ConvolutionInputGradient
from ..kernels.convolution.weight_gradient import ConvolutionWeightGradient
from ..kernels.convolution.weight_gradient_tiles import slices_for
from ..kernels.convolution.weights import GroupMask, TransposedWeights, transposed_layout, weights_layout
from ..layout import Blocked, Channels, GroupedFilterBlocks
from ..plan import Buffer, Operand, Role, Section
from .channel_sums import channel_sums, through_relu
from .following import activation_after
from .lowering import Gradient, Lowering, NotLowered
from .planes import plane, window_sizes
from .rules import lower


def adjoint_shape(layer: ConvTranspose, node: Node, lanes: int) -> ConvolutionShape:
    """Return the sizes of the convolution that a transposed one undoes: from its output to its input.

    Errors:   NotLowered for three axes
    """
    shape, output = node.input_shapes[0], node.output_shape
    positions = plane(shape, "transposed convolution")
    height, width = plane(output, "transposed convolution")
    sizes = window_sizes(layer.windows(shape))._asdict()
    return ConvolutionShape(
        output[0], height, width, shape[0], output=positions, groups=layer.groups, lanes=lanes, **sizes
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
    y = lowering.new(last, blocked, (x,), activation == RELU, learned=bool(node.trained))
    operands: dict[str, Operand] = {
        "dy": x.buffer,
        "weight_t": _turned(node, lowering, shape, weight),
        "dx": y.buffer,
    }
    if bias is not None:
        operands["bias"] = bias
    kernel = ConvolutionInputGradient(shape, layer.bias, activation)
    fused = (following.layer.kind,) if following is not None else ()
    lowering.call(kernel, name, "forward", "a convolution's input gradient", fused, **operands)

    def back() -> None:
        gradient = through_relu(y, lowering, name)
        if gradient is None:
            return
        if "bias" in node.trained:
            with lowering.parameter_gradient(node, "bias") as out:
                channel_sums(gradient, y, out, lowering, name)
        if "weight" in node.trained:
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
    with lowering.section(Section.FORWARD if training else Section.PREPARE):
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
