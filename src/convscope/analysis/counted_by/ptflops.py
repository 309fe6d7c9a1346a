"""ptflops' count: a rule per module class, and a second one for the functions inside the modules.

Its default backend hooks modules and at the same time replaces functions of torch.nn.functional and torch by
counting ones. Many modules call such a function in their forward pass and are so counted twice.

Source:   ptflops 0.7.5, `pytorch_ops.py` and `pytorch_engine.py`, backend "pytorch"
"""

from __future__ import annotations

from math import prod

from ...layers.activation import ELU, GELU, Activation, LeakyReLU, LogSoftmax, PReLU, ReLU, ReLU6, SiLU, Softmax
from ...layers.base import Layer
from ...layers.convolution import Conv, ConvTranspose
from ...layers.dense import Embedding, Linear, Scale
from ...layers.merge import Add, MatMul, MultiheadAttention, Multiply
from ...layers.normalization import BatchNorm, GroupNorm, InstanceNorm, LayerNorm, LocalResponseNorm
from ...layers.pooling import (
    AdaptivePool,
    AvgPool,
    GlobalPool,
    LPPool,
    MaxPool,
    SpatialPyramidPool,
    StochasticPool,
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
    not_in_pytorch,
    pytorch_notes,
    pytorch_params,
    with_default_rules,
)

_TWICE = Message("counts 1 per input element, in the module and again in the function it calls")


@with_default_rules
def macs(layer: Layer, node: Node) -> Counted:
    """Return ptflops' MACs of a layer, for one image."""
    return UNDETERMINED


@macs.register
def _(layer: Activation | LogSoftmax | Embedding | Add | Multiply | Scale, node: Node) -> Counted:
    return NOTHING


macs.register(StochasticPool, not_in_pytorch)


@macs.register
def _(layer: Conv | ConvTranspose | Linear, node: Node) -> Counted:
    return Counted(node.facts.operations.macs + bias_additions(node), Message("adds 1 per output for the bias"))


@macs.register
def _(layer: BatchNorm | InstanceNorm | GroupNorm, node: Node) -> Counted:
    per_element = 2 if layer.affine else 1
    return Counted(
        per_element * entering(node),
        Message("counts {per_element} per element for normalizing", per_element=per_element),
    )


@macs.register
def _(layer: LayerNorm, node: Node) -> Counted:
    # It looks for `affine`, which LayerNorm calls `elementwise_affine`: scale and shift go unseen.
    return Counted(
        entering(node), Message("counts 1 per element for normalizing, with scale and shift or without")
    )


@macs.register
def _(layer: ReLU | PReLU | ELU | GELU, node: Node) -> Counted:
    return Counted(2 * entering(node), _TWICE)


@macs.register
def _(layer: LeakyReLU | ReLU6 | SiLU | Softmax, node: Node) -> Counted:
    return Counted(entering(node), Message("counts 1 per element"))


@macs.register
def _(layer: MaxPool | AvgPool | AdaptivePool | GlobalPool, node: Node) -> Counted:
    return Counted(2 * entering(node), _TWICE)


@macs.register
def _(layer: SpatialPyramidPool, node: Node) -> Counted:
    return Counted(
        2 * len(layer.levels) * entering(node),
        Message("each level counts 1 per input element, in the module and again in the function it calls"),
    )


@macs.register
def _(layer: LPPool, node: Node) -> Counted:
    return Counted(
        entering(node) + 2 * leaving(node), Message("counts an average pooling, a ReLU and a product inside it")
    )


@macs.register
def _(layer: LocalResponseNorm, node: Node) -> Counted:
    (shape,) = node.input_shapes
    padded = (shape[0] + layer.size - 1) * prod(shape[1:])
    return Counted(
        3 * entering(node) + padded, Message("counts an average pooling, two products and a sum inside it")
    )


@macs.register
def _(layer: Upsample, node: Node) -> Counted:
    return Counted(
        2 * leaving(node), Message("counts 1 per output element, in the module and again in the function it calls")
    )


@macs.register
def _(layer: LSTM, node: Node) -> Counted:
    h = layer.hidden_size
    total = 0
    for level in range(layer.num_layers):
        features = node.input_shapes[0][1] if level == 0 else layer.directions * layer.width
        total += 4 * h * (features + layer.width) + 10 * h
        total += 0 if layer.biases == "none" else 8 * h
    reason = Message("adds biases and the cell's element-wise arithmetic")
    if layer.proj_size:
        reason = Message("adds biases and the cell's element-wise arithmetic, and leaves the projection out")
    return Counted(total * layer.directions * node.output_shape[0], reason)


@macs.register
def _(layer: MultiheadAttention, node: Node) -> Counted:
    queries, keys, values = (node.input_shapes * 3)[:3] if len(node.input_shapes) == 1 else node.input_shapes
    width = queries[1]
    lengths = queries[0] + keys[0] + values[0]
    heads = 2 * queries[0] * keys[0] * width + layer.num_heads * queries[0] * keys[0]
    total = queries[0] * width + lengths * width * width + (lengths * width if layer.bias else 0)
    total += 2 * heads + queries[0] * width * (width + 1)
    return Counted(total, Message("adds scaling and biases, and counts scores, softmax and weighted sums twice"))


@macs.register
def _(layer: MatMul, node: Node) -> Counted:
    return Counted(0, Message("written as @, which it does not see; torch.matmul would be counted in full"))


def _notes(network: Network) -> tuple[str, ...]:
    return pytorch_notes(
        network,
        Message(
            "Modules are hooked and functions of torch.nn.functional replaced at the same time, so that ReLU, "
            "pooling, resizing and attention modules count twice; the operators +, * and @ count 0, while "
            "torch.add, torch.mul and torch.matmul count."
        ),
        Message("What a function adds is part of the total, not of its module's printed line."),
        Message(
            'Its other backend, "aten", counts convolutions and matrix products with their biases and nothing '
            "else."
        ),
    )


PTFLOPS = Tool("ptflops", "0.7.5", "MACs", macs, pytorch_params, _notes)
