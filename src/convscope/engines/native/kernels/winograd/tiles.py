"""Winograd transforms between images and tiles.

The input transform takes columns first, into a strip shared by neighboring tiles, then rows. The output transform
is fused with the convolution's epilogue.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ...ir import Code, Index, Mask, Pointer, Vector, maximum, minimum
from ..activation.pointwise import EpilogueFunction
from ..common.shapes import Pair
from .matrices import Transform


@dataclass(frozen=True)
class TransformedPlanes:
    """The layout of transformed tiles: distances, in floats, between tiles, blocks and elements."""

    tile: int
    block: int
    plane: int


@dataclass(frozen=True)
class Spread:
    """Transforms tiles of blocked images; tile (i, j) starts at (i·step − before, j·step − before).

    Tiles are numbered along rows, then down the image, then from image to image. Whatever lies outside the
    image counts as zero.
    """

    transform: Transform
    step: int
    before: Pair
    tiles: Pair
    blocks: int
    height: int
    width: int
    lanes: int

    @property
    def strip_columns(self) -> int:
        """Return the columns that a whole row of tiles reads."""
        return (self.tiles[1] - 1) * self.step + self.transform.inputs

    @property
    def scratch_floats(self) -> int:
        return self.strip_columns * self._column + self.width * self.lanes

    @property
    def _column(self) -> int:
        return self.transform.outputs * self.lanes

    def prepare(self, code: Code, scratch: Pointer) -> None:
        """Fill the row of zeros; once for each call of a kernel."""
        zeros = scratch + self.strip_columns * self._column
        with code.loop(0, self.width) as column:
            zeros.store(code.constant(0), column.index * self.lanes)

    def write(
        self,
        code: Code,
        source: Pointer,
        target: Pointer,
        planes: TransformedPlanes,
        scratch: Pointer,
        tiles: tuple[Index, Index],
        blocks: tuple[int | Index, int],
    ) -> None:
        first, last = tiles
        across, down = self.tiles[1], self.tiles[0]
        with code.loop(first // across, (last - 1) // across + 1) as row:
            begin, end = maximum(first, row.index * across), minimum(last, (row.index + 1) * across)
            left = (begin - row.index * across) * self.step - self.before[1]
            reached = left + (end - begin - 1) * self.step + self.transform.inputs
            self._clear(code, scratch, left, reached)
            image = source + (row.index // down * self.blocks + blocks[0]) * self._block
            top = row.index % down * self.step - self.before[0]
            with code.loop(0, blocks[1]) as block:
                start = image + block.index * self._block
                self._columns(code, start, scratch, top, (left, reached))
                place = target + block.index * planes.block + (begin - first) * planes.tile
                self._rows(code, scratch, place, planes, end - begin)

    @property
    def _block(self) -> int:
        return self.height * self.width * self.lanes

    def _clear(self, code: Code, strip: Pointer, left: Index, reached: Index) -> None:
        """Write zeros where the strip is outside the image."""
        beside = []
        if self.before[1]:
            beside.append((left, minimum(reached, 0)))
        if self.strip_columns > self.width + self.before[1]:
            beside.append((maximum(left, self.width), reached))
        for begin, end in beside:
            with code.loop(begin, end) as column:
                for number in range(self.transform.outputs):
                    strip.store(code.constant(0), (column.index - left) * self._column + number * self.lanes)

    def _columns(
        self, code: Code, image: Pointer, strip: Pointer, top: Index, columns: tuple[Index, Index]
    ) -> None:
        """Transform each column of the image; a row outside it is read from the row of zeros.

        The same rows of the next block of channels come next, too far away for a processor to foresee.
        """
        left, reached = columns
        zeros = strip + self.strip_columns * self._column
        rows = []
        for number in range(self.transform.inputs):
            row = top + number
            inside = (row >= 0) & (row < self.height)
            rows.append(inside.select(image + row * (self.width * self.lanes), zeros))
        with code.loop(maximum(left, 0), minimum(reached, self.width)) as column:
            values = self.transform.apply([row.load(column.index * self.lanes) for row in rows])
            for start in rows[self.transform.inputs - self.step :]:
                start.prefetch(column.index * self.lanes + self._block)
            for number, value in enumerate(values):
                strip.store(value, (column.index - left) * self._column + number * self.lanes)

    def _rows(self, code: Code, strip: Pointer, target: Pointer, planes: TransformedPlanes, count: Index) -> None:
        """Transform each tile's rows from the strip."""
        size = self.transform.outputs
        with code.loop(0, count) as tile:
            start, place = strip + tile.index * (self.step * self._column), target + tile.index * planes.tile
            for row in range(size):
                columns = [
                    start.load(column * self._column + row * self.lanes) for column in range(self.transform.inputs)
                ]
                for column, value in enumerate(self.transform.apply(columns)):
                    place.store(value, (row * size + column) * planes.plane)


