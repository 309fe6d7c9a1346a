"""Max pooling and min pooling, and their gradients, also through a ReLU before them.

The winner of a window is its first element with the same bits as its result. Of several NaN, the reference and
PyTorch take the last.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from math import inf

from ...codegen.kernel import Kernel, own_scratch
from ...codegen.target import Target
from ...ir import Code, Index, Pointer, Vector
from ..activation.pointwise import keep_lanes
from ..common.loops import share
from ..common.shapes import PoolingShape
from .windows import (
    Axis,
    Cell,
    PositionRun,
    Spans,
    Taps,
    Whole,
    axes_of,
    clear,
    each,
    each_output,
    over_window,
    pieces,
    separate,
)

WRITTEN_OUT = 400
"""Taps of all pieces of code together, above which windows are walked by loops."""


def better(best: Vector, other: Vector, smallest: bool) -> Vector:
    """Return the winner of two: NaN wins; of equal ones the first, with its sign of zero."""
    winner = best.minimum(other) if smallest else best.maximum(other)
    return other.is_nan().select(other, winner)


def worst_of(code: Code, item: Index, channels: int, lanes: int, smallest: bool) -> Vector:
    """Return the identity of the maximum; zero in the padding lanes of a plane."""
    worst = code.constant(inf if smallest else -inf)
    if channels % lanes == 0:
        return worst
    blocks = -(-channels // lanes)
    return keep_lanes(code, worst, channels - item % blocks * lanes)


@dataclass(frozen=True)
class WindowKernel(Kernel):
    """A kernel over the windows of a pooling; one plane (a block of one image) is one piece of work."""

    shape: PoolingShape

    @property
    def numbers(self) -> tuple[str, ...]:
        return ("batch",)

    @property
    def input_floats(self) -> int:
        """Return the floats of one plane of the input."""
        return self.shape.height * self.shape.width * self.shape.lanes

    @property
    def output_floats(self) -> int:
        """Return the floats of one plane of the output."""
        return self.shape.output[0] * self.shape.output[1] * self.shape.lanes

    def items(self, batch: int) -> int:
        return batch * self.shape.blocks


@dataclass(frozen=True)
class MaxPoolKernel(WindowKernel):
    """The maximum (or minimum) of each window, with an optional ReLU. Padding is ignored.

    Shapes:   x (n, blocks, h, w, lanes) → y (n, blocks, p, q, lanes)
    """

    relu: bool = False
    smallest: bool = False

    @property
    def pointers(self) -> tuple[str, ...]:
        return ("x", "y")

    def write(self, code: Code) -> None:
        shape, axes = self.shape, axes_of(self.shape)
        rows, columns = (axis.taps() for axis in axes)
        with code.loop(code.first, code.last) as item:
            x = code.pointer("x") + item.index * self.input_floats
            y = code.pointer("y") + item.index * self.output_floats
            worst = worst_of(code, item.index, shape.channels, shape.lanes, self.smallest)
            if pieces(rows, columns) <= WRITTEN_OUT:
                self._written_out(code, x, y, rows, columns, worst)
            else:
                write_extremes(code, x, y, axes, worst, self.smallest, self._finish)

    def _finish(self, value: Vector) -> Vector:
        return value.maximum(0) if self.relu else value

    def _written_out(
        self,
        code: Code,
        x: Pointer,
        y: Pointer,
        rows: list[PositionRun[Taps]],
        columns: list[PositionRun[Taps]],
        worst: Vector,
    ) -> None:
        shape = self.shape
        down, along = shape.stride

        def window(p: Whole, q: Whole, row: Taps, column: Taps, _: list[Vector]) -> list[Vector]:
            corner = x + (p * (down * shape.width) + q * along) * shape.lanes
            values = [
                corner.load((one.offset * shape.width + other.offset) * shape.lanes)
                for one, other in product(row, column)
            ]
            best = values[0] if values else worst
            for value in values[1:]:
                best = better(best, value, self.smallest)
            y.store(self._finish(best), (p * shape.output[1] + q) * shape.lanes)
            return []

        each(code, rows, columns, [], window)


def write_extremes(
    code: Code,
    x: Pointer,
    y: Pointer,
    axes: tuple[Axis, Axis],
    worst: Vector,
    smallest: bool,
    finish: Callable[[Vector], Vector],
) -> None:
    """Write the maximum (minimum) of every window of a plane with loops."""
    lanes = code.target.width

    def window(p: Whole, q: Whole, spans: Spans, _: list[Vector]) -> list[Vector]:
        (best,) = over_window(
            code, axes, spans, [worst], lambda at, best: [better(best[0], x.load(at * lanes), smallest)]
        )
        y.store(finish(best), (p * axes[1].output + q) * lanes)
        return []

    each_output(code, axes, [], window)


NO_WINNER = -1


@dataclass(frozen=True)
class PlanePointers:
    """Where one block of one image begins in every array."""

    x: Pointer
    y: Pointer
    dy: Pointer
    dx: Pointer


@dataclass(frozen=True)
class MaxPoolGradient(WindowKernel):
    """Give each window's gradient to its winner; `masked` where x came out of a ReLU, whose gradient is taken too.

    With `bias_slices`, the sums of dx by channel go to `parts`, one row for each share of the images.

    Shapes:   x (n, blocks, h, w, lanes), y and dy (n, blocks, p, q, lanes) → dx, parts (slices, blocks·lanes)
    """

    masked: bool
    bias_slices: int = 0

    @property
    def pointers(self) -> tuple[str, ...]:
        return ("x", "y", "dy", "dx", *(("parts",) if self.bias_slices else ()))

    @property
    def in_place(self) -> tuple[tuple[str, str], ...]:
        """Let the gradient replace x where windows do not overlap: each number is read before it is replaced."""
        rows, columns = (axis.cells() for axis in axes_of(self.shape))
        return (("dx", "x"),) if separate(rows, columns) and not self._by_loops else ()

    def items(self, batch: int) -> int:
        return (self.bias_slices or batch) * self.shape.blocks

    def scratch_floats(self, target: Target) -> int:
        rows, columns = (axis.cells() for axis in axes_of(self.shape))
        return 0 if separate(rows, columns) or self._by_loops else self.output_floats

    @property
    def _by_loops(self) -> bool:
        rows, columns = axes_of(self.shape)
        noted = 0 if separate(rows.cells(), columns.cells()) else pieces(rows.taps(), columns.taps())
        return noted + pieces(rows.cells(), columns.cells()) > WRITTEN_OUT

    def write(self, code: Code) -> None:
        blocks = self.shape.blocks
        with code.loop(code.first, code.last) as item:
            if not self.bias_slices:
                self._plane(code, item.index, [])
                return
            part, block = item.index // blocks, item.index % blocks
            first, last = share(code.number("batch"), part, self.bias_slices)
            with code.loop(first, last, carry=code.zeros(1)) as image:
                (sums,) = self._plane(code, image.index * blocks + block, code.zeros(1))
                image.next([image.values[0] + sums])
            code.pointer("parts").store(image.results[0], item.index * self.shape.lanes)

    def _plane(self, code: Code, plane: Index, sums: list[Vector]) -> list[Vector]:
        """Write the gradient of one plane; return the sums that were given, with this plane's added."""
        planes = PlanePointers(
            code.pointer("x") + plane * self.input_floats,
            code.pointer("y") + plane * self.output_floats,
            code.pointer("dy") + plane * self.output_floats,
            code.pointer("dx") + plane * self.input_floats,
        )
        rows, columns = axes_of(self.shape)
        if self._by_loops:
            return route(code, planes, (rows, columns), sums, self.masked)
        if separate(rows.cells(), columns.cells()):
            return self._one_pass(code, planes, rows.cells(), columns.cells(), sums)
        winners = own_scratch(self, code)
        sums = self._note(code, planes, winners, (rows.taps(), columns.taps()), sums)
        self._gather(code, planes, winners, (rows.cells(), columns.cells()))
        return sums

    # Windows that do not overlap

    def _one_pass(
        self,
        code: Code,
        planes: PlanePointers,
        rows: list[PositionRun[Cell]],
        columns: list[PositionRun[Cell]],
        sums: list[Vector],
    ) -> list[Vector]:
        shape = self.shape
        nothing = code.constant(0)

        def cell(p: Whole, q: Whole, row: Cell, column: Cell, sums: list[Vector]) -> list[Vector]:
            corner = (p * (shape.stride[0] * shape.width) + q * shape.stride[1]) * shape.lanes
            x, dx = planes.x + corner, planes.dx + corner
            covered = any(one.by for one in row) and any(one.by for one in column)
            at = (p * shape.output[1] + q) * shape.lanes
            y = planes.y.load(at) if covered else nothing
            left = gated(planes.dy.load(at), y, self.masked) if covered else nothing
            added = [total + left for total in sums] if covered else sums
            for one, other in product(row, column):
                offset = (one.offset * shape.width + other.offset) * shape.lanes
                if not (one.by and other.by):
                    dx.store(nothing, offset)
                    continue
                wins = x.load(offset).as_bits().eq(y.as_bits())
                dx.store(wins.select(left, nothing), offset)
                left = wins.select(nothing, left)
            return added

        return each(code, rows, columns, sums, cell)

    # Windows that overlap

    def _note(
        self,
        code: Code,
        planes: PlanePointers,
        winners: Pointer,
        taps: tuple[list[PositionRun[Taps]], list[PositionRun[Taps]]],
        sums: list[Vector],
    ) -> list[Vector]:
        """Write the index of each window's maximum; none where the ReLU is inactive."""
        shape = self.shape

        def window(p: Whole, q: Whole, row: Taps, column: Taps, sums: list[Vector]) -> list[Vector]:
            at = (p * shape.output[1] + q) * shape.lanes
            corner = planes.x + (p * (shape.stride[0] * shape.width) + q * shape.stride[1]) * shape.lanes
            y, winner = planes.y.load(at), code.integers(NO_WINNER)
            for one, other in reversed(list(product(row, column))):
                value = corner.load((one.offset * shape.width + other.offset) * shape.lanes)
                number = code.integers(one.number * shape.kernel[1] + other.number)
                winner = value.as_bits().eq(y.as_bits()).select(number, winner)
            if self.masked:
                winner = (y <= 0).select(code.integers(NO_WINNER), winner)
            winners.store(winner, at)
            if not sums or not (row and column):
                return sums
            return [total + gated(planes.dy.load(at), y, self.masked) for total in sums]

        return each(code, *taps, sums, window)

    def _gather(
        self,
        code: Code,
        planes: PlanePointers,
        winners: Pointer,
        cells: tuple[list[PositionRun[Cell]], list[PositionRun[Cell]]],
    ) -> None:
        """Write each input's sum over the windows that it wins."""
        shape = self.shape

        def cell(p: Whole, q: Whole, row: Cell, column: Cell, _: list[Vector]) -> list[Vector]:
            dx = planes.dx + (p * (shape.stride[0] * shape.width) + q * shape.stride[1]) * shape.lanes
            output = (p * shape.output[1] + q) * shape.lanes
            noted, given = winners + output, planes.dy + output
            for one, other in product(row, column):
                total = code.constant(0)
                for (down, first), (along, second) in product(one.by, other.by):
                    at = (down * shape.output[1] + along) * shape.lanes
                    wins = noted.load_integers(at).eq(code.integers(first * shape.kernel[1] + second))
                    total = wins.select(total + given.load(at), total)
                dx.store(total, (one.offset * shape.width + other.offset) * shape.lanes)
            return []

        each(code, *cells, [], cell)


