"""Layers and parameters without effect, unused outputs, unsupported operators."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

from ...layers.activation import Activation, LogSoftmax, ReLU, Softmax
from ...layers.base import Layer
from ...layers.convolution import Conv, ConvTranspose
from ...layers.dense import Linear
from ...layers.merge import Add, Concat, Multiply
from ...layers.normalization import BatchNorm, InstanceNorm
from ...layers.operations import Status
from ...layers.pooling import (
    AdaptivePool,
    AvgPool,
    GlobalPool,
    LPPool,
    MaxPool,
    SpatialPyramidPool,
    StochasticPool,
)
from ...layers.rearrange import ChannelShuffle, Crop, Flatten, Pad, Permute, PixelShuffle, Reshape, Slice
from ...layers.resize import Upsample
from ...layers.structural import Dropout, Identity
from ...network import Network, Node
from ...text.language import Message
from .finding import Finding, listed
from .subject import Subject

_KEEPS_SIGN = (
    *(Add, Multiply, Concat),
    *(MaxPool, AvgPool, StochasticPool, AdaptivePool, GlobalPool, SpatialPyramidPool),
    *(Flatten, Reshape, Permute, Crop, Slice, PixelShuffle, ChannelShuffle, Identity, Dropout),
)
"""Layers whose output is nowhere negative when no input is."""


def find_useless_biases(subject: Subject) -> list[Finding]:
    """Find biases right before a normalization, which subtracts every channel's mean and the bias with it."""
    network = subject.network
    shared = {node.parameters_of for node in network.nodes if not node.owns_parameters}
    names, params = [], 0
    for node in network.layers:
        if node.parameters_of not in shared and _bias_is_normalized_away(network, node):
            names.append(node.name)
            params += prod(node.facts.param_shapes["bias"])
    if not names:
        return []
    return [
        Finding(
            "useless-bias",
            "waste",
            tuple(names),
            Message(
                "Biases right before a normalization have no effect: subtracting the channel mean cancels "
                "{count:,} parameter(s) of {names}.",
                count=params,
                names=listed(names),
            ),
            Message("Disable the bias of these layers."),
            {"params": params, "layers": len(names)},
        )
    ]


def _bias_is_normalized_away(network: Network, node: Node) -> bool:
    layer = node.layer
    # A dense layer's features are channels only where its output is one vector.
    per_channel = isinstance(layer, Conv | ConvTranspose) or (
        isinstance(layer, Linear) and len(node.output_shape) == 1
    )
    if not per_channel or "bias" not in node.facts.param_shapes:
        return False
    readers = network.consumers(node.name)
    return len(readers) == 1 and isinstance(readers[0].layer, BatchNorm | InstanceNorm)


def find_useless_relus(subject: Subject) -> list[Finding]:
    """Find a ReLU whose input cannot be negative."""
    never_negative: list[bool] = []
    names = []
    for node in subject.network.nodes:
        inputs = [never_negative[source] for source in node.sources]
        if isinstance(node.layer, ReLU) and all(inputs):
            names.append(node.name)
        never_negative.append(_never_negative(node.layer, bool(inputs) and all(inputs)))
    if not names:
        return []
    if len(names) == 1:
        message = Message("{layer} has no effect: its input is never negative.", layer=names[0])
        suggestion = Message("Remove it, or insert a layer with weights before it.")
    else:
        message = Message("{layers} have no effect: their inputs are never negative.", layers=listed(names))
        suggestion = Message("Remove them, or insert layers with weights before them.")
    return [Finding("useless-relu", "waste", tuple(names), message, suggestion, {"layers": len(names)})]


def _never_negative(layer: Layer, inputs: bool) -> bool:
    """Tell whether an output can be shown to be nowhere negative."""
    if isinstance(layer, Activation):
        return layer.properties.low >= 0
    if isinstance(layer, LogSoftmax):
        return False
    if isinstance(layer, Softmax | LPPool):
        return True
    if isinstance(layer, Pad):
        return inputs and layer.value >= 0
    if isinstance(layer, Upsample):
        return inputs and layer.mode != "cubic"  # cubic interpolation overshoots
    return inputs and isinstance(layer, _KEEPS_SIGN)


def find_dropout(subject: Subject) -> list[Finding]:
    """Find dropout on an output, with p = 0 and with p = 1."""
    outputs = {node.index for node in subject.network.outputs}
    return [
        finding
        for node in subject.network.layers
        if isinstance(node.layer, Dropout)
        for finding in _of_dropout(node, node.layer, node.index in outputs)
    ]


