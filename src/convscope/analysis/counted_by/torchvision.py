"""torchvision's count, as published with its weights: matrix products of the operators that run.

Source:   torchvision, `test/common_extended_utils.py` (its `get_ops` makes the `_ops` of the weights' metadata)
"""

from __future__ import annotations

from ...layers.activation import Activation, Softmax
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
def flops(layer: Layer, node: Node) -> Counted:
    """Return torchvision's flops of a layer, for a batch of one image."""
    return UNDETERMINED


@flops.register
def _(layer: Activation | Softmax | Embedding | Upsample | Add | Multiply | Arithmetic, node: Node) -> Counted:
    return NOTHING


@flops.register
def _(layer: Pool | AdaptivePool | GlobalPool | SpatialPyramidPool, node: Node) -> Counted:
    return NOTHING


@flops.register
def _(layer: BatchNorm | GroupNorm | InstanceNorm | LayerNorm | LocalResponseNorm | Scale, node: Node) -> Counted:
    return NOTHING


@flops.register
def _(layer: Conv | ConvTranspose | Linear | MatMul | MultiheadAttention, node: Node) -> Counted:
    return Counted(node.facts.operations.macs)


@flops.register
def _(layer: LSTM, node: Node) -> Counted:
    return Counted(
        None, Message("counted only where PyTorch runs it as matrix products, which depends on the machine")
    )


def _notes(network: Network) -> tuple[str, ...]:
    return pytorch_notes(
        network,
        Message(
            "A flop here is one multiply-add; biases and everything but convolutions and matrix products are "
            "left out. The metadata give billions, rounded to three decimals."
        ),
        Message("Attention is counted as matrix products; a fused attention kernel would not be seen."),
    )


TORCHVISION = Tool("torchvision", "0.29.2", "flops", flops, pytorch_params, _notes)
