"""Options of lessons: the learner's own numbers, written as text, parsed once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import isfinite
from typing import Any, Literal

import numpy as np

from ..arrays import Array
from ..errors import BadSetting
from .arrays import LARGEST, too_large

SIZE = 512
"""The largest size, count or number of steps that a lesson takes."""

Parse = Callable[[str, str], Any]
"""From an option's name and its text to its value."""


@dataclass(frozen=True)
class Option:
    """An option of a topic: `name` is the parameter of the topic's function, `flag` is on the command line.

    `source` is "file" where the text is a path, and "model" where it is a MODEL: a page can send neither as it is.
    """

    name: str
    flag: str
    metavar: str
    help: str
    parse: Parse
    repeated: bool = False
    source: Literal["text", "file", "model"] = "text"

    def write(self, value: Any) -> str:
        """Return the text that `parse` reads as a value.

        >>> INPUT.write([[1.0, 3.0], [2.0, -4.5]]), SHAPE.write((3, 32, 32))
        ('1,3/2,-4.5', '3x32x32')
        """
        if self.kind == "shape":
            return "x".join(map(str, value))
        if isinstance(value, str):
            return value
        return _joined(np.asarray(value))

    @property
    def kind(self) -> str:
        """Return what the option takes: matrix, maps, row, number, integer, shape or word."""
        return "integer" if isinstance(self.parse, Integer) else self.parse.__name__


def matrix(option: str, text: str) -> list[list[float]]:
    """Parse rows separated by /, such as 1,3/2,4.

    >>> matrix("--input", "1,3/2,-4.5")
    [[1.0, 3.0], [2.0, -4.5]]
    """
    rows = _rows(text)
    if rows is None:
        raise BadSetting(
            "{option} must be a matrix of numbers (got {got!r}). Write rows of equal length, such as "
            "0,1,0/1,-4,1/0,1,0. [kernel]",
            option=option,
            got=text,
        )
    return rows


def maps(option: str, text: str) -> list[list[list[float]]]:
    """Parse matrices of one shape, one per channel, separated by //, such as 1,3/2,4//0,1/1,0.

    >>> maps("--input", "1,3//0,1")
    [[[1.0, 3.0]], [[0.0, 1.0]]]
    """
    read = [_rows(part) for part in text.split("//")]
    shapes = {(len(one), len(one[0])) for one in read if one is not None}
    if None in read or len(shapes) != 1:
        raise BadSetting(
            "{option} must be matrices of one shape, one per channel (got {got!r}). Separate rows by / and "
            "channels by //, such as 1,2/3,4//5,6/7,8. [maps]",
            option=option,
            got=text,
        )
    return [one for one in read if one is not None]


def row(option: str, text: str) -> list[float]:
    """Parse numbers separated by commas, such as 2,-1,0.5."""
    rows = _rows(text)
    if rows is None or len(rows) != 1:
        raise BadSetting(
            "{option} must be numbers separated by commas (got {got!r}). Example: 2,-1,0.5. [row]",
            option=option,
            got=text,
        )
    return rows[0]


def number(option: str, text: str) -> float:
    """Parse a number."""
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not isfinite(value):
        raise BadSetting(
            "{option} must be a number (got {got!r}). Example: 0.5. [number]", option=option, got=text
        )
    if abs(value) > LARGEST:
        raise too_large(option, value)
    return value


@dataclass(frozen=True)
class Integer:
    """Parser of an integer within limits."""

    low: int
    high: int

    def __call__(self, option: str, text: str) -> int:
        digits = text.removeprefix("-")
        known = digits.isascii() and digits.isdigit() and len(digits) < 10
        if not (known and self.low <= int(text) <= self.high):
            raise BadSetting(
                "{option} must be an integer from {low} to {high} (got {got!r}). Use one of them. [integer]",
                option=option,
                low=self.low,
                high=self.high,
                got=text,
            )
        return int(text)


def integer(low: int, high: int = SIZE) -> Integer:
    """Return the parser of an integer within limits."""
    return Integer(low, high)


def shape(option: str, text: str) -> tuple[int, ...]:
    """Parse channels, rows and columns joined by x, such as 3x32x32.

    >>> shape("--shape", "3x32x32")
    (3, 32, 32)
    """
    parts = text.lower().replace("×", "x").split("x")
    sizes = tuple(int(one) if one.isascii() and one.isdigit() and len(one) < 5 else 0 for one in parts)
    if len(sizes) != 3 or not all(sizes):
        raise BadSetting(
            "{option} must be channels, rows and columns joined by x (got {got!r}). Example: 3x32x32. [lab-shape]",
            option=option,
            got=text,
        )
    return sizes


def word(_option: str, text: str) -> str:
    """Take a name or a path as it is."""
    return text


def _rows(text: str) -> list[list[float]] | None:
    try:
        rows = [[float(value) for value in line.split(",")] for line in text.split("/")]
    except ValueError:
        return None
    regular = len({len(line) for line in rows}) == 1 and all(isfinite(value) for line in rows for value in line)
    return rows if regular else None


def _joined(array: Array) -> str:
    if array.ndim == 0:
        return str(array) if array.dtype.kind == "i" else f"{float(array):g}"
    return ("", ",", "/", "//")[array.ndim].join(map(_joined, array))


INPUT = Option("x", "--input", "ROWS", "Own matrix, rows separated by /, such as 1,3/2,4.", matrix)
INPUT_MAPS = Option(
    "x", "--input", "ROWS", "Own image: rows separated by /, channels by //, such as 1,2/3,4//5,6/7,8.", maps
)
INPUT_ROW = Option("x", "--input", "NUMBERS", "Own numbers, such as 2,-1,0.5.", row)
KERNEL = Option("kernel", "--kernel", "ROWS", "Own kernel, rows separated by /, such as 1,0/0,-1.", matrix)
KERNELS = Option("kernels", "--kernel", "ROWS", f"{KERNEL.help[:-1]}; repeatable.", matrix, repeated=True)
KERNELS_MAPS = Option(
    "kernels",
    "--kernel",
    "ROWS",
    "Own kernel: one slice per channel, separated by //, such as 1,0/0,1//0,1/1,0; repeatable.",
    maps,
    repeated=True,
)
BIAS = Option("bias", "--bias", "NUMBER", "Bias.", number)
STRIDE = Option("stride", "--stride", "STEPS", "Step of the window.", integer(1))
DILATION = Option("dilation", "--dilation", "PIXELS", "Distance between the taps of the kernel.", integer(1))
PADDING = Option("padding", "--padding", "PIXELS", "Positions added at every border.", integer(0))
SIZE_OF_WINDOW = Option("size", "--size", "PIXELS", "Side of the window.", integer(1))
GRADIENT = Option(
    "gradient", "--gradient", "ROWS", "Gradient of the output, in its shape; ones by default.", matrix
)
SEED = Option("seed", "--seed", "INTEGER", "Seed of the random numbers.", integer(0, 10**9 - 1))
SHAPE = Option("shape", "--shape", "CxHxW", "Shape of the input, such as 3x32x32.", shape)