def gated(dy: Vector, y: Vector, masked: bool) -> Vector:
    """Return a window's gradient, or nothing where the ReLU before it was closed."""
    return (y <= 0).select(y.code.constant(0), dy) if masked else dy


def route(
    code: Code, planes: PlanePointers, axes: tuple[Axis, Axis], sums: list[Vector], masked: bool
) -> list[Vector]:
    """Write zeros, then add each window's gradient where it belongs, by loops over the window."""
    lanes, nothing = code.target.width, code.constant(0)
    clear(code, planes.dx, axes[0].size * axes[1].size)

    def window(p: Whole, q: Whole, spans: Spans, sums: list[Vector]) -> list[Vector]:
        output = (p * axes[1].output + q) * lanes
        y = planes.y.load(output)

        def position(at: Whole, carried: list[Vector]) -> list[Vector]:
            left, *sums = carried
            wins = planes.x.load(at * lanes).as_bits().eq(y.as_bits())
            own = wins.select(left, nothing)
            planes.dx.store(planes.dx.load(at * lanes) + own, at * lanes)
            return [wins.select(nothing, left), *(total + own for total in sums)]

        given = gated(planes.dy.load(output), y, masked)
        return over_window(code, axes, spans, [given, *sums], position)[1:]

    return each_output(code, axes, sums, window)
