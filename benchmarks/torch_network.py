"""A convscope Network as a flat PyTorch module, to run other tools on the same network."""

from __future__ import annotations

from functools import singledispatch

import torch
from torch import nn

from convscope import layers as L
from convscope.network import Network, Node


class TorchNetwork(nn.Module):
    """Run the nodes in order; every layer with a module of its own is a submodule."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network
        self.parts = nn.ModuleDict({_key(n): module(n.layer, n.input_shapes[0]) for n in network.layers})

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the last node's output."""
        values = {self.network.inputs[0].name: x}
        for node in self.network.layers:
            values[node.name] = self.parts[_key(node)](*(values[name] for name in node.inputs))
        return values[self.network.nodes[-1].name]


def _key(node: Node) -> str:
    return node.name.replace(".", "_")


class Sum(nn.Module):
    """Add all inputs."""

    def forward(self, *inputs: torch.Tensor) -> torch.Tensor:
        """Return the sum."""
        return sum(inputs[1:], inputs[0])


@singledispatch
def module(layer: L.Layer, shape: tuple[int, ...]) -> nn.Module:
    """Return PyTorch's module for a layer on an input shape."""
    raise TypeError(f"no PyTorch module for {layer.kind} in this benchmark")


@module.register
def _(layer: L.Conv2d, shape: tuple[int, ...]) -> nn.Module:
    padding = [before for before, _ in layer.padding]
    return nn.Conv2d(
        shape[0],
        layer.out_channels,
        layer.kernel_size,
        layer.stride,
        padding,
        layer.dilation,
        layer.groups,
        layer.bias,
    )


@module.register
def _(layer: L.BatchNorm2d, shape: tuple[int, ...]) -> nn.Module:
    return nn.BatchNorm2d(shape[0])


@module.register
def _(layer: L.MaxPool2d, shape: tuple[int, ...]) -> nn.Module:
    return nn.MaxPool2d(layer.kernel_size, layer.stride, [before for before, _ in layer.padding])


@module.register(L.GlobalAvgPool2d)
@module.register(L.AdaptiveAvgPool2d)
def _(layer: L.Layer, shape: tuple[int, ...]) -> nn.Module:
    return nn.AdaptiveAvgPool2d(getattr(layer, "output_size", 1))


@module.register
def _(layer: L.Linear, shape: tuple[int, ...]) -> nn.Module:
    return nn.Linear(shape[0], layer.out_features, layer.bias)


@module.register
def _(layer: L.ReLU, shape: tuple[int, ...]) -> nn.Module:
    return nn.ReLU()


@module.register
def _(layer: L.Flatten, shape: tuple[int, ...]) -> nn.Module:
    return nn.Flatten()


@module.register
def _(layer: L.Add, shape: tuple[int, ...]) -> nn.Module:
    return Sum()