REGISTERS_AT_WORK = 20
"""Vector registers that a transform of one row or column needs."""


@dataclass(frozen=True)
class Epilogue:
    """The epilogue of an output: bias, residual image, activation function."""

    bias: Pointer | None
    residual: Pointer | None
    activation: EpilogueFunction | None


@dataclass(frozen=True)
class Gather:
    """Transforms tiles of products into blocked images of `filters` channels."""

    transform: Transform
    tiles: Pair
    filters: int
    blocks: int
    height: int
    width: int
    lanes: int

    @property
    def scratch_floats(self) -> int:
        return (self.transform.inputs * self.transform.outputs + 1) * self.lanes

    def write(
        self,
        code: Code,
        source: Pointer,
        target: Pointer,
        planes: TransformedPlanes,
        scratch: Pointer,
        tiles: tuple[Index, Index],
        blocks: tuple[int | Index, int],
        epilogue: Epilogue,
    ) -> None:
        first, last = tiles
        across, down = self.tiles[1], self.tiles[0]
        with code.loop(first, last) as tile:
            row, column = tile.index // across, tile.index % across
            i, j = row % down * self.transform.outputs, column * self.transform.outputs
            corner = (row // down * self.blocks * self.height + i) * self.width + j
            with code.loop(0, blocks[1]) as number:
                block = number.index + blocks[0]
                at = (corner + block * (self.height * self.width)) * self.lanes
                products = source + (tile.index - first) * planes.tile + number.index * planes.block
                rows = self._rows(code, products, planes, scratch)
                self._store(code, rows, (target, at, scratch), (i, j), block, epilogue)

    def _rows(
        self, code: Code, products: Pointer, planes: TransformedPlanes, scratch: Pointer
    ) -> Iterator[list[Vector]]:
        """Yield the rows of a tile with transformed columns: first those that fit in registers."""
        size, lanes = self.transform.inputs, self.lanes
        kept = max(0, code.target.registers - REGISTERS_AT_WORK) // size
        columns = []
        for column in range(size):
            numbers = [products.load((row * size + column) * planes.plane) for row in range(size)]
            values = self.transform.apply(numbers)
            for row, value in enumerate(values[kept:]):
                scratch.store(value, (row * size + column) * lanes)
            columns.append(values[:kept])
        yield from map(list, zip(*columns, strict=True))
        others = code.launder(scratch)
        for row in range(self.transform.outputs - kept):
            yield [others.load((row * size + column) * lanes) for column in range(size)]

    def _store(
        self,
        code: Code,
        rows: Iterator[list[Vector]],
        places: tuple[Pointer, Index, Pointer],
        corner: tuple[Index, Index],
        block: Index,
        epilogue: Epilogue,
    ) -> None:
        """Transform and store the rows; elements outside the image go to (and come from) scratch.

        The place of the next tile is fetched meanwhile.
        """
        target, at, scratch = places
        beyond = scratch + self.transform.outputs * self.transform.inputs * self.lanes
        bias = epilogue.bias.load(block * self.lanes) if epilogue.bias is not None else None
        real = code.first_lanes(self.filters - block * self.lanes) if self.filters % self.lanes else None
        for r, row in enumerate(rows):
            for q in range(self.transform.outputs):
                target.prefetch(at + (r * self.width + self.transform.outputs + q) * self.lanes, for_writing=True)
            for q, value in enumerate(self.transform.apply(row)):
                inside = self._inside(corner, r, q)
                offset = at + (r * self.width + q) * self.lanes

                def where(base: Pointer, inside: Mask | None = inside, offset: Index = offset) -> Pointer:
                    return base + offset if inside is None else inside.select(base + offset, beyond)

                if bias is not None:
                    value = value + bias
                if epilogue.residual is not None:
                    value = value + where(epilogue.residual).load()
                if epilogue.activation is not None:
                    value = epilogue.activation.of(code, value)
                if real is not None:
                    value = real.select(value, 0)
                where(target).store(value)

    def _inside(self, corner: tuple[Index, Index], r: int, q: int) -> Mask | None:
        """Return whether an output of the tile is inside the image; None if it always is."""
        found: Mask | None = None
        sizes, size = (self.height, self.width), self.transform.outputs
        for start, offset, whole in zip(corner, (r, q), sizes, strict=True):
            if whole % size and offset >= whole % size:
                own = start + offset < whole
                found = own if found is None else found & own
        return found
