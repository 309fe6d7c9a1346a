"""Pooling by loops over each window: for windows too large to be written out, and for bins of changing size."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ...ir import Code, Pointer, Vector
from .windows import Axis, Whole

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
