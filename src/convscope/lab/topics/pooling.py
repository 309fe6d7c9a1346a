"""Pooling: all kinds on one window, and max pooling over a whole map."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ..engines.reference.im2col.columns import im2col
from ..engines.reference.layers import pooling as _rules  # noqa: F401 - registers the answers
from ..engines.reference.layers.rules import Array, Context, backward, forward
from ..errors import BadShape
from ..layers.base import Layer, show_shape
from ..layers.pooling import (
    AvgPool2d,
    GlobalAvgPool2d,
    GlobalMaxPool2d,
    LPPool2d,
    MaxPool2d,
    MinPool2d,
    SpatialPyramidPool,
    StochasticPool2d,
)
from ..text.notebook import Preformatted
from .blocks import beside, matrix, numbers, titled

WINDOW = ((1.0, 3.0, 2.0), (3.0, 5.0, 4.0), (2.0, 5.0, 6.0))
MAP = ((1.0, 3.0, 2.0, 4.0), (3.0, 5.0, 4.0, 6.0), (2.0, 5.0, 6.0, 7.0), (4.0, 7.0, 6.0, 8.0))
_SLIDING = 2


@dataclass(frozen=True)
class PoolingRow:
    """One kind of pooling: its output, and the input gradient for an output gradient of 1."""

    name: str
    layer: Layer
    output: Array
    gradient: Array


@dataclass(frozen=True)
class PoolingTable(Preformatted):
    """The same window through several kinds of pooling."""

    window: Array
    rows: tuple[PoolingRow, ...]

    def __getitem__(self, name: str) -> PoolingRow:
        """Return the row of a kind by its name, as "max"."""
        return {row.name: row for row in self.rows}[name]

    def __str__(self) -> str:
        parts = [titled("Window", matrix(self.window))]
        for row in self.rows:
            output = titled("output", matrix(row.output))
            gradient = titled("gradient of the window", matrix(row.gradient))
            parts.append(titled(f"── {row.name}", beside(output, gradient)))
        return "\n\n".join(parts)


def pooling_table(window: ArrayLike = WINDOW, seed: int = 0) -> PoolingTable:
    """Pass one window through every kind of pooling, and a gradient of 1 per output back.

    The first kinds take the window as a whole; overlapping and pyramid pooling lay several smaller windows into
    it. `seed` draws the element of stochastic pooling in training.

    Shapes:   window (h, w), at least 2×2
    Errors:   BadShape [lab-window]

    >>> pooling_table([[1, 3], [3, 5]])["average"].output
    array([[3.]])
    """
    x = numbers("window", window)
    if x.ndim != 2 or min(x.shape) < _SLIDING:
        raise BadShape(
            "window must be a matrix of at least 2×2 numbers (got window={got}). Pass rows of numbers. "
            "[lab-window]",
            got=show_shape(x.shape),
        )
    whole = x.shape
    training = Context(training=True, generator=np.random.default_rng(seed))
    kinds: tuple[tuple[str, Layer, Context], ...] = (
        ("max", MaxPool2d(whole), Context()),
        ("min", MinPool2d(whole), Context()),
        ("average", AvgPool2d(whole), Context()),
        ("root of squares (LP, p = 2)", LPPool2d(whole), Context()),
        ("stochastic, training", StochasticPool2d(whole), training),
        ("stochastic, inference", StochasticPool2d(whole), Context()),
        ("overlapping max, 2×2 stride 1", MaxPool2d((_SLIDING, _SLIDING), stride=(1, 1)), Context()),
        ("spatial pyramid, 2×2 and 1×1", SpatialPyramidPool((2, 1)), Context()),
        ("global average", GlobalAvgPool2d(), Context()),
        ("global max", GlobalMaxPool2d(), Context()),
    )
    return PoolingTable(x, tuple(_row(name, layer, x, context) for name, layer, context in kinds))


def _row(name: str, layer: Layer, x: Array, context: Context) -> PoolingRow:
    inputs = (x[None, None],)
    output = forward(layer, inputs, {}, context)
    gradient = backward(layer, np.ones_like(output), inputs, {}, context).inputs[0]
    assert gradient is not None  # the input is no integer
    return PoolingRow(name, layer, np.atleast_2d(output.reshape(output.shape[2:] or -1)), gradient[0, 0])


@dataclass(frozen=True)
class PoolingWalk(Preformatted):
    """Max pooling over a map, window by window."""

    layer: MaxPool2d  # type: ignore[valid-type]  # made by `by_rank`
    x: Array
    windows: Array
    output: Array
    gradient: Array

    def __str__(self) -> str:
        rows, columns = self.output.shape
        lines = []
        for at, (window, largest) in enumerate(zip(self.windows, self.output.ravel(), strict=True)):
            place = f"output ({at // columns}, {at % columns})"
            lines.append(beside(place, matrix(window), f"→  {matrix(largest)}"))
        return "\n\n".join(
            [
                titled("Map", matrix(self.x)),
                *lines,
                titled(f"Output {rows}×{columns}", matrix(self.output)),
                titled("Where a gradient of 1 per output goes", matrix(self.gradient)),
            ]
        )


def max_pooling(x: ArrayLike = MAP, kernel_size: int = 2, stride: int = 2) -> PoolingWalk:
    """Slide a window over a map and keep the largest number of each.

    Shapes:   x (h, w) → output (p, q), windows (p·q, kernel_size, kernel_size), gradient (h, w)
    Errors:   BadShape [lab-window]; those of MaxPool2d

    >>> max_pooling().output
    array([[5., 6.],
           [7., 8.]])
    """
    image = numbers("x", x)
    if image.ndim != 2:
        raise BadShape(
            "x must be a matrix of numbers (got x={got}). Pass rows of numbers. [lab-window]",
            got=show_shape(image.shape),
        )
    layer = MaxPool2d((kernel_size, kernel_size), stride=(stride, stride))
    layer.output_shape((1, *image.shape))
    row = _row("max", layer, image, Context())
    columns = im2col(image[None, None], kernel_size, stride)
    return PoolingWalk(layer, image, columns.T.reshape(-1, kernel_size, kernel_size), row.output, row.gradient)
