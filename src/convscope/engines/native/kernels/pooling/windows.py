"""Which inputs are covered by which windows, determined when a kernel is generated.

Along an axis most windows see the same taps, and only those near an edge see fewer. So an axis is cut into runs of
equal windows; each pair of runs, one of rows and one of columns, becomes one piece of code without any question of
what is inside the image.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Generic, TypeVar

from ...ir import Code, Index, Pointer, Vector, maximum, minimum
from ..common.shapes import PoolingShape

Whole = int | Index
Spans = tuple[tuple[Whole, Whole], tuple[Whole, Whole]]
"""Where the rows and the columns under a window begin and have ended."""
Body = Callable[[Whole, Whole, Spans, list[Vector]], list[Vector]]


def each_output(code: Code, axes: tuple[Axis, Axis], carry: Sequence[Vector], body: Body) -> list[Vector]:
    """Write body(row, column, spans, carried values) for every output."""
    rows, columns = axes
    with code.loop(0, rows.output, carry=carry) as p:
        with code.loop(0, columns.output, carry=p.values) as q:
            q.next(body(p.index, q.index, (rows.span(p.index), columns.span(q.index)), q.values))
        p.next(q.results)
    return list(p.results)


def over_window(
    code: Code,
    axes: tuple[Axis, Axis],
    spans: Spans,
    carry: Sequence[Vector],
    body: Callable[[Whole, list[Vector]], list[Vector]],
) -> list[Vector]:
    """Write body(position in the plane, carried values) for every input under one window, row by row."""
    (top, bottom), (left, right) = spans
    if any(isinstance(first, int) and isinstance(last, int) and first >= last for first, last in spans):
        return list(carry)
    with code.loop(top, bottom, axes[0].step, carry=carry) as row:
        start = row.index * axes[1].size
        with code.loop(left, right, axes[1].step, carry=row.values) as column:
            column.next(body(start + column.index, column.values))
        row.next(column.results)
    return list(row.results)


def clear(code: Code, plane: Pointer, positions: int) -> None:
    """Write zeros over a plane."""
    with code.loop(0, positions) as at:
        plane.store(code.constant(0), at.index * code.target.width)


Seen = TypeVar("Seen", bound=Hashable)


@dataclass(frozen=True)
class PositionRun(Generic[Seen]):
    """Neighbors `first` to `last` (not included) that see the same."""

    first: int
    last: int
    seen: Seen


@dataclass(frozen=True)
class Tap:
    """A tap of a window: its index, and its position relative to output·stride."""

    number: int
    offset: int


@dataclass(frozen=True)
class Covered:
    """An input position of a cell, counted from cell·stride, and who covers it: (output − cell, tap) each."""

    offset: int
    by: tuple[tuple[int, int], ...]


Taps = tuple[Tap, ...]
Cell = tuple[Covered, ...]


@dataclass(frozen=True)
class WindowAxis:
    """A window sliding along an axis of `size` positions."""

    size: int
    kernel: int
    stride: int
    before: int
    dilation: int
    output: int

    def taps(self) -> list[PositionRun[Taps]]:
        """Return runs of outputs whose windows have the same taps inside the image."""
        return self.labeled([0] * self.output, lambda taps, _: taps)

    def labeled(self, labels: Sequence[int], seen: Callable[[Taps, int], Seen]) -> list[PositionRun[Seen]]:
        """Return runs of outputs whose windows have the same taps inside, and the same label."""
        return runs([seen(self._inside(o), label) for o, label in enumerate(labels)])

    def _inside(self, output: int) -> Taps:
        every = (Tap(t, t * self.dilation - self.before) for t in range(self.kernel))
        return tuple(tap for tap in every if 0 <= output * self.stride + tap.offset < self.size)

    def cells(self) -> list[PositionRun[Cell]]:
        """Return runs of cells, which are as many inputs as the stride, with the windows that cover each input."""
        count = -(-(self.size + self.before) // self.stride)
        return runs([self._cell(number) for number in range(count)])

    def _cell(self, cell: int) -> Cell:
        positions = []
        for offset in range(-self.before, self.stride - self.before):
            at = cell * self.stride + offset
            if 0 <= at < self.size:
                by = tuple((output - cell, tap) for output, tap in self._covering(at))
                positions.append(Covered(offset, by))
        return tuple(positions)

    def _covering(self, at: int) -> Iterator[tuple[int, int]]:
        for tap in reversed(range(self.kernel)):
            output, rest = divmod(at + self.before - tap * self.dilation, self.stride)
            if rest == 0 and 0 <= output < self.output:
                yield output, tap

    @property
    def step(self) -> int:
        """Return the distance of neighboring taps."""
        return self.dilation

    def span(self, output: Whole) -> tuple[Whole, Whole]:
        """Return where a window's taps inside the image begin, and where they have ended."""
        start = output * self.stride - self.before
        skipped, taps = self._taps_until(output, 0), self._taps_until(output, self.size)
        return start + skipped * self.dilation, start + taps * self.dilation

    def divisor(self, output: Whole, after: int, count_padding: bool) -> Whole:
        """Return how many taps of a window a mean divides by, at least 1.

        Padding counts if asked for; what lies past the padding of `after` never does.
        """
        first, end = (-self.before, self.size + after) if count_padding else (0, self.size)
        counted: Whole = maximum(self._taps_until(output, end) - self._taps_until(output, first), 1)
        return counted

    def _taps_until(self, output: Whole, end: int) -> Whole:
        """Return how many of a window's taps precede a position."""
        room: Whole = maximum(end + self.before - output * self.stride, 0)
        taps: Whole = minimum((room + (self.dilation - 1)) // self.dilation, self.kernel)
        return taps


@dataclass(frozen=True)
class BinAxis:
    """An axis split into `output` bins, as in adaptive pooling.

    Formula:  bin o covers ⌊o·n/output⌋ … ⌈(o + 1)·n/output⌉ − 1
    """

    size: int
    output: int

    @property
    def step(self) -> int:
        """Return 1: a bin is without gaps."""
        return 1

    def span(self, output: Whole) -> tuple[Whole, Whole]:
        """Return a bin's first position and the one after its last."""
        return output * self.size // self.output, ((output + 1) * self.size + (self.output - 1)) // self.output


Axis = WindowAxis | BinAxis


def axes_of(shape: PoolingShape) -> tuple[WindowAxis, WindowAxis]:
    """Return the rows and columns of a pooling."""
    own = zip(
        (shape.height, shape.width), shape.kernel, shape.stride, shape.before, shape.dilation, shape.output,
        strict=True,
    )  # fmt: skip
    rows, columns = (WindowAxis(*one) for one in own)
    return rows, columns


def runs(seen: Sequence[Seen]) -> list[PositionRun[Seen]]:
    """Return neighbors that see the same, joined."""
    joined: list[PositionRun[Seen]] = []
    at = 0
    for one, group in groupby(seen):
        size = len(list(group))
        joined.append(PositionRun(at, at + size, one))
        at += size
    return joined


def pieces(rows: Sequence[PositionRun[Any]], columns: Sequence[PositionRun[Any]]) -> int:
    """Return how many taps, or covering windows, there are in the code for all pairs of runs."""
    return sum(_seen(row.seen) for row in rows) * sum(_seen(column.seen) for column in columns)


def _seen(seen: Taps | Cell) -> int:
    return sum(len(one.by) if isinstance(one, Covered) else 1 for one in seen)


def separate(rows: Sequence[PositionRun[Cell]], columns: Sequence[PositionRun[Cell]]) -> bool:
    """Say whether no input is covered by two windows, or by a window that begins in another cell."""
    everyone = [one.by for run in (*rows, *columns) for one in run.seen]
    return all(len(by) <= 1 and all(output == 0 for output, _ in by) for by in everyone)


def each(
    code: Code,
    rows: Sequence[PositionRun[Any]],
    columns: Sequence[PositionRun[Any]],
    carry: Sequence[Vector],
    body: Callable[[Whole, Whole, Any, Any, list[Vector]], list[Vector]],
) -> list[Vector]:
    """Write body(row, column, what each of them sees, carried values) for every row and column."""
    values = list(carry)
    for row_run in rows:
        with code.loop(row_run.first, row_run.last, carry=values) as row:
            inner = row.values
            for run in columns:
                with code.loop(run.first, run.last, carry=inner) as column:
                    column.next(body(row.index, column.index, row_run.seen, run.seen, column.values))
                inner = column.results
            row.next(inner)
        values = row.results
    return values
