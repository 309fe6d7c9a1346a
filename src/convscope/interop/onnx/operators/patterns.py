"""Functions that files write as several nodes, because their operator set had no single one."""

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
    """Return the node that alone takes a value, if it is of this operator and sets these attributes at most."""
    user = call.context.sole_user(output)
    if user is None or user.op_type != operator or user.domain:
        return None
    return user if all(item.name in settings for item in user.attribute) else None


def other_input(node: NodeProto, value: str) -> str:
    """Return a node's other input."""
    names = [name for name in node.input if name != value]
    return names[0] if len(names) == 1 else ""


def number(call: Call, name: str) -> float | None:
    """Return a constant of one number by its name, as far as it is known by now."""
    value = call.context.values.get(name)
    return value.number if isinstance(value, Constant) else None


def times_input(call: Call, layer: Layer) -> Flow | None:
    """Read f(x) · x as one layer."""
    product = sole_consumer(call, call.node.output[0], "Mul")
    if product is None or other_input(product, call.node.output[0]) != call.node.input[0]:
        return None
    output = call.emit(layer, call.flow())
    call.absorb([product], output)
    return output


def mish(call: Call) -> Flow | None:
    """Read x · tanh(softplus(x)) as one layer."""
    tanh = sole_consumer(call, call.node.output[0], "Tanh")
    product = sole_consumer(call, tanh.output[0], "Mul") if tanh is not None else None
    if tanh is None or product is None or other_input(product, tanh.output[0]) != call.node.input[0]:
        return None
    output = call.emit(Mish(), call.flow())
    call.absorb([tanh, product], output)
    return output


def gelu(call: Call) -> Flow | None:
    """Read ½ · x · (1 + erf(x / √2)), its factors in any order, as one layer; the node is the division."""
    factor = number(call, other_input(call.node, call.node.input[0])) if len(call.node.input) == 2 else None
    wanted = sqrt(2) if call.operator == "Div" else 1 / sqrt(2)
    if factor is None or not isclose(factor, wanted, rel_tol=1e-4):
        return None
    erf = sole_consumer(call, call.node.output[0], "Erf")
    plus = sole_consumer(call, erf.output[0], "Add") if erf is not None else None
    if erf is None or plus is None or number(call, other_input(plus, erf.output[0])) != 1:
        return None
    nodes = [erf, plus]
    halved = timesed = False
    while not (halved and timesed):
        product = sole_consumer(call, nodes[-1].output[0], "Mul")
        if product is None:
            return None
        other = other_input(product, nodes[-1].output[0])
        if other == call.node.input[0] and not timesed:
            timesed = True
        elif number(call, other) == 0.5 and not halved:
            halved = True
        else:
            return None
        nodes.append(product)
    output = call.emit(GELU(), call.flow())
    call.absorb(nodes, output)
    return output


def layer_norm(call: Call, axes: tuple[int, ...]) -> Flow | None:
    """Read (x − mean) / √(mean of squares + eps) · weight + bias as one layer; the node is the first mean.

    `axes` are those of the image.
    """
    x, mean = call.node.input[0], call.node.output[0]
    minus = sole_consumer(call, mean, "Sub")
    if minus is None or list(minus.input) != [x, mean]:
        return None
    users = {user.op_type: user for user in call.context.users(minus.output[0])}
    power, over = users.get("Pow"), users.get("Div")
    if len(users) != 2 or power is None or over is None or number(call, power.input[1]) != 2:
        return None
    spread = sole_consumer(call, power.output[0], "ReduceMean", "axes", "keepdims", "noop_with_empty_axes")
    plus = sole_consumer(call, spread.output[0], "Add") if spread is not None else None
    root = sole_consumer(call, plus.output[0], "Sqrt") if plus is not None else None
    if spread is None or plus is None or root is None or list(over.input) != [minus.output[0], root.output[0]]:
        return None
    eps = number(call, other_input(plus, spread.output[0]))
    product = sole_consumer(call, over.output[0], "Mul")
    total = sole_consumer(call, product.output[0], "Add") if product is not None else None
    same = [item.SerializeToString() for item in spread.attribute] == [
        item.SerializeToString() for item in call.node.attribute
    ] and list(spread.input[1:]) == list(call.node.input[1:])
    if eps is None or product is None or total is None or not same:
        return None
    weight = call.context.values.get(other_input(product, over.output[0]))
    bias = call.context.values.get(other_input(total, product.output[0]))
    flow = call.flow()
    sizes = tuple(flow.image[axis] for axis in axes)
    if not isinstance(weight, Constant) or not isinstance(bias, Constant) or {weight.shape, bias.shape} != {sizes}:
        return None
    output = call.emit(LayerNorm(axes, eps), flow, parameters={"weight": weight, "bias": bias})
    call.absorb([minus, power, spread, plus, root, over, product, total], output)
    return output


def channel_shuffle(call: Call, split: tuple[int, ...]) -> Flow | None:
    """Read a split of the channels, a swap of its two axes and the joining again as one layer.

    `split` is the image's shape after the first reshape.
    """
    x = call.flow()
    turn = sole_consumer(call, call.node.output[0], "Transpose", "perm")
    join = sole_consumer(call, turn.output[0], "Reshape", "allowzero") if turn is not None else None
    if turn is None or join is None or x.batch != 0 or len(split) != len(x.image) + 1:
        return None
    order = [list(item.ints) for item in turn.attribute if item.name == "perm"]
    if split[2:] != x.image[1:] or order != [[0, 2, 1, *range(3, len(split) + 1)]]:
        return None
    shape = call.context.values.get(join.input[1]) if len(join.input) == 2 else None
    if not isinstance(shape, Constant) or shape.shape != (len(x.shape),):
        return None
    keeps = not attributes(join).get("allowzero", 0)
    sizes = [x.shape[axis] if size == 0 and keeps else size for axis, size in enumerate(shape.array.tolist())]
    if len(sizes) != len(x.shape) or any(size not in (-1, n) for size, n in zip(sizes, x.shape, strict=True)):
        return None
    output = call.emit(ChannelShuffle(split[0]), x)
    call.absorb([turn, join], output)
    return output


def moved_layer_norm(call: Call, order: list[int], imaged: tuple[int, ...]) -> Flow | None:
    """Read a normalization whose axes are moved to the end for it, and back after it, as one layer."""
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
    held = {"weight": call.context.values.get(norm.input[1]), "bias": call.context.values.get(norm.input[2])}
    sizes = tuple(flow.image[axis] for axis in axes)
    known = {name: one for name, one in held.items() if isinstance(one, Constant) and one.shape == sizes}
    if count > len(imaged) or imaged[-count:] != axes or len(known) < 2:
        return None
    output = call.emit(LayerNorm(axes, settings.get("epsilon", 1e-5)), flow, parameters=known)
    call.absorb([norm, back], output)
    return output
