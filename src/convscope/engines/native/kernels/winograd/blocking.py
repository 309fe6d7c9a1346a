"""How a Winograd convolution is cut: tiles into blocks, filters into groups, both into register tiles."""

from __future__ import annotations

from ...target import Target
from ..shapes import ConvolutionShape, Pair
from .matrices import TRANSFORMS, Transforms

PARTS_FLOATS = 5 << 18
"""What the parts of a weight gradient may have in all: reading them again costs more than idle threads."""


def transforms_of(shape: ConvolutionShape, tile: int) -> Transforms:
    """Return the transforms for a tile, or say what is in the way."""
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
    """Return the tiles a register tile may have, most first: the smaller ones are for what remains.

    A tile that fills every register leaves LLVM none to move things with, and processors that do not multiply and
    add in one instruction need one more.
    """
    most = min(target.registers * 3 // (4 * vectors), target.registers // 2)
    if target.width == 4:
        most -= most % 4
    return tuple(dict.fromkeys((most, -(-2 * most // 3), -(-most // 3))))


def block_tiles(shape: ConvolutionShape, tile: int) -> int:
    """Return the tiles that are transformed and multiplied together: some 48, and equal parts of a picture.

    One picture's work must divide, too. Small maps share a block.
    """
    down, across = tiles_of(shape, tile)
    picture = down * across
    if picture < 24:
        return 48
    equal = -(-picture // -(-picture // 56))
    return -(-equal // 4) * 4


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


def slices_for(shape: ConvolutionShape, tile: int) -> int:
    """Return into how many parts the sum over tiles is cut: for eight pieces of work, if parts stay small."""
    groups = shape.filter_blocks // vectors_of(shape.filter_blocks)
    floats = transforms_of(shape, tile).planes * shape.channels * shape.filter_blocks * shape.lanes
    return max(1, min(8 * gradient_chunk_of(shape) // groups, PARTS_FLOATS // floats))


def _divisor(count: int, most: int) -> int:
    """Return the largest divisor of `count` that is at most `most`, or 1."""
    return next((size for size in range(min(most, count), 1, -1) if count % size == 0), 1)
