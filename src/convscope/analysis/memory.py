"""How much must be in memory at once: peaks by liveness, for inference and for training.

A tensor lives from the layer that writes it to the last that reads it. Layers that only give memory another shape
(flatten, reshape, dropout at inference) share their input's tensor; no other layer is assumed to work in place.
Bytes are float32, one picture, activations and their gradients; parameters are counted elsewhere.
"""

from __future__ import annotations

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
    """The life of every tensor, by node index.

    `owner[i]` is the node in whose tensor node i writes, `last[t]` the last reader of tensor t, `kept[t]` the
    earliest layer whose backward pass reads it again, -1 where none does.
    """

    owner: list[int]
    last: list[int]
    kept: list[int]


def lives(network: Network) -> Lives:
    """Return when each tensor is written, read for the last time, and read by a backward pass."""
    owner: list[int] = []
    last: list[int] = []
    kept: list[int] = []
    for index, node in enumerate(network.nodes):
        facts = node.facts
        for source in node.sources:
            tensor = owner[source]
            last[tensor] = index
            if facts.keeps_input and kept[tensor] < 0:
                kept[tensor] = index
        tensor = owner[node.sources[0]] if facts.view else index
        owner.append(tensor)
        last.append(index)
        kept.append(-1)
        if facts.keeps_output and kept[tensor] < 0:
            kept[tensor] = index
    return Lives(owner, last, kept)


def peaks(network: Network) -> Peaks:
    """Return the peaks of one forward pass, and of one training step.

    Inference frees a tensor after its last reader. Training keeps what each layer's backward needs
    (`Layer.retains`, `Layer.training_bytes`); its backward pass runs the layers in reverse and holds a tensor's
    gradient from its last reader's step to its writer's. Outputs stay to the end.
    """
    nodes = network.nodes
    count = len(nodes)
    owner, last, kept = lives(network)
    outputs = {owner[node.index] for node in network.outputs}
    freed = [0] * count  # after a layer's forward step, at inference
    dropped = [0] * count  # the same, in training
    born = [0] * count  # gradients, before a layer's backward step
    gone = [0] * count  # gradients and kept tensors, after it
    for index, node in enumerate(nodes):
        gone[index] += node.facts.training_bytes
        if owner[index] != index:
            continue
        size = FLOAT_BYTES * node.facts.elements
        stays = index in outputs
        if not stays:
            freed[last[index]] += size
        if kept[index] >= 0:
            gone[kept[index]] += size
        elif stays:
            gone[index] += size
        else:
            dropped[last[index]] += size
        if node.sources:
            born[last[index]] += size
            gone[index] += size
    inference = training = 0
    inference_peak = training_peak = inference_at = training_at = 0
    for index, node in enumerate(nodes):
        if owner[index] == index:
            size = FLOAT_BYTES * node.facts.elements
            inference += size
            training += size
        training += node.facts.training_bytes
        if inference > inference_peak:
            inference_peak, inference_at = inference, index
        if training > training_peak:
            training_peak, training_at = training, index
        inference -= freed[index]
        training -= dropped[index]
    for index in range(count - 1, -1, -1):
        training += born[index]
        if training > training_peak:
            training_peak, training_at = training, index
        training -= gone[index]
    return Peaks(inference_peak, nodes[inference_at].name, training_peak, nodes[training_at].name)
