"""Arrays as blocks of text: numbers in columns, blocks side by side."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest

import numpy as np
from numpy.typing import ArrayLike

from ..engines.reference.layers.rules import Array
from ..errors import BadShape

DECIMALS = 4
_LARGE = 1e5


def number(value: float) -> str:
    """Write a number with a true minus and no more decimals than it needs.

    >>> number(-2.5), number(1.0), number(1 / 3), number(1e-9)
    ('−2.5', '1', '0.3333', '1e−09')
    """
    size = abs(float(value))
    scientific = size >= _LARGE or 0 < size < 10.0**-DECIMALS
    text = f"{value:.3g}" if scientific else f"{value:.{DECIMALS}f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text.replace("-", "−")


def matrix(array: Array) -> str:
    """Write a vector as a row, a matrix as rows, every number right-aligned.

    >>> print(matrix(np.array([[1.0, -2.5], [10.0, 0.0]])))
     1  −2.5
    10     0
    """
    rows = [[number(value) for value in row] for row in np.atleast_2d(array)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(c.rjust(w) for c, w in zip(row, widths, strict=True)) for row in rows)


def titled(title: str, block: str) -> str:
    """Put a title over a block."""
    return f"{title}\n{block}"


def beside(*blocks: str, gap: str = "    ") -> str:
    """Put blocks side by side.

    >>> print(beside("ab\\ncd", "=", "x"))
    ab    =    x
    cd
    """
    columns = [block.split("\n") for block in blocks]
    widths = [max(map(len, lines)) for lines in columns]
    rows = zip_longest(*columns, fillvalue="")
    return "\n".join(
        gap.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Write rows under a head, the first column to the left and the others to the right."""
    every = [head, *rows]
    widths = [max(map(len, column)) for column in zip(*every, strict=True)]

    def line(cells: Sequence[str]) -> str:
        rest = (cell.rjust(width) for cell, width in zip(cells[1:], widths[1:], strict=True))
        return "  ".join([cells[0].ljust(widths[0]), *rest]).rstrip()

    return "\n".join([line(head), "  ".join("─" * width for width in widths), *map(line, rows)])


def numbers(name: str, value: ArrayLike) -> Array:
    """Return float64 numbers.

    Errors:   BadShape [lab-numbers] for rows of different lengths, or values that are no numbers
    """
    try:
        return np.asarray(value, np.float64)
    except (TypeError, ValueError):
        raise BadShape(
            "{name} must be numbers in rows of equal length (got {got!r}). Pass nested lists or an array. "
            "[lab-numbers]",
            name=name,
            got=str(value)[:60],
        ) from None
