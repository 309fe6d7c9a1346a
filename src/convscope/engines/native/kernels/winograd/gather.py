"""Transformed tiles back into pictures, with what follows a convolution done on the way."""

from __future__ import annotations

from dataclasses import dataclass

from ...vector import Code, Condition, Index, Pointer, Vector
from ..shapes import Pair
from .matrices import Transform
from .spread import Planes


@dataclass(frozen=True)
class Epilogue:
    """What is added to each output before it is written: one number for each filter, another picture; then ReLU."""

    bias: Pointer | None
    residual: Pointer | None
    relu: bool


@dataclass(frozen=True)
class Gather:
    """Transforms tiles of products into blocked pictures of `filters` channels."""

    transform: Transform
    tiles: Pair
    filters: int
    blocks: int
    height: int
    width: int
    lanes: int

    @property
    def scratch_floats(self) -> int:
        """Return the floats where outputs beyond the picture's edge go."""
        return self.lanes

    def write(
        self,
        code: Code,
        source: Pointer,
        target: Pointer,
        planes: Planes,
        scratch: Pointer,
        tiles: tuple[Index, Index],
        blocks: tuple[int | Index, int],
        epilogue: Epilogue,
    ) -> None:
        """Write the outputs of the tiles from tiles[0] up to tiles[1], in blocks[1] blocks from blocks[0] on."""
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
                rows = self._transformed(products, planes)
                self._store(code, rows, (target, at, scratch), (i, j), block, epilogue)

    def _transformed(self, products: Pointer, planes: Planes) -> list[list[Vector]]:
        size = self.transform.inputs
        columns = [
            self.transform.apply([products.load((row * size + column) * planes.plane) for row in range(size)])
            for column in range(size)
        ]
        return [list(row) for row in zip(*columns, strict=True)]

    def _store(
        self,
        code: Code,
        rows: list[list[Vector]],
        places: tuple[Pointer, Index, Pointer],
        corner: tuple[Index, Index],
        block: Index,
        epilogue: Epilogue,
    ) -> None:
        """Finish the rows and write them; what lies beyond the edge goes to (and comes from) scratch."""
        target, at, beyond = places
        bias = epilogue.bias.load(block * self.lanes) if epilogue.bias is not None else None
        real = code.first_lanes(self.filters - block * self.lanes) if self.filters % self.lanes else None
        for r, row in enumerate(rows):
            for q, value in enumerate(self.transform.apply(row)):
                inside = self._inside(corner, r, q)
                offset = at + (r * self.width + q) * self.lanes

                def place(base: Pointer, inside: Condition | None = inside, offset: Index = offset) -> Pointer:
                    return base + offset if inside is None else inside.select(base + offset, beyond)

                if bias is not None:
                    value = value + bias
                if epilogue.residual is not None:
                    value = value + place(epilogue.residual).load()
                if epilogue.relu:
                    value = value.larger(0)
                if real is not None:
                    value = real.select(value, 0)
                place(target).store(value)

    def _inside(self, corner: tuple[Index, Index], r: int, q: int) -> Condition | None:
        """Say whether an output of the tile lies in the picture; None where it always does."""
        found: Condition | None = None
        sizes, size = (self.height, self.width), self.transform.outputs
        for start, offset, whole in zip(corner, (r, q), sizes, strict=True):
            if whole % size and offset >= whole % size:
                own = start + offset < whole
                found = own if found is None else found & own
        return found
