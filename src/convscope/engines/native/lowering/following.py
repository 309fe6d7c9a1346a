"""Which layer after another is computed along with it."""

from __future__ import annotations

from ....layers import Activation, ReLU
from ....network import Node
from ..kernels.activation.pointwise import kind_of
from .lowering import Lowering


def activation_after(node: Node, lowering: Lowering) -> Node | None:
    """Return the activation that can leave with a layer's sums.

    In training only a ReLU, whose gradient follows from what it wrote.
    """
    following = lowering.follower(node, ReLU if lowering.mode.training else Activation)
    return None if following is None or kind_of(following.layer) is None else following
