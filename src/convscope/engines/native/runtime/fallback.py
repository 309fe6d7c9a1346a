"""The context that fallback steps run in."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

import numpy as np

from ....optim.losses import Loss
from ....optim.randomness import generator
from ...protocol import Array, StepResult
from ...reference.layers.rules import Context
from ..layout import Floats
from ..plan import Buffer, FallbackStep

if TYPE_CHECKING:
    from .executable import Executable
    from .parameters import Arrays


class FallbackContext(Protocol):
    """What a fallback step may read and write."""

    layer_contexts: dict[str, Context]
    """What forward passes save for backward passes, by layer."""
    labels: Array
    loss: Loss
    result: StepResult | None
    """The result of a loss computed in Python."""
    target_gradient: Callable[[Array], Array]
    """Computes the gradient of a target from the output of the layer that it reads."""

    @property
    def batch(self) -> int:
        """The number of images."""

    def generator(self, layer: str) -> np.random.Generator:
        """Return the random generator of a layer for this step."""

    def memory(self, buffer: Buffer) -> Floats:
        """Return a buffer's memory: (n, floats of an image), or (floats,) for a fixed one."""

    def array(self, name: str) -> Floats:
        """Return a copy of a parameter or statistic in its own shape."""

    def set_array(self, name: str, array: Floats) -> None:
        """Overwrite a parameter or statistic."""

    def add_gradient(self, name: str, array: Floats, first: bool) -> None:
        """Add to a parameter's gradient; overwrite it if `first`."""


class PlanFallbackContext:
    """The context of one run of an executable."""

    def __init__(self, executable: Executable, arrays: Arrays, seed: int, step: int) -> None:
        self._executable, self._arrays, self._seed, self._step = executable, arrays, seed, step
        self.layer_contexts: dict[str, Context] = {}
        self.labels: Array = np.zeros(0)
        self.loss: Loss = Loss()
        self.result: StepResult | None = None
        self.target_gradient: Callable[[Array], Array] = np.zeros_like

    def __call__(self, step: FallbackStep) -> None:
        """Run a step."""
        with np.errstate(all="ignore"):  # overflows are reported after the training step
            step.run(self)

    @property
    def batch(self) -> int:
        return self._executable.batch

    def generator(self, layer: str) -> np.random.Generator:
        return generator(self._seed, f"masks of {layer}", self._step)

    def memory(self, buffer: Buffer) -> Floats:
        return self._executable.memory(buffer)

    def array(self, name: str) -> Floats:
        return self._arrays.read(name)

    def set_array(self, name: str, array: Floats) -> None:
        self._arrays.write(name, array)

    def add_gradient(self, name: str, array: Floats, first: bool) -> None:
        self._arrays.add_gradient(name, array, first)
