"""Selection of the algorithm of a convolution."""

from __future__ import annotations

from ..kernels.common.shapes import ConvolutionShape
from ..kernels.winograd.choice import tile_for
from .cache import measured_tile

DIRECT = 0


def can_choose(shape: ConvolutionShape) -> bool:
    """Say whether Winograd's algorithm applies to a convolution."""
    plain_window = shape.kernel == (3, 3) and shape.stride == shape.dilation == (1, 1) and shape.groups == 1
    return plain_window and max(shape.before) <= 2


def winograd_tile(shape: ConvolutionShape, batch_hint: int, purpose: str, strict: bool) -> int:
    """Return the tile of Winograd's algorithm for a pass, 4 or 2, or DIRECT: measured, or by the cost model.

    `purpose` is "forward", "input gradient", "weight gradient" or, with weights transformed once, "inference".
    """
    if strict or not can_choose(shape):
        return DIRECT
    measured = measured_tile(shape, batch_hint, purpose)
    return tile_for(shape, batch_hint, purpose) if measured is None else measured


def why(tile: int, shape: ConvolutionShape, strict: bool) -> str:
    """Return the reason for a choice, for the plan table."""
    if tile:
        saved = {2: "2.25", 4: "4"}[tile]
        return f"F({tile},3): {saved} times fewer multiplications"
    if strict:
        return "direct: strict precision"
    if not can_choose(shape):
        return "direct: not 3×3 with stride 1"
    return "direct: too small for Winograd's transforms to pay"
