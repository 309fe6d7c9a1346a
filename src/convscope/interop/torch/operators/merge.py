"""Concatenation and stacking."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ....layers.merge import Concat
from ....layers.rearrange import Reshape
from ..registry import converts

if TYPE_CHECKING:
    from torch import Tensor

    from ..call import Call


@converts("cat", "concat", "concatenate")
def concatenate(call: Call, tensors: Sequence[Tensor], dim: int = 0) -> str:
    """Convert concatenation; empty tensors are left out."""
    image_axis = call.batch.image_axis(call.shape, dim)
    full = [one for one in tensors if one.numel()]
    nodes = [call.node(one) for one in full]
    return nodes[0] if len(nodes) == 1 else call.add_result(Concat(image_axis), *nodes)


@converts("stack")
def stack(call: Call, tensors: Sequence[Tensor], dim: int = 0) -> str:
    """Convert stacking along a new axis."""
    image_axis = call.batch.image_axis(call.shape, dim)
    lifted = []
    for one in tensors:
        image_shape = call.batch.image_shape(one.shape)
        lifted.append(call.add(Reshape((*image_shape[:image_axis], 1, *image_shape[image_axis:])), call.node(one)))
    return lifted[0] if len(lifted) == 1 else call.add_result(Concat(image_axis), *lifted)
