"""TensorFlow's profiler: operators of the frozen graph with registered flops, 2 per multiply-add.

The graph is the one that Keras 3 makes of its layers, frozen, with one image as its input: channels last, so
that the axes here are read in that order.

Source:   TensorFlow 2.21, `python/profiler/internal/flops_registry.py` and RegisterStatistics(…, "flops") in
          `python/ops/nn_ops.py`; Keras 3.15 for the operators of each layer
"""

from __future__ import annotations

from math import prod

from ...layers.activation import (
    ELU,
    GELU,
    SELU,
    Hardsigmoid,
    Hardswish,
    LeakyReLU,
    LogSoftmax,
    Mish,
    PReLU,
    ReLU,
    ReLU6,
    Sigmoid,
    SiLU,
    Softmax,
    Softplus,
    Tanh,
)
from ...layers.base import Layer, size_of
from ...layers.connection import Shape
from ...layers.convolution import Conv, ConvTranspose
from ...layers.dense import Embedding, Linear, Scale
from ...layers.merge import Add, MatMul, MultiheadAttention, Multiply
from ...layers.normalization import BatchNorm, GroupNorm, InstanceNorm, LayerNorm, LocalResponseNorm
from ...layers.pooling import (
    AdaptiveAvgPool,
    AvgPool,
    GlobalAvgPool,
    GlobalMaxPool,
    MaxPool,
    MinPool,
)
from ...layers.recurrent import LSTM
from ...layers.resize import Upsample
from ...network import Network, Node
from ...text.language import Message
from .tool import (
    NOTHING,
    UNDETERMINED,
    Counted,
    Tool,
    bias_additions,
    entering,
    leaving,
    with_default_rules,
)


def _two(node: Node) -> Message:
    if bias_additions(node):
        return Message("2 per multiply-add, and 1 per output for the bias")
    return Message("2 per multiply-add")


@with_default_rules
def float_operations(layer: Layer, node: Node) -> Counted:
    """Return the float operations of a layer, for a batch of one image."""
    return UNDETERMINED


@float_operations.register
def _(layer: LocalResponseNorm | LogSoftmax | GlobalMaxPool, node: Node) -> Counted:
    return NOTHING


@float_operations.register
def _(layer: ReLU | ReLU6 | LeakyReLU | ELU | SELU | Sigmoid | Tanh | Softplus, node: Node) -> Counted:
    return NOTHING