def _of_dropout(node: Node, layer: Dropout, is_output: bool) -> Iterator[Finding]:
    share = f"{100 * layer.p:g} %"
    if layer.p == 0:
        yield Finding(
            "idle-dropout",
            "waste",
            (node.name,),
            Message("{layer} drops nothing: its p is 0.", layer=node.name),
            Message("Remove it or increase p."),
            {"p": 0.0},
        )
    elif layer.p == 1:
        yield Finding(
            "total-dropout",
            "risk",
            (node.name,),
            Message("{layer} drops everything in training: its p is 1, and no gradient passes.", layer=node.name),
            Message("Decrease p; 0.5 is common."),
            {"p": 1.0},
        )
    elif is_output:
        yield Finding(
            "output-dropout",
            "risk",
            (node.name,),
            Message(
                "{layer} is an output: in training it sets {share} of the results to 0.",
                layer=node.name,
                share=share,
            ),
            Message("Move the dropout before the last layer with weights, or remove it."),
            {"p": layer.p},
        )


def find_linear_stacks(subject: Subject) -> list[Finding]:
    """Find two dense layers with nothing but dropout between, where the first narrows nothing."""
    network = subject.network
    found = []
    for node in network.layers:
        if not isinstance(node.layer, Linear):
            continue
        source = network.nodes[node.sources[0]]
        while isinstance(source.layer, Dropout | Identity) and len(network.consumers(source.name)) == 1:
            source = network.nodes[source.sources[0]]
        if not isinstance(source.layer, Linear) or len(network.consumers(source.name)) > 1:
            continue
        width, outputs = source.layer.out_features, node.layer.out_features
        inputs = source.facts.param_shapes["weight"][1]
        if width < min(inputs, outputs):
            continue
        own = source.facts.params + node.facts.params
        joined = outputs * (inputs + (1 if source.layer.bias or node.layer.bias else 0))
        found.append(
            Finding(
                "linear-stack",
                "waste",
                (source.name, node.name),
                Message(
                    "{first} and {second} have no nonlinearity between them: together they equal one linear layer "
                    "from {inputs:,} to {outputs:,} features ({joined:,} parameters instead of {own:,}).",
                    first=source.name,
                    second=node.name,
                    inputs=inputs,
                    outputs=outputs,
                    joined=joined,
                    own=own,
                ),
                Message("Insert an activation between them, or use one dense {outputs}.", outputs=outputs),
                {"params": own, "joined_params": joined, "inputs": inputs, "width": width, "outputs": outputs},
            )
        )
    return found


def find_dead_ends(subject: Subject) -> list[Finding]:
    """Find that several layers end the network: outputs, or forgotten branches."""
    ends = subject.network.outputs
    if len(ends) < 2:
        return []
    names = tuple(node.name for node in ends)
    return [
        Finding(
            "several-ends",
            "note",
            names,
            Message("No layer uses the outputs of {layers}.", layers=listed(names)),
            Message("If one of them is not an intended output, connect it or remove it."),
            {"ends": len(ends)},
        )
    ]


def find_opaque_layers(subject: Subject) -> list[Finding]:
    """Find unsupported operators and what is unknown because of them."""
    opaque = [node for node in subject.network.layers if node.facts.status is not Status.COMPLETE]
    if not opaque:
        return []
    names = tuple(node.name for node in opaque)
    lost = [
        node.name
        for node in subject.network.layers
        if (view := subject.fields[node.index]) is not None and view.lost_at in names
    ]
    kinds = listed(list(dict.fromkeys(f"{node.name} ({node.kind})" for node in opaque)))
    if len(names) == 1:
        message = Message(
            "{layer} is an unsupported operator: its parameters and operations are not counted, totals are lower "
            "bounds, and receptive fields are unknown in {count:,} layer(s).",
            layer=kinds,
            count=len(lost),
        )
        suggestion = Message("Replace it with supported layers, or treat the totals as lower bounds.")
    else:
        message = Message(
            "{layers} are unsupported operators: their parameters and operations are not counted, totals are "
            "lower "
            "bounds, and receptive fields are unknown in {count:,} layer(s).",
            layers=kinds,
            count=len(lost),
        )
        suggestion = Message("Replace them with supported layers, or treat the totals as lower bounds.")
    numbers = {"layers": len(names), "unknown_fields": lost}
    return [Finding("opaque-layers", "risk", names, message, suggestion, numbers)]
