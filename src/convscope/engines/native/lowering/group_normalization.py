"""Normalization of each image by itself: over channels of a position, groups of channels, or single channels."""

from __future__ import annotations

from ....layers import GroupNorm, InstanceNorm, LayerNorm
from ....network import Node
from ..kernels.normalization.batch_norm import Normalize
from ..kernels.normalization.batch_norm_gradient import NormGradient
from ..kernels.normalization.group_norm import GroupGradientSums, GroupStatistics
from ..kernels.normalization.layer_norm import AffineGradient, LayerNormGradient
from ..kernels.normalization.layer_norm import LayerNorm as LayerNormKernel
from ..layout import Blocked, Channels
from ..plan import Amount, Buffer, Operand, Value
from .channel_sums import SLICES
from .lowering import Gradient, Lowering, NotLowered
from .rules import lower


@lower.register
def _(layer: LayerNorm, node: Node, lowering: Lowering) -> None:
    """Over the channels of each position, or over a vector."""
    shape = node.input_shapes[0]
    if layer.normalized(shape) != (0,):
        raise NotLowered("no kernel for layer normalization over other axes than the channels")
    x = lowering.blocked(lowering.input_of(node))
    sizes, affine = _sizes(x), layer.affine
    own = _parameters(node, lowering, sizes[0], affine)
    y = lowering.new(node, x.layout, (x,))
    kernel = LayerNormKernel(*sizes, layer.eps, affine)
    lowering.call(kernel, node.name, "forward", **own, x=x.buffer, y=y.buffer)

    def back() -> None:
        gradient = lowering.gradient(y)
        if gradient is None:
            return
        into = lowering.buffer(f"gradient of {x.key}", per_image=x.layout.floats)
        given: dict[str, Operand] = {"x": x.buffer, "dy": gradient.buffer, "dx": into}
        if affine:
            row = Channels(sizes[0], lowering.lanes).floats
            parts = lowering.buffer(f"parts of {node.name}'s gradients", fixed=2 * SLICES * row)
            given |= {"weight": own["weight"], "parts": parts}
        backward = LayerNormGradient(*sizes, layer.eps, affine, slices=SLICES)
        lowering.call(backward, node.name, "input gradient", **given)
        if node.trained:
            _affine_gradient(node, lowering, sizes, parts, Amount(fixed=SLICES))
        if x.differentiable:
            lowering.contribute(x, Gradient(into))

    lowering.on_backward(back)


@lower.register
def _(layer: GroupNorm, node: Node, lowering: Lowering) -> None:
    _by_groups(node, lowering, layer.num_groups, layer.eps, layer.affine)


@lower.register
def _(layer: InstanceNorm, node: Node, lowering: Lowering) -> None:
    _by_groups(node, lowering, node.input_shapes[0][0], layer.eps, layer.affine)


def _by_groups(node: Node, lowering: Lowering, groups: int, eps: float, affine: bool) -> None:
    x = lowering.blocked(lowering.input_of(node))
    sizes = _sizes(x)
    own = _parameters(node, lowering, sizes[0], affine)
    row = Channels(sizes[0], lowering.lanes).floats
    names = ("scale", "offset", "mean", "inverse")
    numbers = {name: lowering.buffer(f"{node.name} {name}", per_image=row) for name in names}
    statistics = GroupStatistics(*sizes, groups, eps, affine)
    lowering.call(statistics, node.name, "forward", "statistics", x=x.buffer, **own, **numbers)
    y = lowering.new(node, x.layout, (x,))
    normalize = Normalize(*sizes, per_image=True)
    maps = {name: numbers[name] for name in ("scale", "offset")}
    lowering.call(normalize, node.name, "forward", "scale and shift", x=x.buffer, y=y.buffer, **maps)

    def back() -> None:
        gradient = lowering.gradient(y)
        if gradient is None:
            return
        parts = lowering.buffer(f"parts of {node.name}'s gradients", per_image=2 * row)
        coefficients = lowering.buffer(f"{node.name} coefficients", per_image=2 * row)
        seen = {name: numbers[name] for name in ("mean", "inverse")} | {"x": x.buffer}
        weights = {"weight": own["weight"]} if affine else {}
        sums = GroupGradientSums(*sizes, groups, affine)
        made = {"parts": parts, "coefficients": coefficients}
        lowering.call(sums, node.name, "backward", "sums", dy=gradient.buffer, **seen, **weights, **made)
        if node.trained:
            _affine_gradient(node, lowering, sizes, parts, Amount(per_image=1))
        if x.differentiable:
            into = lowering.buffer(f"gradient of {x.key}", per_image=x.layout.floats)
            kernel = NormGradient(*sizes, per_image=True)
            given: dict[str, Operand] = {
                "dy0": gradient.buffer,
                "x": x.buffer,
                "coefficients": coefficients,
                "dx": into,
                **numbers,
            }
            lowering.call(kernel, node.name, "input gradient", **{name: given[name] for name in kernel.pointers})
            lowering.contribute(x, Gradient(into))

    lowering.on_backward(back)


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
        lowering.parameter_gradient(node, "weight") as weight,
        lowering.parameter_gradient(node, "bias") as bias,
    ):
        kernel = AffineGradient(*sizes)
        made = {"dweight": weight, "dbias": bias}
        lowering.call(kernel, node.name, "weight gradient", "with the bias", parts=parts, rows=rows, **made)
