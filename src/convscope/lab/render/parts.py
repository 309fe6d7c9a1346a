"""Parts that all formats of lessons share: words with formulas, equations, cells, large arrays."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import numpy as np

from ...derivations.derivation import Text
from ...derivations.expression import Expression, read
from ...derivations.render.prose import sentence as sentence
from ...engines.reference.layers.rules import Array
from ..arrays import number, without_rounding
from ..lesson import RIGHT, WRONG, Block, Cell, Contrast, Curves, Drawing, Formulas, Row, Steps, Table, Words

YES, NO = Text("yes", "是"), Text("no", "否")
SUMMARY = Text(
    "{shape}, from {low} to {high}, mean {mean}; the full array is in --json.",
    "{shape}，最小 {low}，最大 {high}，均值 {mean}；完整数组见 --json。",
)

MOST_ROWS, MOST_COLUMNS = 16, 20
"""A larger matrix is printed without its middle."""

LARGE = 4096
"""A matrix of more values is an image: it is summarized."""


Printed = Words | Formulas | Row | Table | Drawing | Curves


def printed(blocks: Iterable[Block]) -> Iterator[Printed]:
    """Yield the blocks of a document: without steps, and with the sides of a contrast one after the other."""
    for block in blocks:
        if isinstance(block, Contrast):
            yield from (Words(_headed(WRONG)), *block.wrong, Words(_headed(RIGHT)), *block.right)
        elif not isinstance(block, Steps):
            yield block


def _headed(words: Text) -> Text:
    return Text(f"{words.en}:", f"{words.zh}：")


def prose(text: Text, lang: str, plain: Callable[[str], str], formula: Callable[[Expression], str]) -> str:
    """Write words in one way, and the formulas between their dollar signs in another."""
    return sentence(text.to(lang), plain, formula)


def equation(line: str, plain: Callable[[str], str], formula: Callable[[Expression], str]) -> list[str]:
    """Write the sides of an equation; one that is no formula, as 1e−09, is written as it is."""
    written = []
    for side in line.split(" = "):
        try:
            written.append(formula(read(side)))
        except ValueError:
            written.append(plain(side))
    return written


def cell(value: Cell, lang: str) -> str:
    """Write a cell of a table."""
    if isinstance(value, Text):
        return value.to(lang)
    if isinstance(value, bool):
        return (YES if value else NO).to(lang)
    return value if isinstance(value, str) else number(value)


def rows_of(matrix: Array, columns: int = MOST_COLUMNS) -> list[list[str]]:
    """Write the numbers of a matrix, with … where it is larger than can be printed, and rounding errors as 0."""
    matrix = without_rounding(matrix)
    wanted = [_kept(n, most) for n, most in zip(matrix.shape, (MOST_ROWS, columns), strict=True)]
    return [
        ["…" if row is None or column is None else number(matrix[row, column]) for column in wanted[1]]
        for row in wanted[0]
    ]


def summary(matrix: Array, lang: str) -> str | None:
    """Return the words for an array too large to print, else None."""
    if matrix.size <= LARGE:
        return None
    shape = "×".join(map(str, matrix.shape))
    low, high, mean = (number(float(f(matrix))) for f in (np.min, np.max, np.mean))
    return SUMMARY.fill(shape=shape, low=low, high=high, mean=mean).to(lang)


def _kept(n: int, most: int) -> list[int | None]:
    if n <= most:
        return list(range(n))
    tail = most // 4
    return [*range(most - tail - 1), None, *range(n - tail, n)]
