"""fvcore's count: operators of the traced graph, one flop per multiply-add.

Source:   fvcore 0.1.5.post20221221, `nn/flop_count.py`, `nn/jit_handles.py`, `nn/jit_analysis.py`
"""

from __future__ import annotations

from ...layers.activation import Activation, Softmax
from ...layers.base import Layer
from ...layers.convolution import Conv, ConvTranspose
from ...layers.dense import Embedding, Linear, Scale
from ...layers.merge import Add, MatMul, MultiheadAttention, Multiply
from ...layers.normalization import BatchNorm, GroupNorm, InstanceNorm, LayerNorm, LocalResponseNorm
from ...layers.pooling import (
    AdaptiveAvgPool,
    AdaptiveMaxPool,
    GlobalAvgPool,
    GlobalMaxPool,
    Pool,
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
def flops(layer: Layer, node: Node) -> Counted:
    """Return fvcore's flops of a layer, for a batch of one image, in evaluation mode."""
    return UNDETERMINED


@flops.register
def _(layer: Activation | Softmax | LocalResponseNorm | Embedding, node: Node) -> Counted:
    return NOTHING


@flops.register
def _(layer: Pool | AdaptiveMaxPool | GlobalMaxPool | SpatialPyramidPool, node: Node) -> Counted:
    return NOTHING


@flops.register
def _(layer: Add | Multiply | Scale | Arithmetic, node: Node) -> Counted:
    return NOTHING


flops.register(StochasticPool, not_in_pytorch)


@flops.register
def _(layer: Conv | ConvTranspose | Linear | MatMul | MultiheadAttention, node: Node) -> Counted:
    return Counted(node.facts.operations.macs)


@flops.register
def _(layer: BatchNorm, node: Node) -> Counted:
    per_element = 2 if layer.affine else 1
    return Counted(
        per_element * entering(node),
        Message("counts {per_element} per element for normalizing", per_element=per_element),
    )


@flops.register
def _(layer: GroupNorm | InstanceNorm | LayerNorm, node: Node) -> Counted:
    per_element = 5 if layer.affine else 4
    return Counted(
        per_element * entering(node),
        Message("counts {per_element} per element for normalizing", per_element=per_element),
    )


@flops.register
def _(layer: AdaptiveAvgPool | GlobalAvgPool, node: Node) -> Counted:
    return (
        Counted(entering(node), Message("counts 1 per input element of the average"))
        if layer.rank == 2
        else NOTHING
    )


@flops.register
def _(layer: Upsample, node: Node) -> Counted:
    images = len(node.output_shape) == 3
    per_element = {"nearest": 1, "linear": 4}.get(layer.mode, 0) if images else 0
    return Counted(
        per_element * leaving(node),
        Message("counts {per_element} per output element of the resizing", per_element=per_element),
    )


@flops.register
def _(layer: LSTM, node: Node) -> Counted:
    return Counted(0, Message("has no rule for the operator lstm; it is listed as unsupported and counted 0"))


def _notes(network: Network) -> tuple[str, ...]:
    same = any(isinstance(node.layer, Conv) and node.layer.padding == "same" for node in network.layers)
    return pytorch_notes(
        network,
        Message("A flop here is one fused multiply-add; biases are left out."),
        Message(
            "It traces operators, so functions are seen like modules; operators without a rule (element-wise "
            "ones, most pooling and activations) count 0 and are logged as unsupported."
        ),
        Message(
            "The model must be in evaluation mode: in training mode batch normalization counts 5 per element (4 "
            "without scale and shift)."
        ),
        *(
            [
                Message(
                    'A convolution written with padding="same" is another operator, which has no rule: it would '
                    "count 0. Padding is assumed to be explicit."
                )
            ]
            if same
            else []
        ),
    )


FVCORE = Tool("fvcore", "0.1.5.post20221221", "flops", flops, pytorch_params, _notes)
