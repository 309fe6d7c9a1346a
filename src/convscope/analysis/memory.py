"""How much must be in memory at once: peaks by liveness, for inference and for training.

A tensor lives from the layer that writes it to the last that reads it. Layers that only give memory another shape
(flatten, reshape, dropout at inference) share their input's tensor; no other layer is assumed to work in place.
Bytes are float32, one picture, activations and their gradients; parameters are counted elsewhere.
"""

from __future__ import annotations

from ..network import Network

FLOAT_BYTES = 4


def owners(network: Network) -> list[int]:
    """Return for every node the node whose tensor its output lies in."""
    found: list[int] = []
    for node in network.nodes:
        found.append(found[node.sources[0]] if node.layer.view else node.index)
    return found


def inference_peak_bytes(network: Network) -> int:
    """Return the largest sum of tensors alive at once during one forward pass, layers in order."""
    nodes = network.nodes
    owner = owners(network)
    last = list(range(len(nodes)))
    for node in nodes:
        for source in node.sources:
            last[owner[source]] = node.index
    for node in network.outputs:
        last[owner[node.index]] = len(nodes)
    dying: list[int] = [0] * (len(nodes) + 1)
    live = peak = 0
    for index, node in enumerate(nodes):
        if owner[index] == index:
            size = node.facts.elements
            live += size
            dying[last[index]] += size
            if live > peak:
                peak = live
        live -= dying[index]
    return FLOAT_BYTES * peak


def training_peak_bytes(network: Network) -> int:
    """Return the largest sum of activations, their gradients and kept masks during one training step.

    The forward pass keeps what each layer's backward needs (`Layer.retains`, `Layer.training_bytes`); the backward
    pass runs the layers in reverse, holding a tensor's gradient from its last reader's step to its writer's.
    """
    nodes = network.nodes
    owner = owners(network)
    size = [FLOAT_BYTES * node.facts.elements for node in nodes]
    kept_until = _kept_until(network, owner)
    last = list(range(len(nodes)))
    for node in nodes:
        for source in node.sources:
            last[owner[source]] = node.index
    live = peak = 0
    for index, node in enumerate(nodes):
        live += node.facts.training_bytes
        if owner[index] == index:
            live += size[index]
        peak = max(peak, live)
        for tensor in {owner[source] for source in node.sources} | {owner[index]}:
            if last[tensor] == index and kept_until[tensor] is None and tensor != owner[-1]:
                live -= size[tensor]
    has_gradient = [False] * len(nodes)
    for index in range(len(nodes) - 1, -1, -1):
        node = nodes[index]
        for tensor in {owner[index], *(owner[source] for source in node.sources)}:
            if not has_gradient[tensor] and nodes[tensor].sources:
                has_gradient[tensor] = True
                live += size[tensor]
        peak = max(peak, live)
        live -= node.facts.training_bytes
        if has_gradient[index]:
            live -= size[index]
        for tensor in {owner[index], *(owner[source] for source in node.sources)}:
            if kept_until[tensor] == index:
                live -= size[tensor]
    return peak


def _kept_until(network: Network, owner: list[int]) -> list[int | None]:
    """Return per tensor the earliest layer whose backward reads it; None where none does."""
    first: list[int | None] = [None] * len(owner)
    for node in reversed(network.nodes):
        if "input" in node.layer.retains:
            for source in node.sources:
                first[owner[source]] = node.index
        if "output" in node.layer.retains:
            first[owner[node.index]] = node.index
    first[owner[-1]] = first[owner[-1]] if first[owner[-1]] is not None else len(owner) - 1
    return first
