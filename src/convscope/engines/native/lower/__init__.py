"""From a network to plans, layer by layer.

| file | holds |
|---|---|
| `lowering.py` | steps, values and gradients while a plan is written |
| `rules.py` | `lower`, asked of every layer; the other files answer for one family each |
| `plans.py` | plans for training and for inference |
| `planes.py` | sizes of windows over one axis or two |
| `reference.py` | layers that have no kernel |
"""

from __future__ import annotations

from . import (
    activation,
    convolution,
    dense,
    merges,
    normalisation,
    picture_norms,
    pooling,
    rearranging,
    transposed,
    views,
)
from .lowering import Mode
from .plans import inference_plan, training_plan

__all__ = ["Mode", "inference_plan", "training_plan"]
