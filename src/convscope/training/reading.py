"""What a network's output means as probabilities."""

from __future__ import annotations

from typing import assert_never

from ..engines.protocol import Array
from ..engines.reference.layers import value
from ..engines.reference.layers.softmax import softmax
from ..layers import Sigmoid
from ..optim.losses import Reading


def read_output(output: Array, reading: Reading) -> Array:
    """Return probabilities of an output, classes on the first axis after the batch."""
    match reading:
        case "softmax":
            return softmax(output, 1)
        case "sigmoid":
            return value(Sigmoid(), output)
        case "as is":
            return output
        case _:
            assert_never(reading)
