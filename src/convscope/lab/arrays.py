"""Arrays of lessons: conversion of arguments, and numbers as text."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from ..engines.reference.layers.rules import Array
from ..errors import BadShape
from ..layers.base import show_shape
from ..text.language import Message

DECIMALS = 4

LARGEST = 1e9
"""Largest size of a learner's number: products and sums of many stay exact enough to print."""

_LARGE = 1e5

ROUNDING = 1e-13
"""Values below this fraction of the largest are rounding errors."""


def number(value: float) -> str:
    """Write a number with a true minus and no more decimals than it needs.

    >>> number(-2.5), number(1.0), number(1 / 3), number(1e-9), number(302500)
    ('−2.5', '1', '0.3333', '1e−09', '302500')
    """
    size = abs(float(value))
    scientific = 0 < size < 10.0**-DECIMALS or (size >= _LARGE and not float(value).is_integer()) or size >= 1e10
    text = f"{value:.3g}" if scientific else f"{value:.{DECIMALS}f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text.replace("-", "−")


def factor(value: float) -> str:
    """Write a number as a factor of a product: a negative one in brackets.

    >>> factor(2.0), factor(-1.5)
    ('2', '(−1.5)')
    """
    return number(value) if value >= 0 else f"({number(value)})"


def index(letter: str, *at: int) -> str:
    """Write an element as formulas do: x_2, or x_{21} for row 2, column 1; with a comma from index 10 on.

    >>> index("x", 2), index("x", 2, 1), index("x", 12, 1)
    ('x_2', 'x_{21}', 'x_{12,1}')
    """
    joint = "" if all(one < 10 for one in at) else ","
    text = joint.join(map(str, at))
    return f"{letter}_{text}" if len(text) == 1 else f"{letter}_{{{text}}}"


def without_rounding(array: Array) -> Array:
    """Return an array with 0 for values that are rounding errors beside the largest.

    >>> without_rounding(np.array([1.0, -5e-17]))
    array([1., 0.])
    """
    return np.where(np.abs(array) < ROUNDING * np.abs(array).max(), 0.0, array)


def numbers(name: str, value: ArrayLike) -> Array:
    """Return finite float64 numbers.

    Errors:   BadShape [lab-numbers] for rows of different lengths, or values that are no finite numbers;
              BadShape [lab-magnitude]
    """
    try:
        array = np.asarray(value, np.float64)
    except (TypeError, ValueError):
        array = np.array(np.nan)
    if not np.isfinite(array).all() or array.size == 0:
        raise BadShape(
            "{name} must be numbers in rows of equal length (got {got!r}). Pass nested lists or an array. "
            "[lab-numbers]",
            name=name,
            got=str(value)[:60],
        )
    if np.abs(array).max() > LARGEST:
        raise too_large(name, float(np.abs(array).max()))
    return array


def too_large(name: str, got: float) -> BadShape:
    """Return the error for a number beyond LARGEST."""
    return BadShape(
        "{name} must be numbers of a size up to {most:g} (got {got:g}). Use smaller ones. [lab-magnitude]",
        name=name,
        most=LARGEST,
        got=got,
    )


_KINDS = {
    1: Message("numbers in a row"),
    2: Message("a matrix of numbers"),
    3: Message("matrices of numbers, one per channel"),
}


def of_rank(name: str, value: ArrayLike, rank: int, example: str) -> Array:
    """Return numbers with this many axes.

    Errors:   BadShape [lab-numbers], [lab-rank]
    """
    array = numbers(name, value)
    if array.ndim != rank:
        raise BadShape(
            "{name} must be {kind} (got {got}). Example: {example}. [lab-rank]",
            name=name,
            kind=_KINDS[rank],
            got=show_shape(array.shape) or Message("a single number"),
            example=example,
        )
    return array
