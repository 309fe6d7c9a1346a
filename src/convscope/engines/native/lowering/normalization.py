"""Normalization over the batch, and of each image: over channels, groups of channels, or single channels."""

from __future__ import annotations

from dataclasses import dataclass

from ....layers import Add, BatchNorm, GroupNorm, InstanceNorm, LayerNorm, ReLU
from ....network import Node
from ....text.language import Message
from ...reference.layers.graph import keeps_statistics
from ..kernels.normalization.batch_norm import (
    ChannelMoments,
    FoldStatistics,
    Normalize,
    NormGradient,
    NormGradientFinish,
    NormGradientSums,
    NormStatistics,
)
from ..kernels.normalization.group_norm import GroupGradientSums, GroupStatistics
from ..kernels.normalization.layer_norm import AffineGradient, LayerNormGradient, LayerNormKernel
from ..layout import Blocked, Channels
from ..plan import Amount, Buffer, Operand, PlanSection, Role, Value
from .gradients import SLICES
from .lowering import Gradient, Lowering, NotLowered, lower


@lower.register
def _(layer: BatchNorm, node: Node, lowering: Lowering) -> None:
    x = lowering.layouts.blocked(lowering.input_of(node))
    if lowering.mode.gradients or (lowering.mode.training and keeps_statistics(node)):
        _by_running_statistics(layer, node, lowering, x)
    else:
        _Normalization(layer, node, lowering, x).write()


def _by_running_statistics(layer: BatchNorm, node: Node, lowering: Lowering, x: Value) -> None:
    """Normalize with running statistics while the rest of the network is trained."""
    layout, name = x.layout, node.name
    assert isinstance(layout, Blocked)
    sizes, channels = (
        (layout.channels, layout.height, layout.width, layout.lanes),
        Channels(layout.channels, layout.lanes),
    )
    own = {one: lowering.parameter(node, one, channels) for one in (("weight", "bias") if layer.affine else ())}
    running = {one: lowering.statistic(node, one, channels) for one in ("running_mean", "running_var")}
    relu = lowering.fusible_successor(node, ReLU)
    last = node if relu is None else lowering.fuse(relu)
    y = lowering.new(last, layout, (x,), relu is not None)
    maps = {one: lowering.builder.buffer(f"{name} {one}", fixed=channels.floats) for one in ("scale", "offset")}
    fold = FoldStatistics(*sizes, layer.eps, layer.affine)
    lowering.builder.call(
        fold, name, "forward", Message("running statistics, as it is frozen"), **running, **own, **maps
    )
    normalize = Normalize(*sizes, relu is not None, False)
    fused = () if relu is None else ("ReLU",)
    lowering.builder.call(
        normalize, name, "forward", Message("scale and shift"), fused, x=x.buffer, y=y.buffer, **maps
    )

    @lowering.tape.backward(y, relu_of=name)
    def write(gradient: Gradient) -> None:
        if not x.differentiable:
            return
        with lowering.tape.input_gradient(x) as dx:
            # Prepared memory that nothing writes to stays zero.
            zero = lowering.builder.buffer(f"{name} no offset", fixed=channels.floats, role=Role.PREPARED)
            given = {"x": gradient.buffer, "y": dx, "scale": maps["scale"], "offset": zero}
            lowering.builder.call(
                Normalize(*sizes, False, False), name, "input gradient", Message("scaled"), **given
            )


