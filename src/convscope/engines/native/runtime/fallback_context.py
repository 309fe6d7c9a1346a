"""A plan at work, as its steps in Python see it."""

from __future__ import annotations

import numpy as np

from ....optim.losses import Loss
from ....optim.randomness import generator
from ...protocol import Array, StepResult
from ...reference.layers.rules import Context
from ..layout import Floats
from ..plan import Buffer, FallbackStep
from .arrays import Arrays
from .executable import Executable


class PlanFallbackContext:
    """Memory of one run: `contexts` are what forward passes leave for backward passes, by layer."""

    def __init__(self, bound: Executable, arrays: Arrays, seed: int, step: int) -> None:
        self._bound, self._arrays, self._seed, self._step = bound, arrays, seed, step
        self.contexts: dict[str, Context] = {}
        self.labels: Array = np.zeros(0)
        self.loss: Loss = Loss()
        self.result: StepResult | None = None

    def __call__(self, step: FallbackStep) -> None:
        """Run a step."""
        with np.errstate(all="ignore"):  # what overflows is found and named after the step
            step.run(self)

    @property
    def batch(self) -> int:
        """Return the number of images."""
        return self._bound.batch

    def generator(self, layer: str) -> np.random.Generator:
        """Return the random numbers of a layer in this step."""
        return generator(self._seed, f"masks of {layer}", self._step)

    def memory(self, buffer: Buffer) -> Floats:
        """Return a buffer's memory."""
        return self._bound.memory(buffer)

    def array(self, name: str) -> Floats:
        """Return a parameter or statistic in its own shape, as a copy."""
        return self._arrays.read(name)

    def set_array(self, name: str, array: Floats) -> None:
        """Overwrite a statistic."""
        self._arrays.write(name, array)

    def add_gradient(self, name: str, array: Floats, first: bool) -> None:
        """Write a parameter's gradient, or add to what another use of it gave."""
        self._arrays.add_gradient(name, array, first)
