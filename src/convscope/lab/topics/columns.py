"""Convolution as one matrix product (im2col)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ..engines.reference.im2col.columns import col2im, im2col
from ..engines.reference.layers.rules import Array
from ..errors import BadShape
from ..layers.base import show_shape
from ..layers.convolution import Conv2d
from ..text.notebook import Preformatted
from .blocks import beside, matrix, numbers, titled


@dataclass(frozen=True)
class MatrixProduct(Preformatted):
    """An image's windows as columns, the kernels as rows, and their product, which is the convolution."""

    x: Array
    weight: Array
    stride: int
    x_col: Array
    w_col: Array
    product: Array
    output: Array
    times_seen: Array

    def __str__(self) -> str:
        kernels, depth, kh, kw = self.weight.shape
        taps = f"{depth}·{kh}·{kw} = {len(self.x_col)}"
        rows, columns = self.output.shape[1:]
        channels = beside(*(titled(f"channel {i + 1}", matrix(c)) for i, c in enumerate(self.x)))
        maps = beside(*(titled(f"map {i + 1}", matrix(c)) for i, c in enumerate(self.output)))
        return "\n\n".join(
            [
                titled(f"Image {show_shape(self.x.shape)}", channels),
                titled(
                    f"X_col {show_shape(self.x_col.shape)}: {taps} rows, one per channel and tap; "
                    f"{rows}·{columns} = {rows * columns} columns, one per window",
                    matrix(self.x_col),
                ),
                titled(
                    f"W_col {show_shape(self.w_col.shape)}: one row per kernel, {kernels} of them",
                    matrix(self.w_col),
                ),
                titled(f"W_col · X_col {show_shape(self.product.shape)}", matrix(self.product)),
                titled(f"Reshaped to {show_shape(self.output.shape)}", maps),
                titled(
                    "col2im of ones: how many windows see each pixel of the first channel", matrix(self.times_seen)
                ),
            ]
        )


def matrix_product(x: ArrayLike | None = None, weight: ArrayLike | None = None, stride: int = 1) -> MatrixProduct:
    """Lay an image's windows out as columns and convolve by one matrix product.

    Left out, x is 4×4 with 3 channels, numbered through from 0, and the weight one kernel of 2×2.

    Shapes:   x (c, h, w), weight (o, c, kh, kw) → x_col (c·kh·kw, p·q), w_col (o, c·kh·kw), output (o, p, q)
    Errors:   BadShape [lab-columns]; those of im2col

    >>> matrix_product(np.zeros((3, 227, 227)), np.zeros((96, 3, 11, 11)), stride=4).output.shape
    (96, 55, 55)
    """
    image = np.arange(48.0).reshape(3, 4, 4) if x is None else numbers("x", x)
    kernels = _EXAMPLE if weight is None else numbers("weight", weight)
    if image.ndim != 3 or kernels.ndim != 4 or kernels.shape[1] != len(image):
        raise BadShape(
            "A kernel must be as deep as the image has channels, x (c, h, w) and weight (o, c, kh, kw) (got "
            "x={x}, weight={weight}). Pass kernels with one slice per channel. [lab-columns]",
            x=show_shape(image.shape),
            weight=show_shape(kernels.shape),
        )
    size = kernels.shape[2:]
    x_col = im2col(image[None], size, stride)
    w_col = kernels.reshape(len(kernels), -1)
    product = w_col @ x_col
    output = product.reshape(Conv2d(len(kernels), size, stride=(stride, stride)).output_shape(image.shape))
    seen = col2im(np.ones_like(x_col), (1, *image.shape), size, stride)
    return MatrixProduct(image, kernels, stride, x_col, w_col, product, output, seen[0, 0])


_EXAMPLE = np.array([[[[1.0, 0.0], [0.0, -1.0]], [[0.0, 1.0], [-1.0, 0.0]], [[1.0, 0.0], [0.0, 1.0]]]])
