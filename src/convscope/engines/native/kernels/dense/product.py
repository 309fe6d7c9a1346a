"""Dense layers: forward, and the gradients of the input and of the weights.

Weights lie as (output blocks, depth, lanes of outputs), so a vector of them belongs to one number of the input and
is multiplied by it: no product is summed across lanes. Lanes of the source that are no channel have weights of
zero: their gradients are zero wherever those of the outputs are finite.
"""

from __future__ import annotations

from dataclasses import dataclass

from ...codegen.kernel import Kernel, own_scratch
from ...codegen.target import Target
from ...ir import Code, Index, Mask, Pointer, Vector, fma, minimum
from ...layout import blocks_of
from ..activation.pointwise import EpilogueFunction
from ..common.gemm_tile import UNROLL, Operands, accumulate
from ..common.loops import added
from ..common.transpose import transposed, transposed_from
from .rows import (
    LEAST_ITEMS,
    PANEL,
    Panel,
    for_groups,
    for_panels,
    parts_of,
    rows_of,
    starting,
    widths,
    write_panel,
)

IMAGES = 64
"""Images whose products are summed in one go; more are added up in steps of so many."""

FEW = 4
"""Rows from which on it pays to turn weights over for the input gradient."""

PIECE = 64
"""Most numbers of the source that one work item of the weight gradient takes."""

GROUP = 4
"""Blocks of outputs that one work item of the weight gradient takes."""


@dataclass(frozen=True)
class DenseKernel(Kernel):
    """Multiply each row by the weights: y = x·W [+ bias] [, activation function].

    Shapes:   x (n, depth), weight (output blocks, depth, lanes), bias (output blocks · lanes) →
              y (n, output blocks · lanes); depth is a multiple of the lanes
    """

    depth: int
    outputs: int
    lanes: int
    bias: bool
    activation: EpilogueFunction | None

    @property
    def pointers(self) -> tuple[str, ...]:
        return ("x", "weight", "bias", "y") if self.bias else ("x", "weight", "y")

    @property
    def numbers(self) -> tuple[str, ...]:
        return ("batch",)

    @property
    def blocks(self) -> int:
        """Return the blocks of outputs."""
        return blocks_of(self.outputs, self.lanes)

    def items(self, batch: int) -> int:
        return self.blocks * parts_of(self.blocks)

    def macs(self, batch: int) -> int:
        return batch * self.depth * self.outputs

    def write(self, code: Code) -> None:
        x, weight, y = (code.pointer(name) for name in ("x", "weight", "y"))
        block_floats = self.depth * self.lanes
        ahead = PANEL * self.lanes if self.depth > PANEL else 0

        def group(block: Index, width: int, rows: tuple[Index, Index]) -> None:
            own_weight, own_y = weight + block * block_floats, y + block * self.lanes

            def panel(at: int | Index, steps: int | Index, first: Mask | bool, last: Mask | bool) -> None:
                operands = Panel(
                    x + at, self.depth, own_weight + at * self.lanes, [v * block_floats for v in range(width)],
                    self.lanes, own_y, self.blocks * self.lanes, steps, ahead,
                )  # fmt: skip

                def finish(total: Vector, at_result: Pointer, vector: int) -> Vector:
                    start = self._start(code, block + vector)
                    result = total + starting(first, start, at_result)
                    return self._finished(code, result, last, block + vector)

                write_panel(code, operands, rows, finish)

            for_panels(code, self.depth, panel)

        for_groups(code, self.blocks, code.number("batch"), group)

    def _start(self, code: Code, block: Index) -> Vector:
        """Return the initial value of a block's sums; loaded late, it occupies no register of a tile."""
        return code.pointer("bias").load(block * self.lanes) if self.bias else code.constant(0)

    def _finished(self, code: Code, total: Vector, last: Mask | bool, block: Index) -> Vector:
        """Return the layer's output after the last panel; padding lanes stay zero."""
        result = total
        if self.activation is not None:
            value = self.activation.of(code, total)
            result = last.select(value, total) if isinstance(last, Mask) else value
        if self.outputs % self.lanes:  # weights of zero do not make a zero of infinity
            used = code.lane_numbers() < (self.outputs - block * self.lanes).to_lanes()
            result = used.select(result, 0.0)
        return result


