"""Comparison of imported modules with PyTorch: shapes, parameters, MACs and values."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

import convscope as cs
from convscope.layers import Opaque

RELATIVE = 1e-5
"""Largest difference of two results, relative to the largest value."""


def randomized(module: nn.Module, seed: int = 0) -> nn.Module:
    """Randomize all parameters and running statistics, so that none is 0 or 1."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, array in [*module.named_parameters(), *module.named_buffers()]:
            if array.is_floating_point():
                spread = 1.0 if array.dim() < 2 else array[0].numel() ** -0.5
                array.copy_(torch.randn(array.shape, generator=generator) * spread)
                if "var" in name:
                    array.abs_().add_(0.5)
    return module.eval()


def images(shape: tuple[int, ...], count: int = 3, seed: int = 1) -> torch.Tensor:
    return torch.randn((count, *shape), generator=torch.Generator().manual_seed(seed))


def tensors(result: Any) -> list[torch.Tensor]:
    if isinstance(result, torch.Tensor):
        return [result]
    return [one for part in (result.values() if isinstance(result, dict) else result) for one in tensors(part)]


def macs_of(module: nn.Module, x: torch.Tensor) -> int:
    """Return PyTorch's own count of multiply-adds for one image; attention is counted in its parts."""
    kernels = torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH)
    with torch.no_grad(), kernels, FlopCounterMode(display=False) as counter:
        module(x[:1])
    return counter.get_total_flops() // 2


def unknown(network: cs.Network) -> list[str]:
    return [node.layer.operator for node in network.layers if isinstance(node.layer, Opaque)]


def same_values(module: nn.Module, shape: tuple[int, ...], x: torch.Tensor | None = None) -> cs.Model:
    """Run the module here and in PyTorch on the same images."""
    x = images(shape) if x is None else x
    model = cs.from_torch(module, shape, parameters=True)
    assert unknown(model.network) == []
    ours = model.activations(x.numpy().astype(np.float32))
    with torch.no_grad():
        theirs = tensors(module(x))
    named = [node.name for node in model.network.outputs]
    assert len(named) == len(theirs)
    for name, their in zip(named, theirs, strict=True):
        expected = their.numpy().reshape(len(x), *model.network[name].output_shape)
        scale = np.abs(expected).max()
        np.testing.assert_allclose(ours[name], expected, rtol=RELATIVE, atol=RELATIVE * scale)
    return model


def same_as_pytorch(module: nn.Module, shape: tuple[int, ...], x: torch.Tensor | None = None) -> cs.Network:
    """Compare everything; return the network."""
    randomized(module)
    x = images(shape) if x is None else x
    model = same_values(module, shape, x)
    totals = cs.inspect(model.network).totals
    assert totals.params == sum(p.numel() for p in module.parameters())
    assert totals.macs == macs_of(module, x)
    return model.network
