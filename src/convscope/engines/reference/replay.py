"""The same step by the reference, for what another engine does not find by itself."""

from __future__ import annotations

from ...network import Network
from ..protocol import Array, DType, Fault, Program, Training
from .program import ReferenceProgram


def first_fault(
    program: Program,
    network: Network,
    training: Training | None,
    seed: int,
    dtype: DType,
    x: Array,
    labels: Array,
    step: int,
) -> Fault:
    """Return where NaN or infinity comes up first in a step that `program` found one in.

    Where the reference, which rounds otherwise, finds none, it is the loss.
    """
    twin = ReferenceProgram(network, training, seed, dtype)
    for name in twin.names():
        twin.write(name, program.read(name))
    return twin.step(x, labels, 0.0, step).fault or Fault(network.outputs[-1].name, "loss")
