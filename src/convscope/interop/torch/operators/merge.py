"""Concatenation."""

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
    """Convert tensors one after another along an axis; empty ones are left out."""
    place = call.batch.place(call.shape, dim)
    full = [one for one in tensors if one.numel()]
    nodes = [call.node(one) for one in full]
    return nodes[0] if len(nodes) == 1 else call.last(Concat(place), *nodes)


@converts("stack")
def stack(call: Call, tensors: Sequence[Tensor], dim: int = 0) -> str:
    """Convert tensors along a new axis."""
    place = call.batch.place(call.shape, dim)
    lifted = []
    for one in tensors:
        free = call.batch.free(one.shape)
        lifted.append(call.step(Reshape((*free[:place], 1, *free[place:])), call.node(one)))
    return lifted[0] if len(lifted) == 1 else call.last(Concat(place), *lifted)
