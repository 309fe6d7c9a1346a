"""When Winograd's algorithm pays."""

from __future__ import annotations

from ..shapes import ConvolutionShape


def tile_for(shape: ConvolutionShape, batch_hint: int, purpose: str) -> int:
    """Return the tile, 4 or 2, or 0 where plain convolution is faster."""
    return 0 if min(shape.channels, shape.filters) < 16 else 4
