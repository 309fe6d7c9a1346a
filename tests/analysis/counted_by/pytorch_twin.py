"""A PyTorch module made from a network, layer by layer, for the tools to look at.

One child module per layer, named as the layer; merges are written with +, *, @ and torch.cat, as most
models write them.
"""

from __future__ import annotations

from functools import reduce, singledispatch
from operator import add, mul

import torch
from torch import nn

from convscope import layers as cs
from convscope.layers import Layer
from convscope.network import Network


class Twin(nn.Module):
    """The network as a module whose children are the layers."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.plan = network
        for node in network.layers:
            if isinstance(node.layer, cs.Scale):
                shape = node.facts.param_shapes["weight"]
                self.register_parameter(key(node.name) + "_scale", nn.Parameter(torch.ones(shape)))
            elif not node.owns_parameters:
                continue
            elif (made := module_of(node.layer, node.input_shapes)) is not None:
                self.add_module(key(node.name), made)
        self.eval()

    def forward(self, *images: torch.Tensor) -> torch.Tensor:
        entering = iter(images)
        values: list[torch.Tensor] = []
        for node in self.plan:
            if not node.inputs:
                values.append(next(entering))
                continue
            arguments = [values[source] for source in node.sources]
            values.append(self.run(node.layer, node, arguments))
        return values[-1]

    def run(self, layer: Layer, node, arguments: list[torch.Tensor]) -> torch.Tensor:
        if isinstance(layer, cs.Scale):
            return arguments[0] * getattr(self, key(node.name) + "_scale")
        module = self._modules.get(key(node.parameters_of))
        if module is not None:
            return called(layer, module, arguments)
        return merged(layer, arguments)


def key(name: str) -> str:
    """Return the layer's name as PyTorch allows it for a child."""
    return name.replace(".", "-")


def example(network: Network) -> tuple[torch.Tensor, ...]:
    """Return one image (or index sequence) per input of the network."""
    images = []
    for entry in network.inputs:
        indices = any(isinstance(node.layer, cs.Embedding) for node in network.consumers(entry.name))
        shape = (1, *entry.output_shape)
        images.append(torch.zeros(shape, dtype=torch.long) if indices else torch.ones(shape))
    return tuple(images)


@singledispatch
def merged(layer: Layer, arguments: list[torch.Tensor]) -> torch.Tensor:
    raise TypeError(f"no function for {layer.kind}")


@merged.register
def _(layer: cs.Add, arguments: list[torch.Tensor]) -> torch.Tensor:
    return reduce(add, arguments)


@merged.register
def _(layer: cs.Multiply, arguments: list[torch.Tensor]) -> torch.Tensor:
    return reduce(mul, arguments)


@merged.register
def _(layer: cs.Concat, arguments: list[torch.Tensor]) -> torch.Tensor:
    return torch.cat(arguments, dim=layer.axis + 1)


@merged.register
def _(layer: cs.MatMul, arguments: list[torch.Tensor]) -> torch.Tensor:
    return arguments[0] @ arguments[1]


@merged.register
def _(layer: cs.Reshape, arguments: list[torch.Tensor]) -> torch.Tensor:
    return arguments[0].reshape(1, *layer.shape)


@merged.register
def _(layer: cs.Permute, arguments: list[torch.Tensor]) -> torch.Tensor:
    return arguments[0].permute(0, *(axis + 1 for axis in layer.order))


@merged.register
def _(layer: cs.Slice, arguments: list[torch.Tensor]) -> torch.Tensor:
    cut = [slice(None)] * arguments[0].dim()
    cut[layer.axis + 1] = slice(layer.start, layer.stop, layer.step)
    return arguments[0][tuple(cut)]


@singledispatch
def called(layer: Layer, module: nn.Module, arguments: list[torch.Tensor]) -> torch.Tensor:
    return module(*arguments)


@called.register
def _(layer: cs.Linear, module: nn.Module, arguments: list[torch.Tensor]) -> torch.Tensor:
    (vector,) = arguments
    return module(vector.flatten(1) if vector.dim() == 4 else vector)


