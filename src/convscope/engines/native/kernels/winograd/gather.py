"""Output transform from tiles to images, fused with the convolution's epilogue."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ...ir import Code, Index, Mask, Pointer, Vector
from ..activation.functions import EpilogueFunction
from ..common.shapes import Pair
from .matrices import Transform
from .spread import TransformedPlanes

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
