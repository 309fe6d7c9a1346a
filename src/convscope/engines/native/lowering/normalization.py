"""Batch normalization, with the sum and the ReLU that follow it."""

from __future__ import annotations

from dataclasses import dataclass

from ....layers import Add, BatchNorm, ReLU
from ....network import Node
from ...reference.layers.graph import keeps_statistics
from ..kernels.normalization.batch_norm import (
    ChannelMoments,
    FoldStatistics,
    Normalize,
    NormStatistics,
)
from ..kernels.normalization.batch_norm_gradient import (
    NormGradient,
    NormGradientFinish,
    NormGradientSums,
)
from ..layout import Blocked, Channels
from ..plan import Buffer, Operand, Role, Section, Value
from .channel_sums import SLICES, through_relu
from .lowering import Gradient, Lowering
from .rules import lower


@lower.register
def _(layer: BatchNorm, node: Node, lowering: Lowering) -> None:
    x = lowering.blocked(lowering.input_of(node))
    if lowering.mode.training and keeps_statistics(node):
        _by_running_statistics(layer, node, lowering, x)
    else:
        _Normalization(layer, node, lowering, x).write()


def _by_running_statistics(layer: BatchNorm, node: Node, lowering: Lowering, x: Value) -> None:
    """Normalize as at inference while the rest of the network is trained: a scale and an offset per channel."""
    layout, name = x.layout, node.name
    assert isinstance(layout, Blocked)
    sizes, channels = (
        (layout.channels, layout.height, layout.width, layout.lanes),
        Channels(layout.channels, layout.lanes),
    )
    own = {one: lowering.parameter(node, one, channels) for one in (("weight", "bias") if layer.affine else ())}
    running = {one: lowering.statistic(node, one, channels) for one in ("running_mean", "running_var")}
    relu = lowering.follower(node, ReLU)
    last = node if relu is None else lowering.absorb(relu)
    y = lowering.new(last, layout, (x,), relu is not None)
    made = {one: lowering.buffer(f"{name} {one}", fixed=channels.floats) for one in ("scale", "offset")}
    fold = FoldStatistics(*sizes, layer.eps, layer.affine)
    lowering.call(fold, name, "forward", "running statistics: it is frozen", **running, **own, **made)
    normalize = Normalize(*sizes, relu is not None, False)
    fused = () if relu is None else ("ReLU",)
    lowering.call(normalize, name, "forward", "scale and shift", fused, x=x.buffer, y=y.buffer, **made)

    def back() -> None:
        gradient = through_relu(y, lowering, name)
        if gradient is None or not x.differentiable:
            return
        into = lowering.buffer(f"gradient of {x.key}", per_image=layout.floats)
        # Prepared memory that nothing writes stays zero.
        nothing = lowering.buffer(f"{name} no offset", fixed=channels.floats, role=Role.PREPARED)
        given = {"x": gradient.buffer, "y": into, "scale": made["scale"], "offset": nothing}
        lowering.call(Normalize(*sizes, False, False), name, "input gradient", "scaled", **given)
        lowering.contribute(x, Gradient(into))

    lowering.on_backward(back)


