"""Layers over one axis as layers over two: a row is an image of one line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ....axis import TransposedWindow, Window
from ....layers.connection import Shape
from ..kernels.common.shapes import Pair
from .lowering import NotLowered


class WindowSizes(NamedTuple):
    """A window's sizes over rows and columns."""

    kernel: Pair
    stride: Pair
    before: Pair
    dilation: Pair


def plane(shape: Shape, what: str) -> Pair:
    """Return height and width of a row or an image; `what` is what reads it.

    Errors:   NotLowered for other ranks
    """
    if len(shape) not in (2, 3):
        raise NotLowered(f"{what} over {len(shape) - 1} axes")
    return (1, shape[1]) if len(shape) == 2 else (shape[1], shape[2])


def window_sizes(windows: Sequence[Window | TransposedWindow]) -> WindowSizes:
    """Return the sizes of the windows of one axis or of two; over a row's one line they are 1, and padding 0."""
    return WindowSizes(
        kernel=pair([window.size for window in windows], 1),
        stride=pair([window.stride for window in windows], 1),
        before=pair([window.before for window in windows], 0),
        dilation=pair([window.dilation for window in windows], 1),
    )


def pair(numbers: Sequence[int], missing: int) -> Pair:
    """Return numbers for rows and columns, of one axis or of two."""
    return (missing, numbers[0]) if len(numbers) == 1 else (numbers[0], numbers[1])
