"""The tile that convolutions, weight gradients and dense layers share: a small matrix product in registers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...codegen.target import Target
from ...ir import Code, Index, Pointer, Vector, fma

UNROLL = 4
"""Steps of the depth written one after the other: more makes code longer and nothing faster."""


@dataclass(frozen=True)
class Operands:
    """Where a tile reads: left numbers one by one, right numbers by vectors.

    At depth k, row r reads the float at `left + rows[r] + k·left_step`, column vector v the floats at
    `right + vectors[v] + k·right_step`.
    """

    rows: Sequence[int]
    left_step: int
    vectors: Sequence[int]
    right_step: int


def accumulate(
    code: Code,
    totals: Sequence[Vector],
    left: Pointer,
    right: Pointer,
    operands: Operands,
    depth: int | Index,
    unroll: int = UNROLL,
) -> list[Vector]:
    """Return totals[r·vectors + v] + Σ over k of left[r, k] · right[k, v].

    All totals stay in registers: rows · vectors of them, beside one vector for each column and one for the row.
    A depth known at generation may be any number; another one must be a multiple of `unroll`.
    """
    sums = list(totals)
    whole = depth if isinstance(depth, Index) else depth - depth % unroll
    if not isinstance(whole, int) or whole > 0:
        with code.loop(0, whole, unroll, carry=sums) as loop:
            at_left, at_right = left + loop.index * operands.left_step, right + loop.index * operands.right_step
            loop.next(_steps(loop.values, at_left, at_right, operands, range(unroll)))
        sums = loop.results
    if isinstance(depth, int) and isinstance(whole, int):
        sums = _steps(sums, left, right, operands, range(whole, depth))
    return sums


def _steps(
    totals: Sequence[Vector], left: Pointer, right: Pointer, operands: Operands, steps: Sequence[int]
) -> list[Vector]:
    sums, width = list(totals), len(operands.vectors)
    for step in steps:
        columns = [right.load(step * operands.right_step + at) for at in operands.vectors]
        for row, at in enumerate(operands.rows):
            number = left.broadcast(at + step * operands.left_step)
            for column, vector in enumerate(columns):
                place = row * width + column
                sums[place] = fma(number, vector, sums[place])
    return sums


def most_rows(target: Target, vectors: int) -> int:
    """Return how many rows a tile with so many column vectors can have before it runs out of registers.

    Beside its sums a tile holds the column vectors, one number and, without fused multiply-add, one product.
    """
    beside = vectors + (1 if target.has_fma else 2)
    return (target.registers - beside) // vectors


def evenly(count: int, most: int) -> list[int]:
    """Cut a count into as few parts as `most` allows, of sizes that differ by one at most."""
    parts = -(-count // most)
    size, longer = divmod(count, parts)
    return [size + 1] * longer + [size] * (parts - longer)
