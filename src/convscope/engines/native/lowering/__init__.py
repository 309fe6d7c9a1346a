"""From a network to plans, layer by layer."""

from __future__ import annotations

from . import (
    activation,
    convolution,
    dense,
    group_normalization,
    merges,
    normalization,
    pooling,
    rearranging,
    transposed,
    views,
)
from .lowering import Mode
from .plans import inference_plan, training_plan

__all__ = ["Mode", "inference_plan", "training_plan"]
