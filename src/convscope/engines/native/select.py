"""Which algorithm computes a convolution."""

from __future__ import annotations

from .kernels.shapes import ConvolutionShape
from .kernels.winograd.choice import tile_for

DIRECT = 0


def winograd_tile(shape: ConvolutionShape, batch_hint: int, purpose: str, strict: bool) -> int:
    """Return the tile of Winograd's algorithm for a pass, 4 or 2, or DIRECT.

    `purpose` is "forward", "input gradient", "weight gradient" or, with weights transformed once, "inference".
    """
    fits = shape.kernel == (3, 3) and shape.stride == shape.dilation == (1, 1) and shape.groups == 1
    if strict or not fits or max(shape.before) > 2:
        return DIRECT
    return tile_for(shape, batch_hint, purpose)


def why(tile: int, shape: ConvolutionShape, strict: bool) -> str:
    """Return the reason for a choice, for people."""
    if tile:
        saved = {2: "2.25", 4: "4"}[tile]
        return f"F({tile},3): {saved} times fewer multiplications"
    if strict:
        return "direct: strict precision"
    if shape.kernel != (3, 3) or shape.stride != (1, 1) or shape.dilation != (1, 1) or shape.groups != 1:
        return "direct: not 3×3 with stride 1"
    return "direct: too small for Winograd's transforms to pay"