@called.register
def _(layer: cs.LSTM, module: nn.Module, arguments: list[torch.Tensor]) -> torch.Tensor:
    return module(*arguments)[0]


@called.register
def _(layer: cs.MultiheadAttention, module: nn.Module, arguments: list[torch.Tensor]) -> torch.Tensor:
    return module(*(arguments if len(arguments) == 3 else arguments * 3))[0]


@called.register
def _(layer: cs.LayerNorm, module: nn.Module, arguments: list[torch.Tensor]) -> torch.Tensor:
    (x,) = arguments
    axes = [axis + 1 for axis in layer.normalized(tuple(x.shape[1:]))]
    last = [axis for axis in range(x.dim()) if axis not in axes] + axes
    back = [last.index(axis) for axis in range(x.dim())]
    return module(x.permute(last)).permute(back)


@called.register
def _(layer: cs.MinPool, module: nn.Module, arguments: list[torch.Tensor]) -> torch.Tensor:
    return -module(-arguments[0])


@called.register
def _(layer: cs.SpatialPyramidPool, module: nn.Module, arguments: list[torch.Tensor]) -> torch.Tensor:
    return torch.cat([level(arguments[0]).flatten(1) for level in module.children()], dim=1)


def of_rank(family: str, rank: int) -> type[nn.Module]:
    return getattr(nn, f"{family}{rank}d")


def numbers(layer) -> tuple[int, ...]:
    """Return a layer's padding as PyTorch takes it: one number per axis."""
    assert all(before == after for before, after in layer.padding), "PyTorch pads both ends alike"
    return tuple(before for before, _ in layer.padding)


@singledispatch
def module_of(layer: Layer, inputs: tuple[tuple[int, ...], ...]) -> nn.Module | None:
    """Return the module, or None for what people write as a function."""
    return getattr(nn, layer.kind)()


@module_of.register
def _(layer: cs.Add | cs.Multiply | cs.Concat | cs.MatMul | cs.Reshape | cs.Permute | cs.Slice, inputs) -> None:
    return None


@module_of.register
def _(layer: cs.Conv, inputs) -> nn.Module:
    channels = inputs[0][0]
    return of_rank("Conv", layer.rank)(
        channels,
        layer.out_channels,
        layer.kernel_size,
        layer.stride,
        numbers(layer),
        layer.dilation,
        layer.groups,
        layer.bias,
        layer.padding_mode,
    )


@module_of.register
def _(layer: cs.ConvTranspose, inputs) -> nn.Module:
    return of_rank("ConvTranspose", layer.rank)(
        inputs[0][0],
        layer.out_channels,
        layer.kernel_size,
        layer.stride,
        numbers(layer),
        layer.output_padding,
        layer.groups,
        layer.bias,
        layer.dilation,
    )


@module_of.register
def _(layer: cs.Linear, inputs) -> nn.Module:
    return nn.Linear(layer.vector(inputs[0])[-1], layer.out_features, layer.bias)


@module_of.register
def _(layer: cs.Embedding, inputs) -> nn.Module:
    return nn.Embedding(layer.num_embeddings, layer.embedding_dim)


@module_of.register
def _(layer: cs.LSTM, inputs) -> nn.Module:
    return nn.LSTM(
        inputs[0][1],
        layer.hidden_size,
        layer.num_layers,
        bias=layer.biases != "none",
        batch_first=True,
        bidirectional=layer.bidirectional,
        proj_size=layer.proj_size,
    )


@module_of.register
def _(layer: cs.MultiheadAttention, inputs) -> nn.Module:
    return nn.MultiheadAttention(inputs[0][1], layer.num_heads, bias=layer.bias, batch_first=True)


@module_of.register
def _(layer: cs.BatchNorm, inputs) -> nn.Module:
    return of_rank("BatchNorm", layer.rank)(inputs[0][0], affine=layer.affine)


