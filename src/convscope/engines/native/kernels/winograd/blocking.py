"""Blocking of a Winograd convolution: tiles into blocks, filters into groups, both into register tiles."""

from __future__ import annotations

from ...codegen.target import Target
from ...ir import Index, minimum
from ..common.shapes import ConvolutionShape, Pair
from .matrices import TRANSFORMS, Transforms

CACHE_NUMBERS = 1 << 16
"""Channels times tiles of a block, at most, unless the block is small."""
PARTS_FLOATS = 5 << 18
"""What the parts of a weight gradient may have in all: reading them again costs more than idle threads."""


def transforms_of(shape: ConvolutionShape, tile: int) -> Transforms:
    """Return the transforms for a tile, or raise if it does not apply."""
    plain = (shape.kernel, shape.stride, shape.dilation, shape.groups) == ((3, 3), (1, 1), (1, 1), 1)
    if not plain or tile not in TRANSFORMS:
        raise ValueError(f"Winograd's algorithm is for 3×3, stride 1, tile 2 or 4; got {shape}, {tile}")
    return TRANSFORMS[tile]


def tiles_of(shape: ConvolutionShape, tile: int) -> Pair:
    """Return how many tiles cover the output, down and across."""
    return -(-shape.output[0] // tile), -(-shape.output[1] // tile)


def vectors_of(blocks: int) -> int:
    """Return how many blocks of filters a register tile covers: a divisor of all of them."""
    return next(count for count in (2, 3, 1) if blocks % count == 0)


def heights_of(target: Target, vectors: int) -> tuple[int, ...]:
    """Return the possible tiles of a register tile, largest first; smaller ones are for the remainder.

    A tile that fills every register leaves LLVM none to move things with, and processors that do not multiply and
    add in one instruction need more: each product takes a register before it is added. On ARM no operand is in
    memory: each row's number takes a register, and LLVM reads those of two steps at once.
    """
    if target.width == 4:
        most = min((9 if target.is_x86 else 16) // vectors, target.registers // 2)
        most = most // 4 * 4 or most
    else:
        most = min(3 * target.registers // (4 * vectors), target.registers // 2)
    return tuple(dict.fromkeys((most, -(-2 * most // 3), -(-most // 3))))


def most_tiles(shape: ConvolutionShape, raw_weights: bool) -> int:
    """Return the maximum number of tiles transformed and multiplied together.

    Where weights are transformed again for each block, blocks are as large as a last-level cache allows.
    """
    return max(48, min(128, CACHE_NUMBERS // shape.channels) // 4 * 4) if raw_weights else 56


def cut(number: Index, parts: int | Index, total: Index) -> tuple[Index, Index]:
    """Return the range of a part of the tiles: multiples of four, as even as possible."""
    fours = (total + 3) // 4
    return number * fours // parts * 4, minimum((number + 1) * fours // parts * 4, total)


def gradient_block_tiles() -> int:
    """Return the tiles of a block of the weight gradient: a multiple of what its products unroll.

    Each block adds to sums that lie in memory, so a block has many products for each of them.
    """
    return 64


def gradient_chunk_of(shape: ConvolutionShape) -> int:
    """Return how many groups of filters a piece of the weight gradient's work covers.

    The inputs are transformed again for each piece: 64 filters outweigh that.
    """
    vectors = vectors_of(shape.filter_blocks)
    return _divisor(shape.filter_blocks // vectors, 64 // (vectors * shape.lanes))


def slices_for(shape: ConvolutionShape, batch_hint: int, tile: int) -> int:
    """Return the number of parts of the sum over tiles: enough for eight work items, if parts stay small.

    Few tiles make four: each part is written and read once more.
    """
    groups = shape.filter_blocks // vectors_of(shape.filter_blocks)
    floats = transforms_of(shape, tile).planes * shape.channels * shape.filter_blocks * shape.lanes
    down, across = tiles_of(shape, tile)
    pieces = 8 if batch_hint * down * across >= 8 * 48 else 4
    return max(1, min(pieces * gradient_chunk_of(shape) // groups, PARTS_FLOATS // floats))


def _divisor(count: int, most: int) -> int:
    """Return the largest divisor of `count` that is at most `most`, or 1."""
    return next((size for size in range(min(most, count), 1, -1) if count % size == 0), 1)
