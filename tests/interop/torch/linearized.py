"""Receptive fields by PyTorch's gradients, without the package's arithmetic.

A copy of a module is linear and has positive weights, so that nothing cancels: a pixel's gradient is positive exactly
in the receptive field.
"""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn


def linearized(module: nn.Module) -> nn.Module:
    """Return a copy in double precision: weights and fixed kernels 1, no bias, no activations, gates open, maxima means."""
    copied = copy.deepcopy(module).to_empty(device="cpu").double()
    for one in list(copied.modules()):
        for name, child in list(one.named_children()):
            setattr(one, name, _linear(child))
    with torch.no_grad():
        for name, parameter in copied.named_parameters():
            parameter.fill_(0 if name.endswith("bias") else 1)
        for name, buffer in copied.named_buffers():
            buffer.fill_(1 if "var" in name or buffer.dim() > 1 else 0)
    return copied


class Open(nn.Module):
    """A gate that is always open."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.ones_like(x)


def _linear(module: nn.Module) -> nn.Module:
    if isinstance(module, nn.ReLU | nn.ReLU6 | nn.SiLU | nn.Hardswish):
        return nn.LeakyReLU(1.0)
    if isinstance(module, nn.Hardsigmoid):
        return Open()
    if isinstance(module, nn.MaxPool2d):
        return nn.AvgPool2d(module.kernel_size, module.stride, module.padding, module.ceil_mode)
    return module


class Reached(Exception):
    """The output is there; the rest of the forward pass is left out."""

    def __init__(self, output: torch.Tensor) -> None:
        super().__init__()
        self.output = output


def _stop(_module: nn.Module, _inputs: object, output: torch.Tensor) -> None:
    raise Reached(output)


def seen_by(module: nn.Module, path: str, shape: tuple[int, ...], unit: tuple[int, int]) -> tuple[int, ...]:
    """Return the box of pixels with a gradient of one unit of the output of a module inside, all channels together.

    The box is top, left, bottom, right, the last two behind the last pixel.
    """
    image = torch.rand((1, *shape), dtype=torch.float64, requires_grad=True)
    hook = module.get_submodule(path).register_forward_hook(_stop)
    with pytest.raises(Reached) as reached:
        module(image)
    hook.remove()
    reached.value.output[0, :, unit[0], unit[1]].sum().backward()
    pixels = (image.grad[0].abs().sum(0) > 0).nonzero()
    (top, left), (bottom, right) = pixels.min(0).values.tolist(), (pixels.max(0).values + 1).tolist()
    return top, left, bottom, right
