"""Selection of the algorithm of each convolution: as tuned, or by a cost model.

Costs are in multiply-adds at full speed, as measured on two cores with vectors of 16 floats. Transforms are
additions and memory accesses, so they count by the values moved. A transformed weight is read once, and in
training written first; a weight gradient writes and reads every part.
"""

from __future__ import annotations

from ....text.language import Message
from ..kernels.common.shapes import ConvolutionShape
from ..kernels.winograd.blocking import most_tiles, slices_for, tiles_of, transforms_of
from ..layout import blocks_of
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


def why(tile: int, shape: ConvolutionShape, strict: bool) -> Message:
    """Return the reason for a choice, for the plan table."""
    if tile:
        fewer = {2: "2.25", 4: "4"}[tile]
        return Message("F({tile},3): {fewer} times fewer multiplications", tile=tile, fewer=fewer)
    if strict:
        return Message("direct: strict precision")
    if not can_choose(shape):
        return Message("direct: not 3×3 with stride 1")
    return Message("direct: too small for Winograd's transforms to pay")


TRANSFORM = {2: 150, 4: 450}
"""Cost per tile and channel, input and output."""
READ, READ_FAR, WRITE, PART, RAW, TRANSPOSE = 4, 10, 6, 16, 8, 4
"""Cost per transformed weight: read from the cache, read from memory, written, written and read as a part,
transformed for one block of tiles, transposed before that."""
MAX_RAW_BLOCKS, MIN_RAW_TILES = 4, 32
"""Blocks of tiles for each of which weights may be re-transformed, and tiles from which that is cheap."""
CACHE_FLOATS = 1 << 22
"""Transformed weights that fit the last-level cache."""
MARGIN = 0.85
"""Winograd must be faster by this factor to be worth its rounding errors."""


def tile_for(shape: ConvolutionShape, batch_hint: int, purpose: str) -> int:
    """Return the tile that the cost model selects: 4, 2, or 0 if direct convolution is faster.

    `purpose` is "forward", "input gradient", "weight gradient" or, with weights transformed once, "inference".
    """
    weights = 9 * shape.channels * shape.filters
    plain = shape.macs(batch_hint) + READ * weights
    plain += WRITE * weights if purpose == "input gradient" else 0
    two, four = (_cost(shape, batch_hint, purpose, tile) for tile in (2, 4))
    tile, cost = (2, two) if two < MARGIN * four else (4, four)
    return tile if cost < MARGIN * plain else 0


def raw_weights(shape: ConvolutionShape, batch_hint: int, tile: int, transposed: bool) -> bool:
    """Say whether the convolution kernel of a training step should transform the weights itself.

    Writing and reading transformed weights costs more than transforming them a few times, except for very few
    tiles while the weights fit the cache and need no transposition.
    """
    down, across = tiles_of(shape, tile)
    tiles = batch_hint * down * across
    if blocks_of(tiles, most_tiles(shape, True)) > MAX_RAW_BLOCKS:
        return False
    weights = transforms_of(shape, tile).planes * shape.channels * shape.filters
    return transposed or tiles >= MIN_RAW_TILES or weights > CACHE_FLOATS


def _cost(shape: ConvolutionShape, batch: int, purpose: str, tile: int) -> float:
    """Return the cost of a pass in multiply-adds."""
    down, across = tiles_of(shape, tile)
    tiles, planes = batch * down * across, transforms_of(shape, tile).planes
    channels, filters = (blocks_of(count, shape.lanes) * shape.lanes for count in (shape.channels, shape.filters))
    weights = planes * shape.channels * shape.filters
    transposed = purpose == "input gradient"
    if purpose == "weight gradient":
        moved = PART * slices_for(shape, batch, tile) * weights
    elif purpose != "inference" and raw_weights(shape, batch, tile, transposed):
        moved = (RAW + TRANSPOSE * transposed) * blocks_of(tiles, most_tiles(shape, True)) * weights
    else:
        moved = (READ if weights <= CACHE_FLOATS else READ_FAR) * weights
        moved += 0 if purpose == "inference" else WRITE * weights
    return tiles * planes * shape.channels * filters + tiles * (channels + filters) * TRANSFORM[tile] + moved
