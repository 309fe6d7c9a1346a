"""Patterns: functions that exporters write as several nodes, matched to one layer."""

from __future__ import annotations

from math import isclose, sqrt
from typing import TYPE_CHECKING

from ....layers import GELU, ChannelShuffle, LayerNorm, Mish
from ....layers.base import Layer
from ..call import Call, attributes
from ..values import Constant, Flow

if TYPE_CHECKING:
    from onnx import NodeProto


def sole_consumer(call: Call, output: str, operator: str, *settings: str) -> NodeProto | None:
    """Return the only node that uses a value, if it has this operator and no attributes other than these."""
    user = call.context.sole_user(output)
    if user is None or user.op_type != operator or user.domain:
        return None
    return user if all(item.name in settings for item in user.attribute) else None


def other_input(node: NodeProto, value: str) -> str:
    """Return a node's other input."""
    names = [name for name in node.input if name != value]
    return names[0] if len(names) == 1 else ""


def scalar_named(call: Call, name: str) -> float | None:
    """Return the value of a constant with one element by name; None if it is not known yet."""
    value = call.context.values.get(name)
    return value.scalar if isinstance(value, Constant) else None


def times_input(call: Call, layer: Layer) -> Flow | None:
    """Match f(x) · x."""
    product = sole_consumer(call, call.node.output[0], "Mul")
    if product is None or other_input(product, call.node.output[0]) != call.node.input[0]:
        return None
    output = call.emit(layer, call.flow())
    call.absorb([product], output)
    return output


def mish(call: Call) -> Flow | None:
    """Match x · tanh(softplus(x))."""
    tanh = sole_consumer(call, call.node.output[0], "Tanh")
    product = sole_consumer(call, tanh.output[0], "Mul") if tanh is not None else None
    if tanh is None or product is None or other_input(product, tanh.output[0]) != call.node.input[0]:
        return None
    output = call.emit(Mish(), call.flow())
    call.absorb([tanh, product], output)
    return output


def gelu(call: Call) -> Flow | None:
    """Match ½ · x · (1 + erf(x / √2)), its factors in any order; the node is the division."""
    factor = scalar_named(call, other_input(call.node, call.node.input[0])) if len(call.node.input) == 2 else None
    expected = sqrt(2) if call.operator == "Div" else 1 / sqrt(2)
    if factor is None or not isclose(factor, expected, rel_tol=1e-4):
        return None
    erf = sole_consumer(call, call.node.output[0], "Erf")
    plus = sole_consumer(call, erf.output[0], "Add") if erf is not None else None
    if erf is None or plus is None or scalar_named(call, other_input(plus, erf.output[0])) != 1:
        return None
    nodes = [erf, plus]
    has_half = has_input = False
    while not (has_half and has_input):
        product = sole_consumer(call, nodes[-1].output[0], "Mul")
        if product is None:
            return None
        other = other_input(product, nodes[-1].output[0])
        if other == call.node.input[0] and not has_input:
            has_input = True
        elif scalar_named(call, other) == 0.5 and not has_half:
            has_half = True
        else:
            return None
        nodes.append(product)
    output = call.emit(GELU(), call.flow())
    call.absorb(nodes, output)
    return output


