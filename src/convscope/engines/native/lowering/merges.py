"""Layers that join several values."""

from __future__ import annotations

from ....layers import Add, Concat, Multiply, ReLU
from ....network import Node
from ..kernels.merge.concatenation import Concatenate, Split
from ..kernels.merge.merges import Multiply as MultiplyKernel
from ..kernels.merge.merges import MultiplyGradient, Scale, ScaleGradient, Sum
from ..layout import Blocked
from ..plan import Operand, Value
from .channel_sums import through_relu
from .lowering import Gradient, Lowering, NotLowered
from .rules import lower


@lower.register
def _(layer: Add, node: Node, lowering: Lowering) -> None:
    sources = _alike(node, lowering)
    relu = lowering.follower(node, ReLU)
    last = lowering.absorb(relu) if relu is not None else node
    y = lowering.new(last, sources[0].layout, sources, relu is not None)
    terms: dict[str, Operand] = {f"x{place}": source.buffer for place, source in enumerate(sources)}
    kernel = Sum(len(sources), relu is not None)
    fused = ("ReLU",) if relu else ()
    lowering.call(kernel, node.name, "forward", "", fused, **terms, y=y.buffer, floats=y.floats)

    def back() -> None:
        gradient = through_relu(y, lowering, node.name)
        for source in sources if gradient is not None else ():
            assert gradient is not None
            if source.differentiable:
                lowering.contribute(source, Gradient(gradient.buffer))

    lowering.on_backward(back)


@lower.register
def _(layer: Multiply, node: Node, lowering: Lowering) -> None:
    shapes = node.input_shapes
    if len(shapes) != 2:
        raise NotLowered(f"a product of {len(shapes)}")
    if shapes[0] == shapes[1]:
        _product(node, lowering)
        return
    gate = (node.output_shape[0], 1, 1)  # a factor for each channel; one for all would need another kernel
    gates = [place for place, shape in enumerate(shapes) if shape == gate]
    if len(gates) != 1 or shapes[1 - gates[0]] != node.output_shape:
        raise NotLowered("a product of such shapes")
    _scale(
        node, lowering, *(lowering.blocked(lowering.input_of(node, place)) for place in (1 - gates[0], gates[0]))
    )


def _product(node: Node, lowering: Lowering) -> None:
    one, two = _alike(node, lowering)
    y = lowering.new(node, one.layout, (one, two))
    operands = {"x0": one.buffer, "x1": two.buffer}
    lowering.call(MultiplyKernel(), node.name, "forward", y=y.buffer, floats=y.floats, **operands)

    def back() -> None:
        gradient = lowering.gradient(y)
        if gradient is None:
            return
        into = [lowering.buffer(f"gradient of {source.key}", per_image=y.layout.floats) for source in (one, two)]
        given = {**operands, "dy": gradient.buffer, "dx0": into[0], "dx1": into[1]}
        lowering.call(MultiplyGradient(), node.name, "input gradient", floats=y.floats, **given)
        for source, buffer in zip((one, two), into, strict=True):
            if source.differentiable:
                lowering.contribute(source, Gradient(buffer))

    lowering.on_backward(back)


def _scale(node: Node, lowering: Lowering, image: Value, gate: Value) -> None:
    layout = image.layout
    assert isinstance(layout, Blocked)
    sizes = (layout.channels, layout.height, layout.width, layout.lanes)
    y = lowering.new(node, layout, (image, gate))
    operands = {"x": image.buffer, "gate": gate.buffer}
    lowering.call(Scale(*sizes), node.name, "forward", "one factor a channel", y=y.buffer, **operands)

    def back() -> None:
        gradient = lowering.gradient(y)
        if gradient is None:
            return
        dx = lowering.buffer(f"gradient of {image.key}", per_image=layout.floats)
        dgate = lowering.buffer(f"gradient of {gate.key}", per_image=gate.layout.floats)
        given = {**operands, "dy": gradient.buffer, "dx": dx, "dgate": dgate}
        lowering.call(ScaleGradient(*sizes), node.name, "input gradient", **given)
        for source, buffer in ((image, dx), (gate, dgate)):
            if source.differentiable:
                lowering.contribute(source, Gradient(buffer))

    lowering.on_backward(back)


@lower.register
def _(layer: Concat, node: Node, lowering: Lowering) -> None:
    if layer.axis != 0:
        raise NotLowered("joined along rows or columns")
    sources = tuple(lowering.blocked(lowering.values[name]) for name in node.inputs)
    layout = lowering.canonical(node.output_shape)
    sizes = (tuple(shape[0] for shape in node.input_shapes), layout.height, layout.width, layout.lanes)
    y = lowering.new(node, layout, sources)
    parts: dict[str, Operand] = {f"x{place}": source.buffer for place, source in enumerate(sources)}
    lowering.call(Concatenate(*sizes), node.name, "forward", **parts, y=y.buffer)

    def back() -> None:
        gradient = lowering.gradient(y)
        if gradient is None:
            return
        into = [lowering.buffer(f"gradient of {source.key}", per_image=source.layout.floats) for source in sources]
        given: dict[str, Operand] = {f"dx{place}": buffer for place, buffer in enumerate(into)}
        lowering.call(Split(*sizes), node.name, "input gradient", dy=gradient.buffer, **given)
        for source, buffer in zip(sources, into, strict=True):
            if source.differentiable:
                lowering.contribute(source, Gradient(buffer))

    lowering.on_backward(back)


def _alike(node: Node, lowering: Lowering) -> tuple[Value, ...]:
    """Return the inputs in one layout, for kernels that walk through memory.

    Errors:   NotLowered for shapes that differ
    """
    if len(set(node.input_shapes)) > 1:
        raise NotLowered("shapes that differ")
    values = tuple(lowering.elementwise(lowering.values[name]) for name in node.inputs)
    if len({value.layout for value in values}) == 1:
        return values
    return tuple(lowering.blocked(value) for value in values)
