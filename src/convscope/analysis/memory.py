"""Peak activation memory by liveness, for inference and training.

A tensor lives from the layer that writes it to the last that reads it. Layers that only give memory another shape
(flatten, reshape, dropout at inference) share their input's tensor; no other layer is assumed to work in place.
Bytes are float32, one image, activations and their gradients; parameters are counted elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable
from operator import itemgetter
from typing import NamedTuple

from ..network import Network

FLOAT_BYTES = 4


class Peaks(NamedTuple):
    """The largest sums of tensors alive at once, in bytes, and the layers at which they occur."""

    inference_bytes: int
    inference_at: str
    training_bytes: int
    training_at: str


class Lives(NamedTuple):
    """Liveness of every tensor, by node index.

    `owner[i]` is the node in whose tensor node i writes, `last[t]` the last reader of tensor t, `kept[t]` the
    earliest layer whose backward pass reads it again, -1 where none does.
    """

    owner: list[int]
    last: list[int]
    kept: list[int]


def lives(network: Network) -> Lives:
    """Return when each tensor is written, read for the last time, and read by a backward pass."""
    columns = network.columns
    owner: list[int] = []
    last: list[int] = []
    kept: list[int] = []
    rows = zip(columns.sources, columns.keeps_input, columns.keeps_output, columns.view, strict=True)
    for index, (sources, keeps_input, keeps_output, view) in enumerate(rows):
        for source in sources:
            tensor = owner[source]
            last[tensor] = index
            if keeps_input and kept[tensor] < 0:
                kept[tensor] = index
        tensor = owner[sources[0]] if view else index
        owner.append(tensor)
        last.append(index)
        kept.append(-1)
        if keeps_output and kept[tensor] < 0:
            kept[tensor] = index
    return Lives(owner, last, kept)


def peaks(network: Network) -> Peaks:
    """Return the peaks of one forward pass, and of one training step.

    Inference frees a tensor after its last reader. Training keeps what each layer's backward needs
    (`Layer.retains`, `Layer.training_bytes`); its backward pass runs the layers in reverse and holds a tensor's
    gradient from its last reader's step to its writer's. Outputs stay to the end.
    """
    columns = network.columns
    count = len(network.nodes)
    owner, last, kept = lives(network)
    outputs = {owner[node.index] for node in network.outputs}
    sizes = [FLOAT_BYTES * elements for elements in columns.elements]
    freed = [0] * count  # after a layer's forward step, at inference
    dropped = [0] * count  # the same, in training
    born = [0] * count  # gradients, before a layer's backward step
    gone = list(columns.training_bytes)  # masks, gradients and kept tensors, after it
    for index, (tensor, size, end, keeper) in enumerate(zip(owner, sizes, last, kept, strict=True)):
        if tensor != index:
            sizes[index] = 0  # a view
            continue
        stays = index in outputs
        if not stays:
            freed[end] += size
        if keeper >= 0:
            gone[keeper] += size
        elif stays:
            gone[index] += size
        else:
            dropped[end] += size
        if columns.sources[index]:
            born[end] += size
            gone[index] += size
    inference, inference_at = _highest(zip(sizes, freed, strict=True), 0)
    grown = [size + kept_too for size, kept_too in zip(sizes, columns.training_bytes, strict=True)]
    forward, forward_at = _highest(zip(grown, dropped, strict=True), 0)
    left = sum(grown) - sum(dropped)
    backward, back = _highest(zip(reversed(born), reversed(gone), strict=True), left)
    training, training_at = max((forward, forward_at), (backward, count - 1 - back), key=itemgetter(0))
    names = network.nodes
    return Peaks(inference, names[inference_at].name, training, names[training_at].name)


def _highest(changes: Iterable[tuple[int, int]], live: int) -> tuple[int, int]:
    """Return the highest level, and where, when each step first adds and then takes away."""
    peak = at = 0
    for index, (more, less) in enumerate(changes):
        live += more
        if live > peak:
            peak, at = live, index
        live -= less
    return peak, at
