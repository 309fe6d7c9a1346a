"""Imported networks match PyTorch in double precision, so that differences in single precision are rounding."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

import convscope as cs
from interop.torch.parity import images, randomized


class Interleaved(nn.Module):
    """Grouped 1×1 convolutions with a channel shuffle between them, a depthwise one, and a residual sum."""

    def __init__(self, channels: int, groups: int) -> None:
        super().__init__()
        self.groups = groups
        self.spread = nn.Conv2d(channels, 4 * channels, 1, groups=groups, bias=False)
        self.depth = nn.Conv2d(4 * channels, 4 * channels, 3, padding=1, groups=4 * channels, bias=False)
        self.gather = nn.Conv2d(4 * channels, channels, 1, groups=groups, bias=False)
        self.norms = nn.ModuleList([nn.BatchNorm2d(one) for one in (4 * channels, 4 * channels, channels)])

    def forward(self, x):
        n, _, h, w = x.shape
        y = self.norms[0](self.spread(x))
        y = y.view(n, self.groups, -1, h, w).transpose(1, 2).contiguous().view(n, -1, h, w)
        y = F.relu6(self.norms[1](self.depth(F.relu6(y))))
        return x + self.norms[2](self.gather(y))


class Selective(nn.Module):
    """Two kernels of different dilation, mixed channel by channel by a softmax over the branches."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.branches = nn.ModuleList([nn.Conv2d(channels, channels, 3, padding=d, dilation=d) for d in (1, 2)])
        self.norms = nn.ModuleList([nn.BatchNorm2d(channels) for _ in range(2)])
        self.squeeze = nn.Conv2d(channels, 5, 1)
        self.weigh = nn.Conv2d(5, 2 * channels, 1)

    def forward(self, x):
        ys = torch.stack(
            [norm(conv(x)).relu() for conv, norm in zip(self.branches, self.norms, strict=True)], dim=1
        )
        weights = self.weigh(self.squeeze(ys.sum(dim=1).mean((-1, -2), keepdim=True)).relu())
        weights = weights.view(weights.size(0), 2, ys.size(2)).softmax(dim=1)
        return x + (ys * weights.unsqueeze(-1).unsqueeze(-1)).sum(dim=1)


@pytest.mark.parametrize(
    "block", [lambda: Interleaved(6, 2), lambda: Selective(6)], ids=["interleaved", "selective"]
)
def test_deep_networks_match_pytorch_in_double_precision(block):
    """In single precision the error of any engine grows with depth, so that engines are compared in double precision."""
    module = randomized(nn.Sequential(nn.Conv2d(3, 6, 3), *[block() for _ in range(12)], nn.Flatten()))
    x = images((3, 11, 12)).double()
    with torch.no_grad():
        exact = copy.deepcopy(module).double()(x).numpy()
        theirs = np.abs(module(x.float()).numpy() - exact).max()
    given = cs.from_torch(module, (3, 11, 12), parameters=True)
    scale = np.abs(exact).max()
    for engine, dtype, bound in (
        ("reference", "float64", 1e-12 * scale),
        ("torch", "float64", 1e-12 * scale),
        ("reference", "float32", 16 * theirs),
        ("native", "float32", 16 * theirs),
    ):
        model = cs.Model(given.network, engine=engine, dtype=dtype)
        for target, source in ((model.parameters, given.parameters), (model.buffers, given.buffers)):
            for name in target:
                target[name] = source[name]
        found = model.activations(x.numpy().astype(dtype))[model.network.outputs[-1].name]
        assert np.abs(found - exact).max() <= bound, engine