@dataclass(frozen=True)
class DenseInputGradient(Kernel):
    """Multiply each row of the output's gradient by the transposed weights: dx = dy·Wᵀ.

    Weights are turned over in registers, a panel at a time, into scratch memory that stays in the cache.

    Shapes:   dy (n, output blocks · lanes), weight (output blocks, depth, lanes) → dx (n, depth)
    """

    depth: int
    outputs: int
    lanes: int

    @property
    def pointers(self) -> tuple[str, ...]:
        return ("dy", "weight", "dx")

    @property
    def numbers(self) -> tuple[str, ...]:
        return ("batch",)

    @property
    def blocks(self) -> int:
        """Return the blocks of the source."""
        return self.depth // self.lanes

    @property
    def row(self) -> int:
        """Return the floats of a row of dy."""
        return blocks_of(self.outputs, self.lanes) * self.lanes

    def items(self, batch: int) -> int:
        return self.blocks * parts_of(self.blocks)

    def scratch_floats(self, target: Target) -> int:
        return min(self.row, PANEL) * self.lanes * widths(target)[0]

    def macs(self, batch: int) -> int:
        return batch * self.depth * self.outputs

    def write(self, code: Code) -> None:
        few = code.number("batch") < FEW
        with code.when(few):
            self._write_dots(code)
        with code.when(~few):
            self._write_products(code)

    def _write_dots(self, code: Code) -> None:
        """Multiply a few rows by the weights in their layout, and reduce over lanes at the end."""
        dy, weight, dx = (code.pointer(name) for name in self.pointers)
        lanes, parts, ahead = self.lanes, parts_of(self.blocks), 4 * self.depth * self.lanes
        with code.loop(code.first, code.last) as item:
            block = item.index % self.blocks
            first, last = rows_of(item.index // self.blocks, parts, code.number("batch"))
            with code.loop(first, last) as row:
                own, square = dy + row.index * self.row, weight + block * (lanes * lanes)
                with code.loop(0, self.row, lanes, carry=code.zeros(lanes)) as output:
                    gradient, at = own.load(output.index), square + output.index * self.depth
                    for source in range(lanes):
                        at.prefetch(ahead + source * lanes)
                    output.next(
                        [fma(gradient, at.load(n * lanes), total) for n, total in enumerate(output.values)]
                    )
                dx.store(added(transposed(output.results)), row.index * self.depth + block * lanes)

    def _write_products(self, code: Code) -> None:
        """Multiply rows by transposed weights."""
        dy, weight, dx = (code.pointer(name) for name in self.pointers)
        turned, lanes = own_scratch(self, code), self.lanes

        def group(block: Index, width: int, rows: tuple[Index, Index]) -> None:
            def panel(at: int | Index, steps: int | Index, first: Mask | bool, _: Mask | bool) -> None:
                source = weight + (at * self.depth + block * (lanes * lanes))
                self._turn(code, source, turned, steps, width)
                operands = Panel(
                    dy + at, self.row, turned, [v * lanes for v in range(width)], width * lanes,
                    dx + block * lanes, self.depth, steps,
                )  # fmt: skip
                zero = code.constant(0)
                write_panel(code, operands, rows, lambda total, place, _: total + starting(first, zero, place))

            for_panels(code, self.row, panel)

        for_groups(code, self.blocks, code.number("batch"), group)

    def _turn(self, code: Code, source: Pointer, turned: Pointer, steps: int | Index, width: int) -> None:
        """Write weights (outputs, sources) of a panel as (sources, outputs), one square of lanes at a time."""
        lanes = self.lanes
        with code.loop(0, steps, lanes) as output, code.loop(0, width) as vector:
            square = source + (output.index * self.depth + vector.index * (lanes * lanes))
            for row in range(lanes):
                square.prefetch(self.depth * lanes + row * lanes)
            place = turned + (output.index * (width * lanes) + vector.index * lanes)
            for quad, columns in enumerate(transposed_from(square, lanes)):
                for row, column in enumerate(columns, quad * len(columns)):
                    place.store(column, row * (width * lanes))


@dataclass(frozen=True)
class DenseWeightGradient(Kernel):
    """Sum over the batch each row of x times each row of dy: dW = xᵀ·dy.

    A work item first lays its piece of x together in scratch memory, as its rows lie far apart and are read again
    for every few outputs; and its part of dy where caches would map the rows to the same places.

    Shapes:   x (n, depth), dy (n, output blocks · lanes) → dweight (output blocks, depth, lanes)
    """

    depth: int
    outputs: int
    lanes: int

    @property
    def pointers(self) -> tuple[str, ...]:
        return ("x", "dy", "dweight")

    @property
    def numbers(self) -> tuple[str, ...]:
        return ("batch",)

    @property
    def blocks(self) -> int:
        """Return the blocks of outputs."""
        return blocks_of(self.outputs, self.lanes)

    @property
    def piece(self) -> int:
        """Return the elements of the source of an item; the last one may have fewer."""
        wanted = self.depth // LEAST_ITEMS // self.lanes * self.lanes
        return min(max(wanted, self.lanes), max(PIECE, self.lanes))

    @property
    def gathers_dy(self) -> bool:
        """Say whether rows of dy conflict in the cache: their distance is a multiple of 2 KiB."""
        return self.blocks * self.lanes % 512 == 0

    def items(self, batch: int) -> int:
        return -(-self.depth // self.piece) * -(-self.blocks // GROUP)

    def scratch_floats(self, target: Target) -> int:
        return IMAGES * (self.piece + (GROUP * self.lanes if self.gathers_dy else 0))

    def macs(self, batch: int) -> int:
        return batch * self.depth * self.outputs

    def write(self, code: Code) -> None:
        x, dy, dweight = (code.pointer(name) for name in self.pointers)
        batch, groups, row = code.number("batch"), -(-self.blocks // GROUP), self.blocks * self.lanes
        own_x = own_scratch(self, code)
        own_dy = own_x + IMAGES * self.piece
        with code.loop(code.first, code.last) as item:
            start, block = item.index // groups * self.piece, item.index % groups * GROUP
            piece = self.piece if self.depth % self.piece == 0 else minimum(self.depth - start, self.piece)
            blocks = GROUP if self.blocks % GROUP == 0 else minimum(self.blocks - block, GROUP)
            out = dweight + (block * self.depth + start) * self.lanes
            with code.loop(0, batch, IMAGES) as chunk:
                at, images = chunk.index, minimum(batch - chunk.index, IMAGES)
                self._gather(code, x + (at * self.depth + start), self.depth, own_x, self.piece, (images, piece))
                right = dy + (at * row + block * self.lanes)
                if self.gathers_dy:
                    self._gather(code, right, row, own_dy, GROUP * self.lanes, (images, blocks * self.lanes))
                    right = own_dy
                self._products(code, (own_x, right, out), (piece, blocks, images), at.to_lanes().eq(0))

    def _gather(
        self, code: Code, source: Pointer, row: int, to: Pointer, step: int, sizes: tuple[Index, int | Index]
    ) -> None:
        """Copy a few elements of each row into contiguous memory."""
        images, numbers = sizes
        with code.loop(0, images) as image, code.loop(0, numbers, self.lanes) as vector:
            value = (source + image.index * row).load(vector.index)
            (to + image.index * step).store(value, vector.index)

    def _products(
        self,
        code: Code,
        arrays: tuple[Pointer, Pointer, Pointer],
        sizes: tuple[int | Index, int | Index, Index],
        first: Mask,
    ) -> None:
        """Write the sums over some images for a piece of the source and a group of blocks."""
        x, dy, out = arrays
        piece, blocks, images = sizes
        at: int | Index = 0
        for width in widths(code.target):
            end = blocks - (blocks - at) % width
            if width <= self.blocks and not (isinstance(end, int) and isinstance(at, int) and at == end):
                rows = min(4 if width > 1 else 8, self.lanes)
                with code.loop(at, end, width) as columns, code.loop(0, piece, rows) as tile:
                    left, right = x + tile.index, dy + columns.index * self.lanes
                    place = out + (columns.index * self.depth + tile.index) * self.lanes
                    for number, total in enumerate(self._sums(code, left, right, images, (rows, width))):
                        row, vector = divmod(number, width)
                        result = place + (vector * self.depth + row) * self.lanes
                        result.store(total + starting(first, code.constant(0), result))
                at = end

    def _sums(
        self, code: Code, left: Pointer, right: Pointer, images: Index, tile: tuple[int, int]
    ) -> list[Vector]:
        """Return the sums of a tile."""
        rows, width = tile
        step = (GROUP if self.gathers_dy else self.blocks) * self.lanes
        operands = Operands(range(rows), self.piece, [v * self.lanes for v in range(width)], step)
        whole = images - images % UNROLL
        sums = accumulate(code, code.zeros(rows * width), left, right, operands, whole)
        left, right = left + whole * operands.left_step, right + whole * operands.right_step
        return accumulate(code, sums, left, right, operands, images - whole, unroll=1)