@float_operations.register
def _(layer: Conv, node: Node) -> Counted:
    channels = node.input_shapes[0][0]
    if layer.groups > 1 and (layer.groups != channels or layer.rank == 3):
        return Counted(
            bias_additions(node), Message("Keras compiles a grouped convolution; the profile does not look inside")
        )
    # A dilated convolution runs as one on rearranged blocks, all of the same size.
    sizes = zip(node.output_shape[1:], layer.dilation, strict=True)
    positions = prod(-(-n // d) * d for n, d in sizes)
    products = positions * layer.out_channels * channels // layer.groups * layer.taps
    padded = products != node.facts.operations.macs
    reason = _two(node)
    if padded:
        reason = Message("{reason}; the dilated convolution's blocks are filled up to one size", reason=reason)
    return Counted(2 * products + bias_additions(node), reason)


@float_operations.register
def _(layer: ConvTranspose, node: Node) -> Counted:
    if layer.groups > 1 or max(layer.dilation) > 1:
        return Counted(
            None, Message("Keras has no transposed convolution with groups, and a dilated one is not told")
        )
    if layer.rank == 3:
        return Counted(bias_additions(node), Message("the operator has no flops registered; only the bias counts"))
    weights_per_output = node.input_shapes[0][0] * layer.taps
    products = 2 * leaving(node) * weights_per_output // prod(layer.stride)
    return Counted(
        products + bias_additions(node),
        Message("{reason}; output positions divided by the strides", reason=_two(node)),
    )


@float_operations.register
def _(layer: Linear | MatMul, node: Node) -> Counted:
    return Counted(2 * node.facts.operations.macs + bias_additions(node), _two(node))


@float_operations.register
def _(layer: MultiheadAttention, node: Node) -> Counted:
    queries, keys, width = node.input_shapes[0][0], node.input_shapes[-1][0], node.output_shape[1]
    projections = 2 * (queries + keys) * width
    total = 2 * projections * width + (projections if layer.bias else 0)
    scores = layer.num_heads * queries * keys
    return Counted(
        total + 6 * scores,
        Message(
            "2 per multiply-add of the projections, biases, 6 per score; the products of scores and values are "
            "operators without flops"
        ),
    )


@float_operations.register
def _(layer: LSTM, node: Node) -> Counted:
    return Counted(None, Message("a loop, whose body counts once whatever the number of steps"))


@float_operations.register
def _(layer: BatchNorm, node: Node) -> Counted:
    per_channel = 6 if layer.affine else 5
    total = 2 * entering(node) + per_channel * node.input_shapes[0][0]
    return Counted(total, Message("2 per element and {per_channel} per channel", per_channel=per_channel))


@float_operations.register
def _(layer: GroupNorm, node: Node) -> Counted:
    return _grouped_norm(node, layer.num_groups, layer.affine)


@float_operations.register
def _(layer: InstanceNorm, node: Node) -> Counted:
    return _grouped_norm(node, node.input_shapes[0][0], layer.affine)


def _grouped_norm(node: Node, groups: int, affine: bool) -> Counted:
    rest = 4 * groups + 3 * node.input_shapes[0][0] if affine else 5 * groups
    return Counted(
        6 * entering(node) + rest, Message("6 per element for mean, variance and normalizing, and a rest")
    )


@float_operations.register
def _(layer: LayerNorm, node: Node) -> Counted:
    (shape,) = node.input_shapes
    sets = entering(node) // size_of(tuple(shape[axis] for axis in layer.normalized(shape)))
    per_element, per_set = (9, 4) if layer.affine else (6, 5)
    return Counted(
        per_element * entering(node) + per_set * sets,
        Message(
            "{per_element} per element for mean, variance and normalizing, {per_set} per normalized set",
            per_element=per_element,
            per_set=per_set,
        ),
    )


@float_operations.register
def _(layer: Hardsigmoid | Hardswish | GELU | SiLU | Mish, node: Node) -> Counted:
    per_element = {
        Hardsigmoid: 2,
        Hardswish: 3,
        GELU: 7 if isinstance(layer, GELU) and layer.approximate == "tanh" else 4,
        SiLU: 2,
        Mish: 1,
    }[type(layer)]
    return Counted(per_element * entering(node), Message("{per_element} per element", per_element=per_element))


@float_operations.register
def _(layer: PReLU, node: Node) -> Counted:
    return Counted(3 * entering(node) + node.facts.params, Message("3 per element and 1 per slope"))


@float_operations.register
def _(layer: Softmax, node: Node) -> Counted:
    (shape,) = node.input_shapes
    # Another axis than the channels, which are last here, is moved there by two scalar subtractions.
    moved = 2 if len(shape) > 2 and layer.along(shape) != 0 else 0
    return Counted(5 * entering(node) + moved, Message("5 per element"))


@float_operations.register
def _(layer: MaxPool | AvgPool, node: Node) -> Counted:
    if max(layer.dilation) > 1:
        return Counted(None, Message("Keras has no dilated pooling"))
    if layer.rank == 3:
        return NOTHING
    return Counted(layer.taps * leaving(node), Message("1 per element of every window"))


@float_operations.register
def _(layer: MinPool, node: Node) -> Counted:
    if max(layer.dilation) > 1:
        return Counted(None, Message("Keras has no dilated pooling"))
    windows = layer.taps * leaving(node) if layer.rank != 3 else 0
    return Counted(windows + entering(node) + leaving(node), Message("a max pooling between two changes of sign"))


@float_operations.register
def _(layer: GlobalAvgPool, node: Node) -> Counted:
    return Counted(entering(node), Message("1 per input element"))


@float_operations.register
def _(layer: AdaptiveAvgPool, node: Node) -> Counted:
    if all(size == 1 for size in layer.output_size):
        return Counted(entering(node), Message("1 per input element"))
    return UNDETERMINED


@float_operations.register
def _(layer: Add | Multiply, node: Node) -> Counted:
    total, so_far = 0, node.input_shapes[0]
    for shape in node.input_shapes[1:]:
        so_far = _broadcast(so_far, shape)
        total += size_of(so_far)
    return Counted(total, Message("1 per output element and further input"))


def _broadcast(one: Shape, two: Shape) -> Shape:
    rank = max(len(one), len(two))
    filled = ((1,) * (rank - len(shape)) + shape for shape in (one, two))
    return tuple(max(sizes) for sizes in zip(*filled, strict=True))


@float_operations.register
def _(layer: Scale, node: Node) -> Counted:
    return Counted(entering(node), Message("1 per element"))


@float_operations.register
def _(layer: Embedding, node: Node) -> Counted:
    return Counted(2 * entering(node), Message("2 per index, which is checked for being negative"))


@float_operations.register
def _(layer: Upsample, node: Node) -> Counted:
    if layer.mode == "nearest" and layer.scale_factor is not None:
        return Counted(len(node.output_shape) - 1, Message("1 per axis, to compute its new size"))
    if len(node.output_shape) == 3:
        return NOTHING
    return Counted(None, Message("Keras resizes images only, not lines or solids"))


def _params(node: Node) -> int:
    """Return the trainable variables; an LSTM of Keras has one bias per gate."""
    layer = node.layer
    if isinstance(layer, LSTM) and layer.biases == "two":
        return node.facts.params - 4 * layer.hidden_size * layer.directions * layer.num_layers
    return node.facts.params


def _notes(network: Network) -> tuple[str, ...]:
    notes = [
        Message(
            "Layers are taken for those of Keras 3 with the same settings, padding outside SAME and VALID for "
            "layers of its own, and the graph for frozen, with a batch of one."
        ),
        Message(
            "Operators without flops registered (ReLU and most activations, 3-d pooling, resizing, "
            "transposition) count 0."
        ),
        Message(
            "A frozen graph has no variables: the parameters are those of the profile of trainable variables "
            "before."
        ),
    ]
    layers = [node.layer for node in network.layers]
    if any(isinstance(layer, BatchNorm) for layer in layers):
        notes.append(Message("Keras 2 runs batch normalization of images as one fused operator, which counts 0."))
    if any(isinstance(layer, Conv) and layer.groups > 1 for layer in layers):
        notes.append(Message("A depthwise convolution is taken for DepthwiseConv, which is counted."))
    return tuple(notes)


TENSORFLOW = Tool("tf.profiler", "2.21", "float ops", float_operations, _params, _notes)
