"""Layers with several inputs."""

from __future__ import annotations

from ....layers import Add, Concat, Multiply, ReLU
from ....network import Node
from ....text.language import Message
from ..kernels.merge.concatenation import Concatenate, Split
from ..kernels.merge.merges import MultiplyGradient, MultiplyKernel, ScaleGradient, ScaleKernel, SumKernel
from ..layout import Blocked
from ..plan import Operand, Value
from .lowering import Gradient, Lowering, NotLowered, lower


@lower.register
def _(layer: Add, node: Node, lowering: Lowering) -> None:
    sources = _in_one_layout(node, lowering)
    relu = lowering.fusible_successor(node, ReLU)
    last = lowering.fuse(relu) if relu is not None else node
    y = lowering.new(last, sources[0].layout, sources, relu is not None)
    terms: dict[str, Operand] = {f"x{index}": source.buffer for index, source in enumerate(sources)}
    kernel = SumKernel(len(sources), relu is not None)
    fused = ("ReLU",) if relu else ()
    lowering.builder.call(kernel, node.name, "forward", "", fused, **terms, y=y.buffer, floats=y.floats)

    @lowering.tape.backward(y, relu_of=node.name)
    def write(gradient: Gradient) -> None:
        for source in sources:
            lowering.tape.contribute(source, Gradient(gradient.buffer))


@lower.register
def _(layer: Multiply, node: Node, lowering: Lowering) -> None:
    shapes = node.input_shapes
    if len(shapes) != 2:
        raise NotLowered(Message("a product of {count} inputs", count=len(shapes)))
    if shapes[0] == shapes[1]:
        _product(node, lowering)
        return
    gate = (node.output_shape[0], 1, 1)  # a factor for each channel; one for all would need another kernel
    gates = [place for place, shape in enumerate(shapes) if shape == gate]
    if len(gates) != 1 or shapes[1 - gates[0]] != node.output_shape:
        raise NotLowered(Message("a product of these shapes"))
    _scale(
        node,
        lowering,
        *(lowering.layouts.blocked(lowering.input_of(node, place)) for place in (1 - gates[0], gates[0])),
    )


def _product(node: Node, lowering: Lowering) -> None:
    one, two = _in_one_layout(node, lowering)
    y = lowering.new(node, one.layout, (one, two))
    operands = {"x0": one.buffer, "x1": two.buffer}
    lowering.builder.call(MultiplyKernel(), node.name, "forward", y=y.buffer, floats=y.floats, **operands)

    @lowering.tape.backward(y)
    def write(gradient: Gradient) -> None:
        into = [lowering.tape.gradient_buffer(source) for source in (one, two)]
        given = {**operands, "dy": gradient.buffer, "dx0": into[0], "dx1": into[1]}
        lowering.builder.call(MultiplyGradient(), node.name, "input gradient", floats=y.floats, **given)
        for source, buffer in zip((one, two), into, strict=True):
            lowering.tape.contribute(source, Gradient(buffer))


def _scale(node: Node, lowering: Lowering, image: Value, gate: Value) -> None:
    layout = image.layout
    assert isinstance(layout, Blocked)
    sizes = (layout.channels, layout.height, layout.width, layout.lanes)
    y = lowering.new(node, layout, (image, gate))
    operands = {"x": image.buffer, "gate": gate.buffer}
    lowering.builder.call(
        ScaleKernel(*sizes), node.name, "forward", Message("one factor per channel"), y=y.buffer, **operands
    )

    @lowering.tape.backward(y)
    def write(gradient: Gradient) -> None:
        dx, dgate = lowering.tape.gradient_buffer(image), lowering.tape.gradient_buffer(gate)
        given = {**operands, "dy": gradient.buffer, "dx": dx, "dgate": dgate}
        lowering.builder.call(ScaleGradient(*sizes), node.name, "input gradient", **given)
        lowering.tape.contribute(image, Gradient(dx))
        lowering.tape.contribute(gate, Gradient(dgate))


@lower.register
def _(layer: Concat, node: Node, lowering: Lowering) -> None:
    if layer.axis != 0:
        raise NotLowered(Message("concatenation along rows or columns"))
    sources = tuple(lowering.layouts.blocked(lowering.values[name]) for name in node.inputs)
    layout = lowering.layouts.canonical(node.output_shape)
    sizes = (tuple(shape[0] for shape in node.input_shapes), layout.height, layout.width, layout.lanes)
    y = lowering.new(node, layout, sources)
    parts: dict[str, Operand] = {f"x{index}": source.buffer for index, source in enumerate(sources)}
    lowering.builder.call(Concatenate(*sizes), node.name, "forward", **parts, y=y.buffer)

    @lowering.tape.backward(y)
    def write(gradient: Gradient) -> None:
        into = [lowering.tape.gradient_buffer(source) for source in sources]
        given: dict[str, Operand] = {f"dx{index}": buffer for index, buffer in enumerate(into)}
        lowering.builder.call(Split(*sizes), node.name, "input gradient", dy=gradient.buffer, **given)
        for source, buffer in zip(sources, into, strict=True):
            lowering.tape.contribute(source, Gradient(buffer))


def _in_one_layout(node: Node, lowering: Lowering) -> tuple[Value, ...]:
    """Return the inputs in one layout, for kernels that ignore shapes.

    Errors:   NotLowered for shapes that differ
    """
    if len(set(node.input_shapes)) > 1:
        raise NotLowered(Message("a sum of different shapes"))
    values = tuple(lowering.layouts.elementwise(lowering.values[name]) for name in node.inputs)
    if len({value.layout for value in values}) == 1:
        return values
    return tuple(lowering.layouts.blocked(value) for value in values)
