"""torchinfo's count: parameters times output positions, module by module.

Source:   torchinfo 1.8.0, `layer_info.py` (calculate_macs) and `model_statistics.py`
"""

from __future__ import annotations

from math import prod

from ...layers.activation import Activation, LogSoftmax, Softmax
from ...layers.base import Layer
from ...layers.convolution import Conv, ConvTranspose
from ...layers.dense import Embedding, Linear, Scale
from ...layers.merge import Add, MatMul, MultiheadAttention, Multiply
from ...layers.normalization import BatchNorm, GroupNorm, InstanceNorm, LayerNorm, LocalResponseNorm
from ...layers.pooling import AdaptivePool, GlobalPool, Pool, SpatialPyramidPool
from ...layers.recurrent import LSTM
from ...layers.resize import Upsample
from ...network import Network, Node
from ...text.language import Message
from .tool import (
    NOTHING,
    UNDETERMINED,
    Arithmetic,
    Counted,
    Tool,
    pytorch_notes,
    pytorch_params,
    with_default_rules,
)


@with_default_rules
def mult_adds(layer: Layer, node: Node) -> Counted:
    """Return torchinfo's mult-adds of a layer, for a batch of one image."""
    return UNDETERMINED


@mult_adds.register
def _(layer: Pool | AdaptivePool | GlobalPool | SpatialPyramidPool, node: Node) -> Counted:
    return NOTHING


@mult_adds.register
def _(
    layer: Softmax | LogSoftmax | LocalResponseNorm | Upsample | Add | Multiply | Scale | Arithmetic, node: Node
) -> Counted:
    return NOTHING


@mult_adds.register
def _(layer: Conv, node: Node) -> Counted:
    return Counted(_params_times_positions(node), Message("adds 1 per output for the bias"))


@mult_adds.register
def _(layer: ConvTranspose, node: Node) -> Counted:
    return Counted(
        _params_times_positions(node),
        Message(
            "counts every weight (and bias) once per output position; products are made once per input position"
        ),
    )


def _params_times_positions(node: Node) -> int:
    return node.facts.params * prod(node.output_shape[1:])


@mult_adds.register
def _(layer: Linear, node: Node) -> Counted:
    vectors = prod(node.output_shape[:-1])
    if vectors > 1:
        return Counted(
            node.facts.params,
            Message("counts every weight and bias once, not for each of {vectors} vectors", vectors=vectors),
        )
    return Counted(node.facts.params, Message("adds 1 per output for the bias"))


@mult_adds.register
def _(layer: LSTM, node: Node) -> Counted:
    return Counted(pytorch_params(node) * node.output_shape[0], Message("adds the biases at every step"))


@mult_adds.register
def _(layer: Activation | BatchNorm | GroupNorm | InstanceNorm | LayerNorm | Embedding, node: Node) -> Counted:
    return Counted(
        node.facts.params, Message("counts every parameter once; none is part of a product of matrices")
    )


@mult_adds.register
def _(layer: MultiheadAttention, node: Node) -> Counted:
    return Counted(0, Message("counts modules without children only, and attention's one child is never called"))


@mult_adds.register
def _(layer: MatMul, node: Node) -> Counted:
    return Counted(0, Message("not a module, so not seen"))


def _notes(network: Network) -> tuple[str, ...]:
    return pytorch_notes(
        network,
        Message(
            "Mult-adds are parameters times output positions, so bias, normalization and embedding count, and "
            "operators without parameters (pooling, activations, functions) are 0."
        ),
        Message("A module whose class name contains Conv is counted like a convolution, whatever it is."),
        Message("The number grows with the batch; this one is for one image."),
    )


TORCHINFO = Tool("torchinfo", "1.8.0", "mult-adds", mult_adds, pytorch_params, _notes)