@dataclass
class _Normalization:
    """One batch normalization being lowered."""

    layer: BatchNorm
    node: Node
    lowering: Lowering
    x: Value

    def write(self) -> None:
        """Add the forward pass, and record the backward pass."""
        layer, node, lowering, layout = self.layer, self.node, self.lowering, self.x.layout
        assert isinstance(layout, Blocked)
        self.sizes = (layout.channels, layout.height, layout.width, layout.lanes)
        channels = self.channels = Channels(layout.channels, layout.lanes)
        names = ("weight", "bias") if layer.affine else ()
        self.parameters = {name: lowering.parameter(node, name, channels) for name in names}
        running = ("running_mean", "running_var")
        self.statistics = {name: lowering.statistic(node, name, channels) for name in running}
        self._fuse_successors()
        sources = (self.x,) if self.residual is None else (self.x, self.residual)
        self.value = lowering.new(self.last, layout, sources, self.relu, learned=bool(node.trained))
        self.moments = self._from_batch() if lowering.mode.training else self._from_running_statistics()
        self._apply()
        lowering.tape.record(self._backward)

    def _fuse_successors(self) -> None:
        """Fuse the layers after this one that the same kernel can compute."""
        lowering = self.lowering
        self.last, self.residual, self.relu = self.node, None, False
        add = lowering.fusible_successor(self.last, Add)
        residual = lowering.other_term(add, self.last) if add is not None else None
        if add is not None and residual is not None:
            self.last, self.residual = lowering.fuse(add), residual
        relu = lowering.fusible_successor(self.last, ReLU)
        if relu is not None:
            self.last, self.relu = lowering.fuse(relu), True

    def _channel(self, name: str, role: Role = Role.ACTIVATION, times: int = 1) -> Buffer:
        return self.lowering.builder.buffer(
            f"{self.node.name} {name}", fixed=times * self.channels.floats, role=role
        )

    def _from_batch(self) -> dict[str, Buffer]:
        """Compute the statistics of the batch."""
        lowering, name = self.lowering, self.node.name
        parts = self._channel("moments", times=2 * SLICES)
        lowering.builder.call(
            ChannelMoments(*self.sizes, SLICES), name, "forward", Message("moments"), x=self.x.buffer, parts=parts
        )
        moments = {key: self._channel(key) for key in ("scale", "offset", "mean", "inverse")}
        kernel = NormStatistics(*self.sizes, SLICES, self.layer.eps, self.layer.momentum, self.layer.affine)
        operands = {**self.statistics, **self.parameters, **moments}
        lowering.builder.call(kernel, name, "forward", Message("statistics"), parts=parts, **operands)
        return moments

    def _from_running_statistics(self) -> dict[str, Buffer]:
        """Compute scale and offset from the running statistics, once."""
        lowering = self.lowering
        moments = {key: self._channel(key, Role.PREPARED) for key in ("scale", "offset")}
        kernel = FoldStatistics(*self.sizes, self.layer.eps, self.layer.affine)
        with lowering.builder.section(PlanSection.PREPARE):
            operands = {**self.statistics, **self.parameters, **moments}
            lowering.builder.call(
                kernel, self.node.name, "forward", Message("running statistics, once"), **operands
            )
        return moments

    def _apply(self) -> None:
        operands: dict[str, Operand] = {"x": self.x.buffer, "y": self.value.buffer}
        if self.residual is not None:
            operands["residual"] = self.residual.buffer
        operands |= {key: self.moments[key] for key in ("scale", "offset")}
        fused = tuple(name for name, there in (("sum", self.residual), ("ReLU", self.relu)) if there)
        kernel = Normalize(*self.sizes, self.relu, self.residual is not None)
        self.lowering.builder.call(
            kernel, self.node.name, "forward", Message("scale and shift"), fused, **operands
        )

    def _backward(self) -> None:
        lowering, layer, node, name = self.lowering, self.layer, self.node, self.node.name
        arrived = lowering.tape.contributions(self.value)
        if not arrived:
            return
        added = self.residual is not None
        store = added and (self.relu or len(arrived) > 1)
        above: dict[str, Operand] = {f"dy{place}": one.buffer for place, one in enumerate(arrived)}
        images: dict[str, Operand] = {"x": self.x.buffer, "y": self.value.buffer, **self.moments}
        parts = self._channel("gradient sums", times=2 * SLICES)
        g = (
            lowering.builder.buffer(f"gradient before {name}'s sum", per_image=self.x.layout.floats)
            if store
            else None
        )
        sums = NormGradientSums(*self.sizes, self.relu, added, len(arrived), slices=SLICES, store=store)
        given = {**above, **images, "parts": parts} | ({"g": g} if g is not None else {})
        lowering.builder.call(sums, name, "backward", Message("sums"), **_only(given, sums.pointers))
        coefficients = self._channel("coefficients", times=2)
        finish = NormGradientFinish(*self.sizes, SLICES, layer.affine)
        own: dict[str, Operand] = {"parts": parts, **self.moments, "coefficients": coefficients}
        if layer.affine:
            with (
                lowering.tape.parameter_gradient(node, "weight") as weight,
                lowering.tape.parameter_gradient(node, "bias") as bias,
            ):
                own |= {"dweight": weight, "dbias": bias}
                lowering.builder.call(
                    finish, name, "weight gradient", Message("with the bias"), **_only(own, finish.pointers)
                )
        else:
            lowering.builder.call(finish, name, "backward", Message("sums"), **_only(own, finish.pointers))
        if self.residual is not None and self.residual.differentiable:
            self._to_residual(g, arrived)
        if self.x.differentiable:
            self._to_input(g, above, images, coefficients)

    def _to_residual(self, g: Buffer | None, arrived: list[Gradient]) -> None:
        assert self.residual is not None
        self.lowering.tape.contribute(self.residual, Gradient(arrived[0].buffer if g is None else g))

    def _to_input(
        self, g: Buffer | None, above: dict[str, Operand], images: dict[str, Operand], coefficients: Buffer
    ) -> None:
        lowering = self.lowering
        added = self.residual is not None
        if g is None:
            kernel = NormGradient(*self.sizes, self.relu, added, len(above))
        else:
            kernel, above = NormGradient(*self.sizes), {"dy0": g}
        with lowering.tape.input_gradient(self.x) as dx:
            given = {**above, **images, "coefficients": coefficients, "dx": dx}
            lowering.builder.call(kernel, self.node.name, "input gradient", **_only(given, kernel.pointers))


def _only(operands: dict[str, Operand], names: tuple[str, ...]) -> dict[str, Operand]:
    """Return the operands that a kernel takes."""
    return {name: operands[name] for name in names}


