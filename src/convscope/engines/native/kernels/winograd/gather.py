"""Transformed tiles back into pictures, with what follows a convolution done on the way."""

from __future__ import annotations

from dataclasses import dataclass

from ...vector import Code, Condition, Index, Pointer
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
        """Return the floats of a tile's columns, and where outputs beyond the picture's edge go."""
        return (self.transform.inputs * self.transform.outputs + 1) * self.lanes

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
                self._columns(code, products, planes, scratch)
                self._store(code, scratch, (target, at), (i, j), block, epilogue)

    def _columns(self, code: Code, products: Pointer, planes: Planes, scratch: Pointer) -> None:
        """Transform the columns into scratch memory: few processors have registers for all of them."""
        size = self.transform.inputs
        with code.loop(0, size) as column:
            own = products + column.index * planes.plane
            values = self.transform.apply([own.load(row * size * planes.plane) for row in range(size)])
            for row, value in enumerate(values):
                scratch.store(value, column.index * self.lanes + row * size * self.lanes)

    def _store(
        self,
        code: Code,
        scratch: Pointer,
        place: tuple[Pointer, Index],
        corner: tuple[Index, Index],
        block: Index,
        epilogue: Epilogue,
    ) -> None:
        """Finish the rows and write them; what lies beyond the edge goes to (and comes from) scratch."""
        (target, at), size = place, self.transform.inputs
        beyond = scratch + self.transform.outputs * size * self.lanes
        bias = epilogue.bias.load(block * self.lanes) if epilogue.bias is not None else None
        real = code.first_lanes(self.filters - block * self.lanes) if self.filters % self.lanes else None
        for r in range(self.transform.outputs):
            row = [scratch.load((r * size + column) * self.lanes) for column in range(size)]
            for q, value in enumerate(self.transform.apply(row)):
                inside = self._inside(corner, r, q)
                offset = at + (r * self.width + q) * self.lanes

                def where(base: Pointer, inside: Condition | None = inside, offset: Index = offset) -> Pointer:
                    return base + offset if inside is None else inside.select(base + offset, beyond)

                if bias is not None:
                    value = value + bias
                if epilogue.residual is not None:
                    value = value + where(epilogue.residual).load()
                if epilogue.relu:
                    value = value.larger(0)
                if real is not None:
                    value = real.select(value, 0)
                where(target).store(value)

    def _inside(self, corner: tuple[Index, Index], r: int, q: int) -> Condition | None:
        """Say whether an output of the tile lies in the picture; None where it always does."""
        found: Condition | None = None
        sizes, size = (self.height, self.width), self.transform.outputs
        for start, offset, whole in zip(corner, (r, q), sizes, strict=True):
            if whole % size and offset >= whole % size:
                own = start + offset < whole
                found = own if found is None else found & own
        return found
