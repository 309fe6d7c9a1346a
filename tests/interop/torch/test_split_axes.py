"""Receptive fields after reshapes that split rows and columns match PyTorch's gradients."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import convscope as cs
from interop.torch.linearized import linearized, seen_by


class Patches(nn.Module):
    """Space-to-depth written with view and permute."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        n, c, h, w = x.shape
        split = x.view(n, c, h // 2, 2, w // 3, 3)
        return split.permute(0, 3, 5, 1, 2, 4).reshape(n, c * 6, h // 2, w // 3)


@pytest.mark.parametrize("channels", [1, 3])
def test_pixel_unshuffle_and_views_keep_receptive_field(channels):
    shape = (channels, 12, 18)
    for split, width in ((nn.PixelUnshuffle(2), 4), (Patches(), 6)):
        module = nn.Sequential(split, nn.Conv2d(channels * width, 4, 3, padding=1), nn.PixelShuffle(2))
        unit = (5, 6)
        box = cs.from_torch(module.eval(), shape).field("2", at=unit).box
        assert box == seen_by(linearized(module), "2", shape, unit)
