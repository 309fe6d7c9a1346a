"""When Winograd's algorithm pays, by a count of what both ways cost.

Costs are in multiply-adds at full speed, as measured on two cores with vectors of 16 floats: transforms are
additions and memory, so they count by numbers moved. A transformed weight is read once, and in training written
first; a weight gradient writes and reads every part.
"""

from __future__ import annotations

from ...layout import blocks_of
from ..common.shapes import ConvolutionShape
from .blocking import most_tiles, slices_for, tiles_of, transforms_of

TRANSFORM = {2: 150, 4: 450}
"""For each tile and channel, in and out."""
READ, READ_FAR, WRITE, PART, RAW, TURN = 4, 10, 6, 16, 8, 4
"""For each transformed weight: read once from a cache, from memory, written, written and read as a part, made
for one block of tiles, turned around before that."""
MOST_RAW_BLOCKS, LEAST_RAW_TILES = 4, 32
"""Blocks of tiles for each of which weights may be transformed again; tiles for which that costs little."""
CACHE_FLOATS = 1 << 22
"""Transformed weights that stay in a last-level cache."""
MARGIN = 0.85
"""The faster way must be that much faster to be worth its rounding errors."""


def tile_for(shape: ConvolutionShape, batch_hint: int, purpose: str) -> int:
    """Return the tile, 4 or 2, or 0 where plain convolution is faster.

    `purpose` is "forward", "input gradient", "weight gradient" or, with weights transformed once, "inference".
    """
    weights = 9 * shape.channels * shape.filters
    plain = shape.macs(batch_hint) + READ * weights
    plain += WRITE * weights if purpose == "input gradient" else 0
    two, four = (_cost(shape, batch_hint, purpose, tile) for tile in (2, 4))
    tile, cost = (2, two) if two < MARGIN * four else (4, four)
    return tile if cost < MARGIN * plain else 0


def raw_weights(shape: ConvolutionShape, batch_hint: int, tile: int, transposed: bool) -> bool:
    """Say whether a training step's convolution does best to transform its weights itself, as it needs them.

    That saves to write and read them, which costs more than to transform them a few times. For very few tiles it
    does not, while they stay in a cache and need not be turned around.
    """
    down, across = tiles_of(shape, tile)
    tiles = batch_hint * down * across
    if blocks_of(tiles, most_tiles(shape, True)) > MOST_RAW_BLOCKS:
        return False
    weights = transforms_of(shape, tile).planes * shape.channels * shape.filters
    return transposed or tiles >= LEAST_RAW_TILES or weights > CACHE_FLOATS


def _cost(shape: ConvolutionShape, batch: int, purpose: str, tile: int) -> float:
    """Return the multiply-adds' worth of a pass."""
    down, across = tiles_of(shape, tile)
    tiles, planes = batch * down * across, transforms_of(shape, tile).planes
    channels, filters = (blocks_of(count, shape.lanes) * shape.lanes for count in (shape.channels, shape.filters))
    weights = planes * shape.channels * shape.filters
    transposed = purpose == "input gradient"
    if purpose == "weight gradient":
        moved = PART * slices_for(shape, batch, tile) * weights
    elif purpose != "inference" and raw_weights(shape, batch, tile, transposed):
        moved = (RAW + TURN * transposed) * blocks_of(tiles, most_tiles(shape, True)) * weights
    else:
        moved = (READ if weights <= CACHE_FLOATS else READ_FAR) * weights
        moved += 0 if purpose == "inference" else WRITE * weights
    return tiles * planes * shape.channels * filters + tiles * (channels + filters) * TRANSFORM[tile] + moved
