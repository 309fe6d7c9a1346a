"""What a piece of Python may touch while a plan runs."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from ....optim.losses import Loss
from ...protocol import Array, StepResult
from ...reference.layers.rules import Context
from ..layout import Floats
from ..plan import Buffer


class FallbackContext(Protocol):
    """A plan at work, as a step in Python sees it."""

    @property
    def batch(self) -> int:
        """Return the number of images."""

    contexts: dict[str, Context]
    """What forward passes leave for backward passes, by layer."""
    labels: Array
    loss: Loss
    result: StepResult | None
    """What a loss in Python found."""

    def generator(self, layer: str) -> np.random.Generator:
        """Return the random numbers of a layer in this step."""

    def memory(self, buffer: Buffer) -> Floats:
        """Return a buffer's memory: (n, floats of an image), or (floats,) for a fixed one."""

    def array(self, name: str) -> Floats:
        """Return a parameter or statistic in its own shape, as a copy."""

    def set_array(self, name: str, array: Floats) -> None:
        """Overwrite a parameter or statistic."""

    def add_gradient(self, name: str, array: Floats, first: bool) -> None:
        """Write a parameter's gradient, or add to what another use of it gave."""