@dataclass
class _Normalization:
    """One batch normalization being lowered."""

    layer: BatchNorm
    node: Node
    lowering: Lowering
    x: Value

    def write(self) -> None:
        """Write the forward pass, and remember the backward pass."""
        layer, node, lowering, layout = self.layer, self.node, self.lowering, self.x.layout
        assert isinstance(layout, Blocked)
        self.sizes = (layout.channels, layout.height, layout.width, layout.lanes)
        channels = self.channels = Channels(layout.channels, layout.lanes)
        names = ("weight", "bias") if layer.affine else ()
        self.parameters = {name: lowering.parameter(node, name, channels) for name in names}
        running = ("running_mean", "running_var")
        self.statistics = {name: lowering.statistic(node, name, channels) for name in running}
        self._follow()
        sources = (self.x,) if self.residual is None else (self.x, self.residual)
        self.value = lowering.new(self.last, layout, sources, self.relu, learned=bool(node.trained))
        self.numbers = self._trained() if lowering.mode.training else self._folded()
        self._apply()
        lowering.on_backward(self._backward)

    def _follow(self) -> None:
        """Take over the layers that follow and can be done in the same pass."""
        lowering = self.lowering
        self.last, self.residual, self.relu = self.node, None, False
        add = lowering.follower(self.last, Add)
        residual = lowering.other_term(add, self.last) if add is not None else None
        if add is not None and residual is not None:
            self.last, self.residual = lowering.absorb(add), residual
        relu = lowering.follower(self.last, ReLU)
        if relu is not None:
            self.last, self.relu = lowering.absorb(relu), True

    def _channel(self, name: str, role: Role = Role.ACTIVATION, times: int = 1) -> Buffer:
        return self.lowering.buffer(f"{self.node.name} {name}", fixed=times * self.channels.floats, role=role)

    def _trained(self) -> dict[str, Buffer]:
        """Write the statistics of the batch."""
        lowering, name = self.lowering, self.node.name
        parts = self._channel("moments", times=2 * SLICES)
        lowering.call(
            ChannelMoments(*self.sizes, SLICES), name, "forward", "moments", x=self.x.buffer, parts=parts
        )
        numbers = {key: self._channel(key) for key in ("scale", "offset", "mean", "inverse")}
        kernel = NormStatistics(*self.sizes, SLICES, self.layer.eps, self.layer.momentum, self.layer.affine)
        operands = {**self.statistics, **self.parameters, **numbers}
        lowering.call(kernel, name, "forward", "statistics", parts=parts, **operands)
        return numbers

    def _folded(self) -> dict[str, Buffer]:
        """Write scale and offset from the running statistics, once."""
        lowering = self.lowering
        numbers = {key: self._channel(key, Role.PREPARED) for key in ("scale", "offset")}
        kernel = FoldStatistics(*self.sizes, self.layer.eps, self.layer.affine)
        with lowering.section(Section.PREPARE):
            operands = {**self.statistics, **self.parameters, **numbers}
            lowering.call(kernel, self.node.name, "forward", "running statistics, once", **operands)
        return numbers

    def _apply(self) -> None:
        operands: dict[str, Operand] = {"x": self.x.buffer, "y": self.value.buffer}
        if self.residual is not None:
            operands["residual"] = self.residual.buffer
        operands |= {key: self.numbers[key] for key in ("scale", "offset")}
        fused = tuple(name for name, there in (("sum", self.residual), ("ReLU", self.relu)) if there)
        kernel = Normalize(*self.sizes, self.relu, self.residual is not None)
        self.lowering.call(kernel, self.node.name, "forward", "scale and shift", fused, **operands)

    def _backward(self) -> None:
        lowering, layer, node, name = self.lowering, self.layer, self.node, self.node.name
        arrived = lowering.contributions(self.value)
        if not arrived:
            return
        added = self.residual is not None
        store = added and (self.relu or len(arrived) > 1)
        above: dict[str, Operand] = {f"dy{place}": one.buffer for place, one in enumerate(arrived)}
        images: dict[str, Operand] = {"x": self.x.buffer, "y": self.value.buffer, **self.numbers}
        parts = self._channel("gradient sums", times=2 * SLICES)
        g = lowering.buffer(f"gradient before {name}'s sum", per_image=self.x.layout.floats) if store else None
        sums = NormGradientSums(*self.sizes, self.relu, added, len(arrived), slices=SLICES, store=store)
        given = {**above, **images, "parts": parts} | ({"g": g} if g is not None else {})
        lowering.call(sums, name, "backward", "sums", **_only(given, sums.pointers))
        coefficients = self._channel("coefficients", times=2)
        finish = NormGradientFinish(*self.sizes, SLICES, layer.affine)
        own: dict[str, Operand] = {"parts": parts, **self.numbers, "coefficients": coefficients}
        if layer.affine:
            with (
                lowering.parameter_gradient(node, "weight") as weight,
                lowering.parameter_gradient(node, "bias") as bias,
            ):
                own |= {"dweight": weight, "dbias": bias}
                lowering.call(finish, name, "weight gradient", "with the bias", **_only(own, finish.pointers))
        else:
            lowering.call(finish, name, "backward", "sums", **_only(own, finish.pointers))
        if self.residual is not None and self.residual.differentiable:
            self._to_residual(g, arrived)
        if self.x.differentiable:
            self._to_input(g, above, images, coefficients)

    def _to_residual(self, g: Buffer | None, arrived: list[Gradient]) -> None:
        assert self.residual is not None
        self.lowering.contribute(self.residual, Gradient(arrived[0].buffer if g is None else g))

    def _to_input(
        self, g: Buffer | None, above: dict[str, Operand], images: dict[str, Operand], coefficients: Buffer
    ) -> None:
        lowering = self.lowering
        into = lowering.buffer(f"gradient of {self.x.key}", per_image=self.x.layout.floats)
        added = self.residual is not None
        if g is None:
            kernel = NormGradient(*self.sizes, self.relu, added, len(above))
        else:
            kernel, above = NormGradient(*self.sizes), {"dy0": g}
        given = {**above, **images, "coefficients": coefficients, "dx": into}
        lowering.call(kernel, self.node.name, "input gradient", **_only(given, kernel.pointers))
        lowering.contribute(self.x, Gradient(into))


def _only(operands: dict[str, Operand], names: tuple[str, ...]) -> dict[str, Operand]:
    """Return the operands that a kernel asks for."""
    return {name: operands[name] for name in names}
