"""Layers that move, select and concatenate elements."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .... import layers as L
from .rule import Apply, Shapes, module_of

module_of.register(L.Dropout, lambda layer, _: nn.Dropout(layer.p))


module_of.register(L.PixelShuffle, lambda layer, _: nn.PixelShuffle(layer.upscale_factor))


@module_of.register
def _(layer: L.Reshape, shapes: Shapes) -> nn.Module:
    new = layer.output_shape(*shapes)
    return Apply(lambda x: x.reshape(len(x), *new), f"reshape {new}")


@module_of.register
def _(layer: L.Concat, shapes: Shapes) -> nn.Module:
    return Apply(lambda *xs: torch.cat(xs, dim=layer.axis + 1), f"concat axis={layer.axis}")


@module_of.register
def _(layer: L.Permute, shapes: Shapes) -> nn.Module:
    return Apply(lambda x: x.permute(0, *(a + 1 for a in layer.order)), f"permute {layer.order}")


@module_of.register
def _(layer: L.Slice, shapes: Shapes) -> nn.Module:
    where = [slice(None)] * (layer.axis + 1) + [slice(layer.start, layer.stop, layer.step)]
    return Apply(lambda x: x[tuple(where)], f"axis {layer.axis}, {layer.start}:{layer.stop}:{layer.step}")


@module_of.register
def _(layer: L.ChannelShuffle, shapes: Shapes) -> nn.Module:
    return nn.ChannelShuffle(layer.groups)


@module_of.register
def _(layer: L.IndexSelect, shapes: Shapes) -> nn.Module:
    return Pick(layer.axis, layer.size)


@module_of.register
def _(layer: L.Roll, shapes: Shapes) -> nn.Module:
    dims = [axis + 1 for axis in layer.axes]
    return Apply(lambda x: x.roll(layer.shifts, dims), f"roll {layer.shifts} over {layer.axes}")


@module_of.register
def _(layer: L.Expand, shapes: Shapes) -> nn.Module:
    new = layer.shape

    def expanded(x: torch.Tensor) -> torch.Tensor:
        return x.reshape(len(x), *(1,) * (len(new) + 1 - x.dim()), *x.shape[1:]).expand(-1, *new)

    return Apply(expanded, f"expand {new}")


class Pick(nn.Module):
    """A fixed list of indices along one axis."""

    def __init__(self, axis: int, size: int) -> None:
        super().__init__()
        self.axis = axis
        self.register_buffer("index", torch.zeros(size, dtype=torch.long))

    def forward(self, x: Tensor) -> Tensor:
        return x.index_select(self.axis + 1, self.get_buffer("index"))

    def extra_repr(self) -> str:
        return f"axis={self.axis}"
