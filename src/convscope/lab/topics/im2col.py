"""Convolution as one matrix product (im2col)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import numpy as np
from numpy.typing import ArrayLike

from ...axis import Window
from ...derivations import explain
from ...derivations.derivation import Text
from ...engines.reference.im2col.columns import col2im, im2col
from ...engines.reference.layers.rules import Array
from ...engines.reference.loops.convolution import correlate
from ...errors import BadShape
from ...layers.base import show_shape
from ...layers.convolution import Conv2d
from ...loading import load
from ..arrays import index, numbers, of_rank
from ..lesson import Block, Lesson, Row, Section, Steps, Table, Taught, Value, Words, worked
from ..networks import chain
from ..options import INPUT_MAPS, KERNELS_MAPS, STRIDE
from ..stepping import MOST_LIT, element_steps, sum_of_products, window_places
from ..topic import Chapter, Topic
from ..windows import kernel_maps, refuse_too_large

IMAGE, KERNEL = Text("Image", "图像"), Text("kernel", "卷积核")
X_COL = Text("X_col {shape}: every window as a column", "X_col {shape}：每个窗口成为一列")
X_WORDS = Text(
    "{taps} rows, one per channel and tap; {windows} columns, one per window.",
    "{taps} 行，每个通道的每个权重位置一行；{windows} 列，每个窗口一列。",
)
PRODUCT = Text("W_col · X_col {shape}: the convolution", "W_col · X_col {shape}：即卷积")
W_WORDS = Text(
    "W_col has one row per kernel, {count} of them, in the order of the rows of X_col.",
    "W_col 每个卷积核一行，共 {count} 行，次序与 X_col 的行一致。",
)
W_COL, TIMES = Text("W_col", "W_col"), Text("W_col · X_col", "W_col · X_col")
RESHAPED = Text("Every row of the product, cut into lines, is one map:", "乘积的每一行按行重排，就是一张特征图：")
COL2IM = Text("col2im: back to the image", "col2im：还原到图像")
COL2IM_WORDS = Text(
    "In the backward pass every column of the gradient is added back to its window: col2im. Of ones, it counts "
    "the "
    "windows that see each pixel. It is the adjoint of im2col, not its inverse.",
    "反向传播时，梯度的每一列加回它的窗口，即 col2im。全 1 时，它数出看到每个像素的窗口个数。它是 im2col 的伴随，"
    "而不是逆。",
)
LOOPS = Text("by loops", "循环计算")
LOOPS_WORDS = Text(
    "Plain loops over the windows, on the same numbers, give the same maps:",
    "对同样的数值，用普通循环逐窗口计算，得到相同的特征图：",
)
CHANNEL, MAP = Text("channel {number}", "通道 {number}"), Text("map {number}", "特征图 {number}")
MATRICES = {"matrix": Text("matrix", "矩阵"), "rows": Text("rows", "行"), "columns": Text("columns", "列")}
COUNTS = Text("windows per pixel", "每个像素的窗口数")
ALEXNET = Text(
    "The first layer of AlexNet: 227×227×3, 11×11, stride 4", "AlexNet 第一层：227×227×3，11×11，步长 4"
)


@dataclass(frozen=True)
class MatrixProduct(Taught):
    """An image's windows as columns, the kernels as rows, and their product, which is the convolution."""

    x: Array
    weight: Array
    stride: int
    x_col: Array
    w_col: Array
    product: Array
    output: Array
    times_seen: Array

    def lesson(self) -> Lesson:
        kernels, depth, kh, kw = self.weight.shape
        rows, columns = self.output.shape[1:]
        about = X_WORDS.fill(
            taps=f"{depth}·{kh}·{kw} = {len(self.x_col)}", windows=f"{rows}·{columns} = {rows * columns}"
        )
        derived = explain(load("alexnet"), "conv1").of("im2col")
        product = Row((Value("w_col", self.w_col, W_COL), "→", Value("product", self.product, TIMES)))
        return Lesson(
            "im2col",
            Text("Convolution as one matrix product (im2col)", "卷积即一次矩阵乘法（im2col）"),
            (
                Section(IMAGE, (Row((Value("x", self.x, IMAGE), Value("weight", self.weight, KERNEL))),)),
                Section(
                    X_COL.fill(shape=show_shape(self.x_col.shape)),
                    (Words(about), Row((Value("x_col", self.x_col),))),
                ),
                Section(
                    PRODUCT.fill(shape=show_shape(self.product.shape)),
                    (
                        Words(W_WORDS.fill(count=kernels)),
                        product,
                        Words(RESHAPED),
                        Row((Value("y", self.output),)),
                        *self._loops(),
                        *self._steps(),
                    ),
                ),
                Section(
                    COL2IM,
                    (Words(COL2IM_WORDS), Row((Value("windows_per_pixel", self.times_seen, COUNTS),))),
                ),
                Section(ALEXNET, (*(block for one in derived for block in worked(one)), _alexnet_sizes())),
            ),
            chain(
                self.x.shape, ("conv", Conv2d(kernels, (kh, kw), stride=(self.stride, self.stride), bias=False))
            ),
        )

    def _loops(self) -> tuple[Block, ...]:
        """Return the same maps by plain loops, where those do not take long."""
        if self.product.size * len(self.x_col) > MOST_LIT:
            return ()
        windows = tuple(Window(k, self.stride) for k in self.weight.shape[2:])
        maps = correlate(self.x[None], self.weight, windows, self.output.shape[1:], 1)[0]
        return (Words(LOOPS_WORDS), Row((Value("by_loops", maps, LOOPS),)))

    def _steps(self) -> tuple[Steps, ...]:
        """Return the steps: a window of the image, its column, the row of a kernel, and their product."""
        kernels, depth, kh, kw = self.weight.shape
        images = [Value(f"x_{i}", one, CHANNEL.fill(number=i + 1)) for i, one in enumerate(self.x)]
        x_col, w_col = Value("x_col", self.x_col), Value("w_col", self.w_col, W_COL)
        product = Value("product", self.product, TIMES)
        outputs = [Value(f"y_{i}", one, MAP.fill(number=i + 1)) for i, one in enumerate(self.output)]
        taps = range(depth * kh * kw)
        lit, lines = [], []
        for kernel in range(kernels):
            for place, at in enumerate(np.ndindex(self.output.shape[1:])):
                window = window_places(at, (kh, kw), self.stride)
                step = {one.name: window for one in images}
                step |= {"x_col": tuple((t, place) for t in taps), "w_col": tuple((kernel, t) for t in taps)}
                lit.append(step | {"product": ((kernel, place),), f"y_{kernel}": (at,)})
                pairs = list(zip(self.w_col[kernel], self.x_col[:, place], strict=True))
                lines.append(sum_of_products(index("y", *at), pairs, None, float(self.product[kernel, place])))
        parts: tuple[Value | str, ...] = (*images, "→", x_col, w_col, "·", "X_col", "=", product, "→", *outputs)
        return element_steps("steps", parts, lit, lines)


