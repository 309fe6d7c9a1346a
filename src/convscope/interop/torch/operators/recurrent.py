"""LSTM."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ....layers.merge import Concat
from ....layers.rearrange import Slice
from ....layers.recurrent import LSTM
from ...errors import RandomAtInference, UnsupportedOperator
from ..call import converts
from .convolution import refuse_computed_weights

if TYPE_CHECKING:
    from torch import Tensor

    from ..call import Call


@converts("torch.lstm")
def lstm(
    call: Call,
    input: Tensor,
    hx: Sequence[Tensor],
    weights: Sequence[Tensor],
    has_biases: bool,
    num_layers: int,
    dropout: float,
    train: bool,
    bidirectional: bool,
    batch_first: bool,
) -> list[str | None]:
    """Convert an LSTM with zero initial state. With one layer, its last state is a slice of its output.

    Sequences folded into the batch are processed one by one, and their last states are unsupported.
    """
    refuse_computed_weights(call, *weights)
    if train and dropout > 0 and num_layers > 1:
        raise RandomAtInference("random dropout between layers")
    if (
        any(call.recorder.depends_on_input(one) or one.is_meta or bool(one.any()) for one in hx)
        or input.dim() != 3
    ):
        raise UnsupportedOperator("an initial state")
    projected = hx[0].shape[-1] if hx[0].shape[-1] != hx[1].shape[-1] else 0
    layer = LSTM(
        hx[1].shape[-1],
        proj_size=projected,
        num_layers=num_layers,
        bidirectional=bidirectional,
        biases="two" if has_biases else "none",
    )
    kinds = ["weight_ih", "weight_hh", *(["bias_ih", "bias_hh"] if has_biases else [])]
    kinds += ["weight_hr"] if projected else []
    ends = [f"_l{level}{way}" for level in range(num_layers) for way in ("", "_reverse")[: 1 + bidirectional]]
    names = [f"{kind}{end}" for end in ends for kind in kinds]
    parameters = dict(zip(names, weights, strict=True))
    if call.batch.fold_factor(input.shape) > 1:
        return [call.map_images(input, lambda x: call.add_result(layer, x, parameters=parameters)), None, None]
    output = call.add_result(layer, call.node(input), parameters=parameters)
    if num_layers > 1:
        return [output, None, None]
    length, width = call.shape_of(output)
    state = call.add(Slice(0, length - 1), output)
    if bidirectional:
        half = width // 2
        forward = call.add(Slice(1, 0, half), state)
        backward = call.add(Slice(1, half), call.add(Slice(0, 0, 1), output))
        state = call.add(Concat(0), forward, backward)
    return [output, state, None]
