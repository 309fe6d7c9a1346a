"""Tile sizes of a convolution, from its sizes and the number of registers."""

from __future__ import annotations

from dataclasses import dataclass

from ..common.gemm_tile import evenly

MOST_VECTORS = 6
REGISTERS = {4: 12, 8: 16, 16: 32}
"""Vector registers by lanes, as every such processor has; SSE needs some for its products."""
ENOUGH_SUMS = 12
"""Sums that keep the multipliers busy: more would only make longer code."""
NARROW = 7
"""Rows up to so long are put into one tile with the rows below them."""


@dataclass(frozen=True)
class Tile:
    """Results accumulated in registers: blocks of filters × rows × columns of the image."""

    vectors: int
    rows: int
    columns: int


def best_tile(lanes: int, blocks: int, rows: int, columns: int) -> Tile:
    """Return the tile with the fewest cycles for these filter blocks, by a simple model."""
    registers = REGISTERS[lanes]
    candidates = [
        Tile(vectors, high, wide)
        for vectors in range(1, min(MOST_VECTORS, blocks) + 1)
        for high in range(1, rows + 1 if columns <= NARROW else 2)
        for wide in range(1, min(columns, (registers - vectors - 1) // vectors // high) + 1)
        if high == 1 or wide == columns
    ]
    return min(candidates, key=lambda tile: _cycles(tile, blocks, rows, columns))


def across_tile(lanes: int, channels: int, columns: int) -> Tile:
    """Return the tile whose results are whole vectors until their lanes are summed."""
    most = min(-(-ENOUGH_SUMS // channels), (REGISTERS[lanes] - channels - 1) // channels)
    return Tile(channels, 1, min(columns, max(most, 1)))


def _cycles(tile: Tile, blocks: int, rows: int, columns: int) -> float:
    """Return the cycles for one step of the depth, for all tiles.

    Two multiply-adds and two loads start in a cycle, and a multiply-add takes four: sums must wait for themselves
    where a tile has fewer than eight. Loads cost a little even when they fit in between, and weights more so: they
    come from farther away.
    """
    total = 0.0
    for vectors in evenly(blocks, tile.vectors):
        for high in evenly(rows, tile.rows):
            for wide in evenly(columns, tile.columns):
                pixels = high * wide
                total += max(vectors * pixels / 2, (vectors + pixels) / 2, 4) + vectors / 8 + pixels / 64
    return total