def _alexnet_sizes() -> Table:
    """Return the sizes of the matrices, from the network's own layer."""
    node = load("alexnet")["conv1"]
    kernels, *taps = node.facts.param_shapes["weight"]
    windows = prod(node.output_shape[1:])
    rows = (("X_col", prod(taps), windows), ("W_col", kernels, prod(taps)), ("W_col · X_col", kernels, windows))
    return Table("alexnet", MATRICES, rows)


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


def _teach(x: ArrayLike | None = None, kernels: Sequence[ArrayLike] = (), stride: int = 1) -> Lesson:
    image = None if x is None else of_rank("input", x, 3, "1,2/3,4//5,6/7,8")
    weight = kernel_maps(kernels, 3) if kernels else None
    if image is not None and weight is None:
        weight = np.resize(_EXAMPLE, (1, len(image), 2, 2))
    if weight is not None:
        refuse_too_large(weight.shape[2:], (4, 4) if image is None else image.shape[1:])
    return matrix_product(image, weight, stride).lesson()


_EXAMPLE = np.array([[[[1.0, 0.0], [0.0, -1.0]], [[0.0, 1.0], [-1.0, 0.0]], [[1.0, 0.0], [0.0, 1.0]]]])

TOPIC = Topic(
    "im2col",
    Chapter.CONVOLUTION,
    Text(
        "convolution as one matrix product, and back: im2col, col2im",
        "卷积写成一次矩阵乘法，以及还原：im2col 与 col2im",
    ),
    _teach,
    (INPUT_MAPS, KERNELS_MAPS, STRIDE),
    "im2col --input 1,2,3/4,5,6/7,8,9 --kernel 1,0/0,1 --stride 1",
)
