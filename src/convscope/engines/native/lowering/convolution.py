"""Convolutions and transposed convolutions, with the layers after them that can be fused into one kernel.

A transposed convolution is the input gradient of a convolution, with the forward pass as its gradient.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ....layers import Add, BatchNorm, Conv, ConvTranspose
from ....network import Node
from ....text.language import Message
from ..kernels.activation.pointwise import RELU, EpilogueFunction, function_of
from ..kernels.common.shapes import ConvolutionShape
from ..kernels.convolution.direct import Convolution, ConvolutionInputGradient
from ..kernels.convolution.weight_gradient import ConvolutionWeightGradient, slices_for
from ..kernels.convolution.weights import GroupMask, TransposedWeights, transposed_layout, weights_layout
from ..kernels.depthwise.direct import DepthwiseConvolution, DepthwiseInputGradient
from ..kernels.depthwise.weight_gradient import DepthwiseWeightGradient
from ..kernels.winograd import (
    WinogradConvolution,
    WinogradWeightGradient,
    WinogradWeightGradientFinish,
    WinogradWeights,
    input_gradient_shape,
    u_floats,
)
from ..kernels.winograd import slices_for as winograd_slices_for
from ..layout import Blocked, Channels, GroupedFilterBlocks, Plain
from ..plan import Buffer, FallbackStep, Operand, PlanSection, Role, Value
from ..runtime.fallback import FallbackContext
from ..tuning.select import DIRECT, raw_weights, why, winograd_tile
from .lowering import Gradient, Lowering, NotLowered, lower
from .shape import plane, window_sizes


@lower.register
def _(layer: Conv, node: Node, lowering: Lowering) -> None:
    shape = convolution_shape(layer, node, lowering.lanes)
    source = lowering.input_of(node)
    # The kernel that reads plain images computes no gradient of them.
    as_plain = isinstance(source.layout, Plain) and not source.differentiable
    thin = shape.channels < shape.lanes and shape.groups == 1
    x = source if as_plain and thin else lowering.layouts.blocked(source)
    convolution = _Convolution(node, lowering, shape, x, isinstance(x.layout, Plain))
    convolution.write()


def convolution_shape(layer: Conv, node: Node, lanes: int) -> ConvolutionShape:
    """Return the sizes of a convolution over one or two axes.

    Errors:   NotLowered for three axes, and for borders other than zeros
    """
    shape, output = node.input_shapes[0], node.output_shape
    height, width = plane(shape, Message("convolution"))
    if layer.padding_mode != "zeros":
        raise NotLowered(Message("padding in mode {mode}", mode=layer.padding_mode))
    sizes = window_sizes(layer.windows(shape))._asdict()
    positions = plane(output, Message("convolution"))
    return ConvolutionShape(
        shape[0], height, width, output[0], output=positions, groups=layer.groups, lanes=lanes, **sizes
    )


@dataclass
class _Tail:
    """The layers fused into a convolution."""

    last: Node
    norm: Node | None = None
    residual: Value | None = None
    activation: EpilogueFunction | None = None
    activation_kind: str = ""

    @property
    def fused(self) -> tuple[str, ...]:
        norm, residual = self.norm.name if self.norm else "", "sum" if self.residual else ""
        return tuple(name for name in (norm, residual, self.activation_kind) if name)


@dataclass
class _Convolution:
    """One convolution being lowered."""

    node: Node
    lowering: Lowering
    shape: ConvolutionShape
    x: Value
    plain: bool

    def write(self) -> None:
        """Add the forward pass, and record the backward pass."""
        node, lowering, shape = self.node, self.lowering, self.shape
        self.layout = weights_layout(shape)
        self.weight = lowering.parameter(node, "weight", self.layout)
        self.has_bias = "bias" in node.facts.param_shapes
        channels = Channels(shape.filters, shape.lanes)
        self.bias = lowering.parameter(node, "bias", channels) if self.has_bias else None
        tail = self._tail()
        weight, bias = (self.weight, self.bias) if tail.norm is None else self._merged(tail.norm)
        layout = Blocked(shape.filters, *shape.output, shape.lanes)
        learned = bool(node.trained)
        self.value = lowering.new(tail.last, layout, (self.x,), tail.activation == RELU, learned=learned)
        self._forward(weight, bias, tail)
        lowering.tape.backward(self.value, relu_of=node.name)(self._backward)

    def _tail(self) -> _Tail:
        lowering, tail = self.lowering, _Tail(self.node)
        if not lowering.mode.has_backward:
            norm = lowering.fusible_successor(tail.last, BatchNorm)
            if norm is not None:
                tail.last = tail.norm = lowering.fuse(norm)
            add = None if self.shape.depthwise else lowering.fusible_successor(tail.last, Add)
            residual = lowering.other_term(add, tail.last) if add is not None else None
            if add is not None and residual is not None:
                tail.last, tail.residual = lowering.fuse(add), residual
        following = lowering.fusible_activation(tail.last)
        if following is not None:
            tail.activation = function_of(following.layer)
            tail.last, tail.activation_kind = lowering.fuse(following), following.layer.kind
        return tail

    def _merged(self, norm: Node) -> tuple[Buffer, Buffer]:
        """Return weights and bias with a batch normalization merged in, recomputed when parameters change."""
        lowering, node, layer = self.lowering, self.node, norm.layer
        assert isinstance(layer, BatchNorm)
        channels = Channels(self.shape.filters, self.shape.lanes)
        weight = lowering.builder.buffer(
            f"{node.name} with {norm.name}", fixed=self.layout.floats, role=Role.PREPARED
        )
        bias = lowering.builder.buffer(
            f"{node.name} bias with {norm.name}", fixed=channels.floats, role=Role.PREPARED
        )
        for name in ("weight", "bias") if layer.affine else ():
            lowering.parameter(norm, name, channels)
        for name in ("running_mean", "running_var"):
            lowering.statistic(norm, name, channels)

        def merge(context: FallbackContext) -> None:
            own, others = node.parameters_of, norm.parameters_of
            factor = 1 / np.sqrt(context.array(f"{others}.running_var").astype(np.float64) + layer.eps)
            offset = -context.array(f"{others}.running_mean") * factor
            if layer.affine:
                gain = context.array(f"{others}.weight")
                factor, offset = factor * gain, offset * gain + context.array(f"{others}.bias")
            if self.has_bias:
                offset = offset + factor * context.array(f"{own}.bias")
            kernel = context.array(f"{own}.weight")
            scaled = kernel * factor.reshape(-1, *(1,) * (kernel.ndim - 1))
            context.memory(weight)[...] = self.layout.pack(scaled.astype(np.float32))
            context.memory(bias)[...] = channels.pack(offset.astype(np.float32))

        with lowering.builder.section(PlanSection.PREPARE):
            lowering.builder.add(
                FallbackStep(merge, (weight, bias), node.name, "weights", Message("once"), (norm.name,))
            )
        return weight, bias

    def _forward(self, weight: Buffer, bias: Buffer | None, tail: _Tail) -> None:
        lowering, shape, mode = self.lowering, self.shape, self.lowering.mode
        operands: dict[str, Operand] = {"x": self.x.buffer, "y": self.value.buffer}
        if bias is not None:
            operands["bias"] = bias
        if tail.residual is not None:
            operands["residual"] = tail.residual.buffer
        fused = tail.fused
        if shape.depthwise:
            depthwise = DepthwiseConvolution(shape, bias is not None, tail.activation)
            lowering.builder.call(
                depthwise, self.node.name, "forward", Message("depthwise"), fused, weight=weight, **operands
            )
            return
        epilogue = (bias is not None, tail.activation, tail.residual is not None)
        purpose = "forward" if mode.has_backward else "inference"
        tile = DIRECT if self.plain else winograd_tile(shape, mode.batch_hint, purpose, mode.strict)
        reason = why(tile, shape, mode.strict)
        if tile == DIRECT:
            kernel = Convolution(shape, self.plain, *epilogue)
            lowering.builder.call(kernel, self.node.name, "forward", reason, fused, weight=weight, **operands)
            return
        raw, weights = self._winograd_weights(weight, tile, "forward")
        winograd = WinogradConvolution(shape, tile, *epilogue, raw_weights=raw)
        lowering.builder.call(winograd, self.node.name, "forward", reason, fused, **weights, **operands)

    def _winograd_weights(self, weight: Buffer, tile: int, purpose: str) -> tuple[bool, dict[str, Operand]]:
        """Return whether the convolution kernel transforms the weights, and its operand for them."""
        mode = self.lowering.mode
        if mode.has_backward and raw_weights(self.shape, mode.batch_hint, tile, purpose == "input gradient"):
            return True, {"weight": weight}
        return False, {"u": self._transformed(weight, tile, purpose)}

    def _transformed(self, weight: Buffer, tile: int, purpose: str) -> Buffer:
        """Return the weights in the Winograd domain: computed in every training step, once at inference."""
        lowering, name = self.lowering, self.node.name
        training, transposed = lowering.mode.has_backward, purpose == "input gradient"
        role = Role.ACTIVATION if training else Role.PREPARED
        floats = u_floats(self.shape, tile, transposed)
        u = lowering.builder.buffer(f"{weight.name} in the Winograd domain", fixed=floats, role=role)
        kernel = WinogradWeights(self.shape, tile, transposed)
        if training:
            lowering.builder.call(kernel, name, purpose, Message("transformed weights"), weight=weight, u=u)
        else:
            with lowering.builder.section(PlanSection.PREPARE):
                lowering.builder.call(
                    kernel, name, purpose, Message("transformed weights, once"), weight=weight, u=u
                )
        return u

    def _backward(self, gradient: Gradient) -> None:
        lowering, node = self.lowering, self.node
        if "bias" in node.trained:
            with lowering.tape.parameter_gradient(node, "bias") as out:
                lowering.tape.sum_channels(gradient, self.value, out, node.name)
        if "weight" in node.trained:
            with lowering.tape.parameter_gradient(node, "weight") as out:
                self._weight_gradient(gradient.buffer, out)
        if self.x.differentiable:
            with lowering.tape.input_gradient(self.x) as dx:
                self._input_gradient(gradient.buffer, dx)

    def _weight_gradient(self, dy: Buffer, out: Buffer) -> None:
        lowering, shape, name, mode = self.lowering, self.shape, self.node.name, self.lowering.mode
        tile = DIRECT if self.plain else winograd_tile(shape, mode.batch_hint, "weight gradient", mode.strict)
        reason = why(tile, shape, mode.strict)
        if shape.depthwise:
            slices = slices_for(shape)
            self._in_parts(DepthwiseWeightGradient(shape, slices), slices, dy, out, "depthwise")
        elif tile == DIRECT:
            slices = slices_for(shape)
            self._in_parts(ConvolutionWeightGradient(shape, self.plain, slices), slices, dy, out, reason)
            if isinstance(self.layout, GroupedFilterBlocks):
                lowering.builder.call(
                    GroupMask(shape), name, "weight gradient", Message("zero between groups"), gradient=out
                )
        else:
            slices = winograd_slices_for(shape, mode.batch_hint, tile)
            floats = slices * u_floats(shape, tile, False)
            parts = lowering.builder.buffer(f"parts of {name}.weight's gradient", fixed=floats)
            kernel = WinogradWeightGradient(shape, tile, slices)
            lowering.builder.call(kernel, name, "weight gradient", reason, x=self.x.buffer, dy=dy, parts=parts)
            finish = WinogradWeightGradientFinish(shape, tile, slices)
            lowering.builder.call(
                finish, name, "weight gradient", Message("out of the Winograd domain"), parts=parts, dweight=out
            )

    def _in_parts(
        self,
        kernel: ConvolutionWeightGradient | DepthwiseWeightGradient,
        slices: int,
        dy: Buffer,
        out: Buffer,
        reason: str,
    ) -> None:
        lowering, name = self.lowering, self.node.name
        if slices == 1:
            lowering.builder.call(kernel, name, "weight gradient", reason, x=self.x.buffer, dy=dy, parts=out)
            return
        parts = lowering.builder.buffer(f"parts of {name}.weight's gradient", fixed=slices * out.fixed)
        lowering.builder.call(kernel, name, "weight gradient", reason, x=self.x.buffer, dy=dy, parts=parts)
        lowering.builder.sum_parts(parts, slices, out, name, "weight gradient")

    def _input_gradient(self, dy: Buffer, dx: Buffer) -> None:
        lowering, shape, name, mode = self.lowering, self.shape, self.node.name, self.lowering.mode
        if shape.depthwise:
            kernel = DepthwiseInputGradient(shape)
            reason = Message("depthwise")
            lowering.builder.call(kernel, name, "input gradient", reason, dy=dy, weight=self.weight, dx=dx)
            return
        tile = winograd_tile(shape, mode.batch_hint, "input gradient", mode.strict)
        reason = why(tile, shape, mode.strict)
        if tile == DIRECT:
            transposed = lowering.builder.buffer(
                f"{name}.weight transposed", fixed=transposed_layout(shape).floats
            )
            transpose = TransposedWeights(shape)
            lowering.builder.call(
                transpose,
                name,
                "input gradient",
                Message("transposed weights"),
                weight=self.weight,
                weight_t=transposed,
            )
            direct = ConvolutionInputGradient(shape)
            lowering.builder.call(direct, name, "input gradient", reason, dy=dy, weight_t=transposed, dx=dx)
            return
        raw, weights = self._winograd_weights(self.weight, tile, "input gradient")
        winograd = WinogradConvolution(input_gradient_shape(shape), tile, raw_weights=raw, transposed=raw)
        lowering.builder.call(winograd, name, "input gradient", reason, **weights, x=dy, y=dx)


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
    training = lowering.mode.has_backward
    role = Role.ACTIVATION if training else Role.PREPARED
    transposed = lowering.builder.buffer(
        f"{node.name}.weight transposed", fixed=transposed_layout(shape).floats, role=role
    )
    with lowering.builder.section(PlanSection.FORWARD if training else PlanSection.PREPARE):
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
