"""Layers with most of the parameters or MACs that a lighter form could replace."""

from __future__ import annotations

from math import prod

from ...layers.activation import Activation
from ...layers.connection import Shape
from ...layers.convolution import Conv
from ...layers.dense import Linear
from ...layers.rearrange import Flatten
from ...layers.structural import Dropout, Identity
from ...network import Network, Node
from ...text.language import Message
from ...text.numbers import times, whole_percent
from .finding import Finding, conjunction
from .subject import Subject


def find_heavy_layers(subject: Subject) -> list[Finding]:
    """Find layers with over half of all parameters or MACs for which a lighter form is known."""
    report = subject.report
    totals = report.totals
    found = []
    for node in subject.network.layers:
        row = report[node.name]
        if not node.owns_parameters or (2 * row.params <= totals.params and 2 * row.macs <= totals.macs):
            continue
        shares = _shares(row.params, totals.params, row.macs, totals.macs)
        numbers = {
            "params": row.params,
            "total_params": totals.params,
            "macs": row.macs,
            "total_macs": totals.macs,
        }
        if isinstance(node.layer, Linear):
            found += _flattened(subject.network, node, node.layer, shares, numbers)
        elif isinstance(node.layer, Conv):
            covers = node.layer.kernel_size == node.input_shapes[0][1:] and prod(node.output_shape[1:]) == 1
            lighter = _covering_kernel if covers else _big_kernel
            found += lighter(node, node.layer, shares, numbers)
    return found


def _shares(params: int, all_params: int, macs: int, all_macs: int) -> str:
    parts = []
    if 2 * params > all_params:
        share = whole_percent(params / all_params)
        parts.append(
            Message("{part:,} of {count:,} parameter(s) ({share})", part=params, count=all_params, share=share)
        )
    if 2 * macs > all_macs:
        share = whole_percent(macs / all_macs)
        parts.append(Message("{part:,} of {count:,} MAC(s) ({share})", part=macs, count=all_macs, share=share))
    return conjunction(*parts)


def _flattened(network: Network, node: Node, layer: Linear, shares: str, numbers: dict[str, int]) -> list[Finding]:
    """A dense layer on a flattened map: global average pooling leaves it one number per channel."""
    shape = _flattened_map(network, node)
    if shape is None:
        return []
    message = Message(
        "{layer} holds {shares}: it reads a flattened {shape} map, {features:,} features.",
        layer=node.name,
        shares=shares,
        shape=times(shape),
        features=prod(shape),
    )
    return [_dense(node, shape, layer.out_features, message, numbers)]


def _covering_kernel(node: Node, layer: Conv, shares: str, numbers: dict[str, int]) -> list[Finding]:
    """A convolution as large as its input is a dense layer."""
    shape = node.input_shapes[0]
    if layer.groups > 1 or layer.taps == 1:
        return []
    message = Message(
        "{layer} holds {shares}: its kernels are as large as the {shape} map they read, {features:,} features.",
        layer=node.name,
        shares=shares,
        shape=times(shape),
        features=prod(shape),
    )
    return [_dense(node, shape, layer.out_channels, message, numbers)]


def _dense(node: Node, shape: Shape, outputs: int, message: str, numbers: dict[str, int]) -> Finding:
    features, channels = prod(shape), shape[0]
    saved = outputs * (features - channels)
    share = whole_percent(saved / numbers["total_params"])
    return Finding(
        "heavy-dense",
        "waste",
        (node.name,),
        message,
        Message(
            "Global average pooling before it would leave {channels:,} features and save {count:,} parameter(s) "
            "({share} of the network), at the cost of spatial information.",
            channels=channels,
            count=saved,
            share=share,
        ),
        {**numbers, "features": features, "channels": channels, "saved_params": saved},
    )


def _flattened_map(network: Network, node: Node) -> Shape | None:
    """Return the shape of the map that a dense layer reads through a flatten; None where there is none."""
    source = network.nodes[node.sources[0]]
    while isinstance(source.layer, Dropout | Identity | Activation):
        source = network.nodes[source.sources[0]]
    if not isinstance(source.layer, Flatten):
        return None
    shape = source.input_shapes[0]
    return shape if len(shape) > 2 and prod(shape[1:]) > 1 else None


def _big_kernel(node: Node, layer: Conv, shares: str, numbers: dict[str, int]) -> list[Finding]:
    """An odd kernel of 5 and more: a stack of 3-wide kernels has the same field."""
    sizes = set(layer.kernel_size)
    size = min(sizes)
    plain = max(layer.stride) == max(layer.dilation) == 1 and len(sizes) == 1
    if not plain or size < 5 or size % 2 == 0:
        return []
    depth = (size - 1) // 2
    rank = len(layer.kernel_size)
    weight = node.facts.param_shapes["weight"]
    own = prod(weight)
    between = layer.out_channels * (layer.out_channels // layer.groups)
    stack = 3**rank * (layer.out_channels * weight[1] + (depth - 1) * between)
    if stack >= own:
        return []
    saved = own - stack
    return [
        Finding(
            "heavy-kernel",
            "waste",
            (node.name,),
            Message(
                "{layer} holds {shares}: its {kernel} kernels have {weights:,} weights.",
                layer=node.name,
                shares=shares,
                kernel=times(layer.kernel_size),
                weights=own,
            ),
            Message(
                "{depth} layers of {kernel} with {channels:,} channels and a nonlinearity between them have the "
                "same receptive field with {weights:,} weights, {saved:,} fewer.",
                depth=depth,
                kernel=times((3,) * rank),
                channels=layer.out_channels,
                weights=stack,
                saved=saved,
            ),
            {**numbers, "weights": own, "stack": depth, "stack_weights": stack, "saved_params": saved},
        )
    ]