@module_of.register
def _(layer: cs.InstanceNorm, inputs) -> nn.Module:
    return of_rank("InstanceNorm", layer.rank)(inputs[0][0], affine=layer.affine)


@module_of.register
def _(layer: cs.GroupNorm, inputs) -> nn.Module:
    return nn.GroupNorm(layer.num_groups, inputs[0][0], affine=layer.affine)


@module_of.register
def _(layer: cs.LayerNorm, inputs) -> nn.Module:
    sizes = [inputs[0][axis] for axis in layer.normalized(inputs[0])]
    return nn.LayerNorm(sizes, elementwise_affine=layer.affine)


@module_of.register
def _(layer: cs.LocalResponseNorm, inputs) -> nn.Module:
    return nn.LocalResponseNorm(layer.size)


@module_of.register
def _(layer: cs.PReLU, inputs) -> nn.Module:
    return nn.PReLU(layer.num_parameters)


@module_of.register
def _(layer: cs.GELU, inputs) -> nn.Module:
    return nn.GELU(layer.approximate)


@module_of.register
def _(layer: cs.Softmax, inputs) -> nn.Module:
    return getattr(nn, layer.kind)(dim=layer.along(inputs[0]) + 1)


@module_of.register
def _(layer: cs.MaxPool, inputs) -> nn.Module:
    return of_rank("MaxPool", layer.rank)(
        layer.kernel_size, layer.stride, numbers(layer), layer.dilation, ceil_mode=layer.ceil_mode
    )


@module_of.register
def _(layer: cs.AvgPool, inputs) -> nn.Module:
    return of_rank("AvgPool", layer.rank)(layer.kernel_size, layer.stride, numbers(layer), layer.ceil_mode)


@module_of.register
def _(layer: cs.LPPool, inputs) -> nn.Module:
    one = layer.rank == 1
    kernel, stride = (v[0] if one else v for v in (layer.kernel_size, layer.stride))
    return of_rank("LPPool", layer.rank)(layer.norm_type, kernel, stride)


@module_of.register
def _(layer: cs.AdaptiveAvgPool, inputs) -> nn.Module:
    return of_rank("AdaptiveAvgPool", layer.rank)(layer.output_size)


@module_of.register
def _(layer: cs.AdaptiveMaxPool, inputs) -> nn.Module:
    return of_rank("AdaptiveMaxPool", layer.rank)(layer.output_size)


@module_of.register
def _(layer: cs.GlobalAvgPool, inputs) -> nn.Module:
    return of_rank("AdaptiveAvgPool", layer.rank)(1)


@module_of.register
def _(layer: cs.GlobalMaxPool, inputs) -> nn.Module:
    return of_rank("AdaptiveMaxPool", layer.rank)(1)


@module_of.register
def _(layer: cs.SpatialPyramidPool, inputs) -> nn.Module:
    return nn.ModuleList(module_of(grid, inputs) for grid in layer.grids(inputs[0]))


@module_of.register
def _(layer: cs.Upsample, inputs) -> nn.Module:
    rank = len(inputs[0]) - 1
    linear = {1: "linear", 2: "bilinear", 3: "trilinear"}[rank]
    mode = {"nearest": "nearest", "linear": linear, "cubic": "bicubic"}[layer.mode]
    factor = None if layer.scale_factor is None else layer.scale_factor * (rank // len(layer.scale_factor))
    return nn.Upsample(layer.size, factor, mode)


@module_of.register
def _(layer: cs.Pad, inputs) -> nn.Module:
    sides = [side for pair in reversed(layer.padding) for side in pair]
    return of_rank("ZeroPad", len(layer.padding))(sides)


@module_of.register
def _(layer: cs.PixelShuffle, inputs) -> nn.Module:
    return nn.PixelShuffle(layer.upscale_factor)


@module_of.register
def _(layer: cs.ChannelShuffle, inputs) -> nn.Module:
    return nn.ChannelShuffle(layer.groups)