def layer_norm(call: Call, axes: tuple[int, ...]) -> Flow | None:
    """Match (x − mean) / √(mean of squares + eps) · weight + bias; the node is the first mean.

    `axes` do not count the batch.
    """
    x, mean = call.node.input[0], call.node.output[0]
    minus = sole_consumer(call, mean, "Sub")
    if minus is None or list(minus.input) != [x, mean]:
        return None
    users = {user.op_type: user for user in call.context.users(minus.output[0])}
    power, over = users.get("Pow"), users.get("Div")
    if len(users) != 2 or power is None or over is None or scalar_named(call, power.input[1]) != 2:
        return None
    variance = sole_consumer(call, power.output[0], "ReduceMean", "axes", "keepdims", "noop_with_empty_axes")
    plus = sole_consumer(call, variance.output[0], "Add") if variance is not None else None
    root = sole_consumer(call, plus.output[0], "Sqrt") if plus is not None else None
    if variance is None or plus is None or root is None or list(over.input) != [minus.output[0], root.output[0]]:
        return None
    eps = scalar_named(call, other_input(plus, variance.output[0]))
    product = sole_consumer(call, over.output[0], "Mul")
    total = sole_consumer(call, product.output[0], "Add") if product is not None else None
    same_axes = [item.SerializeToString() for item in variance.attribute] == [
        item.SerializeToString() for item in call.node.attribute
    ] and list(variance.input[1:]) == list(call.node.input[1:])
    if eps is None or product is None or total is None or not same_axes:
        return None
    weight = call.context.values.get(other_input(product, over.output[0]))
    bias = call.context.values.get(other_input(total, product.output[0]))
    flow = call.flow()
    sizes = tuple(flow.image[axis] for axis in axes)
    if not isinstance(weight, Constant) or not isinstance(bias, Constant) or {weight.shape, bias.shape} != {sizes}:
        return None
    output = call.emit(LayerNorm(axes, eps), flow, parameters={"weight": weight, "bias": bias})
    call.absorb([minus, power, variance, plus, root, over, product, total], output)
    return output


def channel_shuffle(call: Call, split: tuple[int, ...]) -> Flow | None:
    """Match a Reshape of the channels into groups, a Transpose of groups and channels, and a Reshape back.

    `split` is the shape after the first Reshape, without the batch.
    """
    x = call.flow()
    transpose = sole_consumer(call, call.node.output[0], "Transpose", "perm")
    final = sole_consumer(call, transpose.output[0], "Reshape", "allowzero") if transpose is not None else None
    if transpose is None or final is None or x.batch != 0 or len(split) != len(x.image) + 1:
        return None
    order = [list(item.ints) for item in transpose.attribute if item.name == "perm"]
    if split[2:] != x.image[1:] or order != [[0, 2, 1, *range(3, len(split) + 1)]]:
        return None
    shape = call.context.values.get(final.input[1]) if len(final.input) == 2 else None
    if not isinstance(shape, Constant) or shape.shape != (len(x.shape),):
        return None
    keeps_zero = not attributes(final).get("allowzero", 0)
    sizes = [x.shape[axis] if size == 0 and keeps_zero else size for axis, size in enumerate(shape.array.tolist())]
    if len(sizes) != len(x.shape) or any(size not in (-1, n) for size, n in zip(sizes, x.shape, strict=True)):
        return None
    output = call.emit(ChannelShuffle(split[0]), x)
    call.absorb([transpose, final], output)
    return output


def moved_layer_norm(call: Call, order: list[int], imaged: tuple[int, ...]) -> Flow | None:
    """Match a LayerNormalization between two Transposes that move its axes to the end and back."""
    norm = sole_consumer(call, call.node.output[0], "LayerNormalization", "axis", "epsilon", "stash_type")
    back = sole_consumer(call, norm.output[0], "Transpose", "perm") if norm is not None else None
    if norm is None or back is None or len(norm.input) != 3 or norm.input[0] != call.node.output[0]:
        return None
    perm = next((list(item.ints) for item in back.attribute if item.name == "perm"), [])
    if [order[axis] for axis in perm] != list(range(len(order))):
        return None
    settings = attributes(norm)
    count = len(order) - settings.get("axis", -1) % len(order)
    axes = tuple(sorted(imaged[-count:]))
    flow = call.flow()
    parameters = {"weight": call.context.values.get(norm.input[1]), "bias": call.context.values.get(norm.input[2])}
    sizes = tuple(flow.image[axis] for axis in axes)
    known = {name: one for name, one in parameters.items() if isinstance(one, Constant) and one.shape == sizes}
    if count > len(imaged) or imaged[-count:] != axes or len(known) < 2:
        return None
    output = call.emit(LayerNorm(axes, settings.get("epsilon", 1e-5)), flow, parameters=known)
    call.absorb([norm, back], output)
    return output
