"""The gradient of the weights by Winograd's algorithm: summed over transformed tiles, then transformed back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...codegen.kernel import Kernel, own_scratch
from ...codegen.target import Target
from ...ir import Code, Index, Mask, Pointer, Vector, minimum
from ...layout import FilterBlocks
from ..common.gemm_tile import UNROLL, Operands, accumulate, evenly, most_rows
from ..common.shapes import ConvolutionShape
from .blocking import cut, gradient_block_tiles, gradient_chunk_of, tiles_of, transforms_of, vectors_of
from .tiles import Spread, TransformedPlanes
from .weights import TAPS, u_floats


@dataclass(frozen=True)
class WinogradWeightGradient(Kernel):
    """Sum transformed inputs times transformed gradients over the tiles: one part for each slice of the batch.

    A piece of work is a slice of the tiles, block by block, and a chunk of the filters. How tiles fall into slices
    is decided by the batch alone. Each part is written, not added to.

    Shapes:   x Blocked(channels), dy Blocked(filters), parts (slices, u)
    """

    shape: ConvolutionShape
    tile: int
    slices: int

    @property
    def pointers(self) -> tuple[str, ...]:
        return ("x", "dy", "parts")

    @property
    def numbers(self) -> tuple[str, ...]:
        return ("batch",)

    @property
    def block(self) -> int:
        """Return the tiles of a block."""
        return gradient_block_tiles()

    @property
    def vectors(self) -> int:
        """Return the blocks of filters of a group."""
        return vectors_of(self.shape.filter_blocks)

    @property
    def groups(self) -> int:
        """Return the groups of filters."""
        return self.shape.filter_blocks // self.vectors

    @property
    def chunk(self) -> int:
        """Return the groups of filters of a piece of work."""
        return gradient_chunk_of(self.shape)

    def items(self, batch: int) -> int:
        return self.slices * (self.groups // self.chunk)

    def macs(self, batch: int) -> int:
        return self.shape.macs(batch)

    def scratch_floats(self, target: Target) -> int:
        """Return the floats for a block: strips, transformed inputs, transformed gradients."""
        planes = transforms_of(self.shape, self.tile).planes
        strips = self._inputs.scratch_floats + self._gradients.scratch_floats
        return strips + planes * (self._left.plane + self._right.plane)

    @property
    def _inputs(self) -> Spread:
        shape, transform = self.shape, transforms_of(self.shape, self.tile).input
        tiles, image = tiles_of(shape, self.tile), (shape.height, shape.width)
        return Spread(transform, self.tile, shape.before, tiles, shape.channel_blocks, *image, shape.lanes)

    @property
    def _gradients(self) -> Spread:
        shape, transform = self.shape, transforms_of(self.shape, self.tile).output_gradient
        tiles = tiles_of(shape, self.tile)
        return Spread(transform, self.tile, (0, 0), tiles, shape.filter_blocks, *shape.output, shape.lanes)

    @property
    def _left(self) -> TransformedPlanes:
        lanes, block = self.shape.lanes, self.block * self.shape.lanes
        return TransformedPlanes(lanes, block, block * self.shape.channel_blocks + lanes)

    @property
    def _right(self) -> TransformedPlanes:
        lanes, width = self.shape.lanes, self.chunk * self.vectors
        return TransformedPlanes(width * lanes, lanes, self.block * width * lanes + lanes)

    def write(self, code: Code) -> None:
        down, across = tiles_of(self.shape, self.tile)
        total, chunks = code.number("batch") * (down * across), self.groups // self.chunk
        strip = own_scratch(self, code)
        other_strip = strip + self._inputs.scratch_floats
        left = other_strip + self._gradients.scratch_floats
        right = left + self._left.plane * transforms_of(self.shape, self.tile).planes
        self._inputs.prepare(code, strip)
        self._gradients.prepare(code, other_strip)
        with code.loop(code.first, code.last) as item:
            slice_, chunk = item.index // chunks, item.index % chunks
            first_filters = chunk * (self.chunk * self.vectors)
            out = (
                code.pointer("parts") + slice_ * u_floats(self.shape, self.tile) + first_filters * self._out_block
            )
            begin, end = cut(slice_, self.slices, total)
            with code.when(end <= begin):
                self._clear(code, out)
            with code.loop(begin, end, self.block) as start:
                tiles = (start.index, minimum(start.index + self.block, end))
                # One block may serve several chunks that follow each other.
                with code.when(
                    ~start.index.eq(begin) | item.index.eq(code.first) | (end - begin > self.block) | chunk.eq(0)
                ):
                    whole = (0, self.shape.channel_blocks)
                    self._inputs.write(code, code.pointer("x"), left, self._left, strip, tiles, whole)
                part = (first_filters, self.chunk * self.vectors)
                self._gradients.write(code, code.pointer("dy"), right, self._right, other_strip, tiles, part)
                self._fill(code, left, right, tiles[1] - tiles[0])
                self._multiply(code, left, right, out, tiles[1] - tiles[0], start.index.eq(begin))

    @property
    def _out_plane(self) -> int:
        return self.shape.channels * self.shape.lanes

    @property
    def _out_block(self) -> int:
        return transforms_of(self.shape, self.tile).planes * self._out_plane

    def _clear(self, code: Code, out: Pointer) -> None:
        """Write the part of a slice without tiles."""
        with code.loop(0, self.chunk * self.vectors * self._out_block, self.shape.lanes) as at:
            out.store(code.constant(0), at.index)

    def _fill(self, code: Code, left: Pointer, right: Pointer, count: Index) -> None:
        """Add zero tiles up to a multiple of the product's unrolling."""
        planes = transforms_of(self.shape, self.tile).planes
        with code.loop(count, _whole(count)) as tile, code.loop(0, planes) as plane:
            for start, own, blocks in (
                (left, self._left, self.shape.channel_blocks),
                (right, self._right, self.chunk * self.vectors),
            ):
                place = start + tile.index * own.tile + plane.index * own.plane
                with code.loop(0, blocks) as block:
                    place.store(code.constant(0), block.index * own.block)

    def _multiply(self, code: Code, left: Pointer, right: Pointer, out: Pointer, count: Index, new: Mask) -> None:
        shape, lanes = self.shape, self.shape.lanes
        whole, rest = divmod(shape.channels, lanes)
        most, depth = min(most_rows(code.target, self.vectors), max(4, lanes // 2)), _whole(count)
        planes = transforms_of(shape, self.tile).planes
        with code.loop(0, planes) as plane, code.loop(0, self.chunk) as group:
            left_plane = left + plane.index * self._left.plane
            columns = right + plane.index * self._right.plane + group.index * (self.vectors * lanes)
            place = out + plane.index * self._out_plane + group.index * (self.vectors * self._out_block)
            if whole:
                with code.loop(0, whole) as block:
                    rows = left_plane + block.index * self._left.block
                    at = place + block.index * (lanes * lanes)
                    self._channels(code, rows, columns, at, evenly(lanes, most), depth, new)
            if rest:
                rows, at = left_plane + whole * self._left.block, place + whole * lanes * lanes
                self._channels(code, rows, columns, at, evenly(rest, most), depth, new)

    def _channels(
        self,
        code: Code,
        left: Pointer,
        right: Pointer,
        out: Pointer,
        parts: Sequence[int],
        depth: Index,
        new: Mask,
    ) -> None:
        """Multiply the channels of a block in parts; equal parts share their code."""
        start = 0
        for size in dict.fromkeys(parts):
            count = parts.count(size)
            with code.loop(0, count) as part:
                first = part.index * size + start
                rows, at = left + first, out + first * self.shape.lanes
                operands = Operands(
                    range(size),
                    self._left.tile,
                    [v * self._right.block for v in range(self.vectors)],
                    self._right.tile,
                )
                totals = accumulate(code, code.zeros(size * self.vectors), rows, right, operands, depth)
                self._store(code, totals, at, new)
            start += size * count

    def _store(self, code: Code, totals: Sequence[Vector], out: Pointer, new: Mask) -> None:
        places = [
            number // self.vectors * self.shape.lanes + number % self.vectors * self._out_block
            for number in range(len(totals))
        ]
        with code.when(new):
            for total, place in zip(totals, places, strict=True):
                out.store(total, place)
        with code.when(~new):
            for total, place in zip(totals, places, strict=True):
                out.store(out.load(place) + total, place)


def _whole(count: Index) -> Index:
    """Return the next multiple of the steps that a product unrolls."""
    return (count + (UNROLL - 1)) // UNROLL * UNROLL


@dataclass(frozen=True)
class WinogradWeightGradientFinish(Kernel):
    """Add the parts, and transform the sum to a gradient of the weights: Gᵀ·u·G.

    Shapes:   parts (slices, u), dweight FilterBlocks
    """

    shape: ConvolutionShape
    tile: int
    slices: int

    @property
    def pointers(self) -> tuple[str, ...]:
        return ("parts", "dweight")

    def items(self, batch: int) -> int:
        return self.shape.filter_blocks * self.shape.channel_blocks

    def scratch_floats(self, target: Target) -> int:
        return self.shape.lanes * self._column_floats

    def write(self, code: Code) -> None:
        shape, lanes = self.shape, self.shape.lanes
        transforms = transforms_of(shape, self.tile)
        weights = FilterBlocks(shape.filters, shape.channels, shape.kernel, lanes)
        with code.loop(code.first, code.last) as item:
            block, part = item.index // shape.channel_blocks, item.index % shape.channel_blocks
            own = minimum(shape.channels - part * lanes, lanes)
            source = code.pointer("parts") + (block * transforms.planes * shape.channels + part * lanes) * lanes
            target = code.pointer("dweight") + block * weights.block_floats + part * (TAPS * lanes * lanes)
            real = code.first_lanes(shape.filters - block * lanes) if shape.filters % lanes else None
            columns = self._columns(code, source, own)
            with code.loop(0, own) as channel:
                start, place = columns + channel.index * self._column_floats, target + channel.index * lanes
                for i in range(3):
                    row = [start.load((j * 3 + i) * lanes) for j in range(transforms.size)]
                    for j, value in enumerate(transforms.weight_gradient.apply(row)):
                        kept = value if real is None else real.select(value, 0)
                        place.store(kept, own * ((3 * i + j) * lanes))

    @property
    def _column_floats(self) -> int:
        """Return the floats of a tile's transformed columns, three numbers each."""
        return 3 * transforms_of(self.shape, self.tile).size * self.shape.lanes

    def _columns(self, code: Code, source: Pointer, own: Index) -> Pointer:
        """Add and transform the columns of a block's tiles, into scratch memory."""
        transforms, lanes, scratch = (
            transforms_of(self.shape, self.tile),
            self.shape.lanes,
            own_scratch(self, code),
        )
        plane = self.shape.channels * lanes
        for j in range(transforms.size):
            with code.loop(0, own) as channel:
                start, place = source + channel.index * lanes, scratch + channel.index * self._column_floats
                numbers = [self._sum(start, (i * transforms.size + j) * plane) for i in range(transforms.size)]
                for i, value in enumerate(transforms.weight_gradient.apply(numbers)):
                    place.store(value, (j * 3 + i) * lanes)
        return scratch

    def _sum(self, start: Pointer, at: int) -> Vector:
        every = u_floats(self.shape, self.tile)
        total = start.load(at)
        for number in range(1, self.slices):
            total = total + start.load(at + number * every)
        return total