@lower.register
def _(layer: LayerNorm, node: Node, lowering: Lowering) -> None:
    """Over the channels of each position, or over a vector."""
    shape = node.input_shapes[0]
    if layer.normalized(shape) != (0,):
        raise NotLowered(Message("layer normalization over axes other than the channels"))
    x = lowering.layouts.blocked(lowering.input_of(node))
    sizes, affine = _sizes(x), layer.affine
    own = _parameters(node, lowering, sizes[0], affine)
    y = lowering.new(node, x.layout, (x,))
    kernel = LayerNormKernel(*sizes, layer.eps, affine)
    lowering.builder.call(kernel, node.name, "forward", **own, x=x.buffer, y=y.buffer)

    @lowering.tape.backward(y)
    def write(gradient: Gradient) -> None:
        dx = lowering.tape.gradient_buffer(x)
        given: dict[str, Operand] = {"x": x.buffer, "dy": gradient.buffer, "dx": dx}
        if affine:
            row = Channels(sizes[0], lowering.lanes).floats
            parts = lowering.builder.buffer(f"parts of {node.name}'s gradients", fixed=2 * SLICES * row)
            given |= {"weight": own["weight"], "parts": parts}
        backward = LayerNormGradient(*sizes, layer.eps, affine, slices=SLICES)
        lowering.builder.call(backward, node.name, "input gradient", **given)
        if node.trained:
            _affine_gradient(node, lowering, sizes, parts, Amount(fixed=SLICES))
        lowering.tape.contribute(x, Gradient(dx))


@lower.register
def _(layer: GroupNorm, node: Node, lowering: Lowering) -> None:
    _by_groups(node, lowering, layer.num_groups, layer.eps, layer.affine)


@lower.register
def _(layer: InstanceNorm, node: Node, lowering: Lowering) -> None:
    _by_groups(node, lowering, node.input_shapes[0][0], layer.eps, layer.affine)


def _by_groups(node: Node, lowering: Lowering, groups: int, eps: float, affine: bool) -> None:
    x = lowering.layouts.blocked(lowering.input_of(node))
    sizes = _sizes(x)
    own = _parameters(node, lowering, sizes[0], affine)
    row = Channels(sizes[0], lowering.lanes).floats
    names = ("scale", "offset", "mean", "inverse")
    moments = {name: lowering.builder.buffer(f"{node.name} {name}", per_image=row) for name in names}
    statistics = GroupStatistics(*sizes, groups, eps, affine)
    lowering.builder.call(statistics, node.name, "forward", Message("statistics"), x=x.buffer, **own, **moments)
    y = lowering.new(node, x.layout, (x,))
    normalize = Normalize(*sizes, per_image=True)
    maps = {name: moments[name] for name in ("scale", "offset")}
    lowering.builder.call(
        normalize, node.name, "forward", Message("scale and shift"), x=x.buffer, y=y.buffer, **maps
    )

    @lowering.tape.backward(y)
    def write(gradient: Gradient) -> None:
        parts = lowering.builder.buffer(f"parts of {node.name}'s gradients", per_image=2 * row)
        coefficients = lowering.builder.buffer(f"{node.name} coefficients", per_image=2 * row)
        seen = {name: moments[name] for name in ("mean", "inverse")} | {"x": x.buffer}
        weights = {"weight": own["weight"]} if affine else {}
        sums = GroupGradientSums(*sizes, groups, affine)
        results = {"parts": parts, "coefficients": coefficients}
        lowering.builder.call(
            sums, node.name, "backward", Message("sums"), dy=gradient.buffer, **seen, **weights, **results
        )
        if node.trained:
            _affine_gradient(node, lowering, sizes, parts, Amount(per_image=1))
        if not x.differentiable:
            return
        with lowering.tape.input_gradient(x) as dx:
            kernel = NormGradient(*sizes, per_image=True)
            given: dict[str, Operand] = {
                "dy0": gradient.buffer,
                "x": x.buffer,
                "coefficients": coefficients,
                "dx": dx,
                **moments,
            }
            lowering.builder.call(kernel, node.name, "input gradient", **_only(given, kernel.pointers))


def _sizes(x: Value) -> tuple[int, int, int, int]:
    layout = x.layout
    assert isinstance(layout, Blocked)
    return layout.channels, layout.height, layout.width, layout.lanes


def _parameters(node: Node, lowering: Lowering, channels: int, affine: bool) -> dict[str, Buffer]:
    layout = Channels(channels, lowering.lanes)
    return {name: lowering.parameter(node, name, layout) for name in (("weight", "bias") if affine else ())}


def _affine_gradient(
    node: Node, lowering: Lowering, sizes: tuple[int, int, int, int], parts: Buffer, rows: Amount
) -> None:
    with (
        lowering.tape.parameter_gradient(node, "weight") as weight,
        lowering.tape.parameter_gradient(node, "bias") as bias,
    ):
        kernel = AffineGradient(*sizes)
        results = {"dweight": weight, "dbias": bias}
        lowering.builder.call(
            kernel, node.name, "weight gradient", Message("with the bias"), parts=parts, rows=rows, **results
        )
