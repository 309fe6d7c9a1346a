"""Lowering of networks to plans."""

from __future__ import annotations

from . import (
    activation,
    convolution,
    dense,
    merges,
    normalization,
    pooling,
    shape,
)
from .lowering import Mode
from .plans import gradient_plan, inference_plan, training_plan

__all__ = ["Mode", "gradient_plan", "inference_plan", "training_plan"]
