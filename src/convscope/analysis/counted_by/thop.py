"""thop's count: a rule per module class, 0 for classes without one.

Source:   thop 0.1.1.post2209072238, `profile.py`, `vision/basic_hooks.py`, `vision/calc_func.py`, `rnn_hooks.py`
"""

from __future__ import annotations

from math import prod

from ...layers.activation import Activation, LogSoftmax, PReLU, Softmax
from ...layers.base import Layer
from ...layers.convolution import Conv, ConvTranspose
from ...layers.dense import Embedding, Linear, Scale
from ...layers.merge import Add, MatMul, MultiheadAttention, Multiply
from ...layers.normalization import BatchNorm, GroupNorm, InstanceNorm, LayerNorm, LocalResponseNorm
from ...layers.pooling import (
    AdaptiveAvgPool,
    AdaptiveMaxPool,
    AvgPool,
    GlobalAvgPool,
    GlobalMaxPool,
    LPPool,
    MaxPool,
    SpatialPyramidPool,
    StochasticPool,
)
from ...layers.recurrent import LSTM
from ...layers.resize import Upsample
from ...network import Network, Node
from ...text.language import Message
from ...text.lists import listed
from .tool import (
    NOTHING,
    UNDETERMINED,
    Arithmetic,
    Counted,
    Tool,
    entering,
    leaving,
    not_in_pytorch,
    pytorch_notes,
    pytorch_params,
    with_default_rules,
)


@with_default_rules
def macs(layer: Layer, node: Node) -> Counted:
    """Return thop's MACs of a layer, for a batch of one image."""
    return UNDETERMINED


@macs.register
def _(layer: Activation | LogSoftmax | LocalResponseNorm | Embedding, node: Node) -> Counted:
    return NOTHING


@macs.register
def _(layer: MaxPool | LPPool | AdaptiveMaxPool | GlobalMaxPool | SpatialPyramidPool, node: Node) -> Counted:
    return NOTHING


@macs.register
def _(layer: Add | Multiply | Scale | Arithmetic | GroupNorm, node: Node) -> Counted:
    return NOTHING


macs.register(StochasticPool, not_in_pytorch)


@macs.register
def _(layer: Conv | Linear, node: Node) -> Counted:
    return Counted(node.facts.operations.macs)


@macs.register
def _(layer: ConvTranspose, node: Node) -> Counted:
    per_output = node.input_shapes[0][0] // layer.groups * layer.taps
    return Counted(
        leaving(node) * per_output,
        Message("counts every weight once per output position; products are made once per input position"),
    )


@macs.register
def _(layer: BatchNorm | InstanceNorm | LayerNorm, node: Node) -> Counted:
    per_element = 4 if layer.affine else 2
    return Counted(
        per_element * entering(node),
        Message("counts {per_element} per element for normalizing", per_element=per_element),
    )


@macs.register
def _(layer: PReLU, node: Node) -> Counted:
    return Counted(entering(node), Message("counts 1 per element"))


@macs.register
def _(layer: Softmax, node: Node) -> Counted:
    (shape,) = node.input_shapes
    sets = entering(node) // shape[layer.along(shape)]
    return Counted(3 * entering(node) - sets, Message("counts exponentials, additions and divisions"))


@macs.register
def _(layer: AvgPool, node: Node) -> Counted:
    return Counted(leaving(node), Message("counts 1 per output of the average"))


@macs.register
def _(layer: AdaptiveAvgPool | GlobalAvgPool, node: Node) -> Counted:
    # The ratio is a float of 64 bits that is cropped after the product, so that 84 can come out as 83.
    ratio = prod(n / size for n, size in zip(node.input_shapes[0][1:], node.output_shape[1:], strict=True))
    return Counted(int((ratio + 1) * leaving(node)), Message("counts the additions and divisions of the average"))


@macs.register
def _(layer: Upsample, node: Node) -> Counted:
    linear = {2: 5, 3: 11}.get(len(node.output_shape), 0)  # trilinear has no rule
    per_element = {"nearest": 1, "linear": linear, "cubic": 259}[layer.mode]
    return Counted(
        per_element * leaving(node),
        Message("counts {per_element} per output element of the resizing", per_element=per_element),
    )


@macs.register
def _(layer: LSTM, node: Node) -> Counted:
    h, biases = layer.hidden_size, 0 if layer.biases == "none" else 2
    total = 0
    for level in range(layer.num_layers):
        features = node.input_shapes[0][1] if level == 0 else layer.directions * h
        gates = 4 * ((features + h) * h + (1 + biases) * h)
        total += layer.directions * (gates + 4 * h)
    reason = Message("adds biases and the cell's element-wise arithmetic")
    if layer.proj_size:
        reason = Message(
            "adds biases and the cell's element-wise arithmetic, and takes the state for as wide as without the "
            "projection"
        )
    return Counted(total * node.output_shape[0], reason)


@macs.register
def _(layer: MultiheadAttention, node: Node) -> Counted:
    return Counted(0, Message("has no rule for attention, whose parts are not modules"))


@macs.register
def _(layer: MatMul, node: Node) -> Counted:
    return Counted(0, Message("not a module, so not seen"))


def _params(node: Node) -> int:
    """Return the parameters of modules that have a rule; the others' are left out as their MACs are."""
    unruled = GroupNorm | Embedding | MultiheadAttention | Scale
    return 0 if isinstance(node.layer, unruled) else pytorch_params(node)


def _notes(network: Network) -> tuple[str, ...]:
    left_out = [node.name for node in network.layers if _params(node) != pytorch_params(node)]
    return pytorch_notes(
        network,
        Message(
            "Biases of convolutions and dense layers are left out; normalization, average pooling, softmax, "
            "PReLU and resizing are added to the MACs."
        ),
        Message("It hooks modules, so functions count 0, as do modules without a rule."),
        *(
            [Message("The parameters of {layers} are left out: no rule, no parameters.", layers=listed(left_out))]
            if left_out
            else []
        ),
    )


THOP = Tool("thop", "0.1.1.post2209072238", "MACs", macs, _params, _notes)
