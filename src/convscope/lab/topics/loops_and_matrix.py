"""One convolution by loops, as a matrix product, and by the native engine: equal values, measured times."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from time import perf_counter

import numpy as np

from ...axis import Window
from ...derivations.derivation import Text
from ...engines.reference.im2col.columns import im2col
from ...engines.reference.layers.rules import Array
from ...engines.reference.loops.convolution import correlate
from ...errors import BadSetting
from ...layers.base import show_shape
from ...layers.convolution import Conv2d
from ...model import Model
from ..lesson import Cell, Curves, Lesson, Section, Table, Words
from ..networks import chain
from ..options import SEED, SHAPE, Option, integer
from ..topic import Chapter, Topic
from ..windows import refuse_too_large

MOST_PRODUCTS = 3_000_000
"""Products that loops in Python compute in a few seconds."""

LEAST_SECONDS = 0.05
"""A fast way is repeated for so long; the best time counts."""

TITLE = Text("Loops against the matrix product", "循环与矩阵乘法的比较")
WORK = Text("The work", "计算任务")
WORK_WORDS = Text(
    "{kernels} kernels of {kernel} over an image of {image}: {products} products.",
    "{kernels} 个 {kernel} 的卷积核，图像 {image}：共 {products} 次乘法。",
)
SIZES = {
    "products": Text("products", "乘法次数"),
    "input_bytes": Text("bytes of the image", "图像字节数"),
    "x_col_bytes": Text("bytes of X_col", "X_col 字节数"),
}
TIMES = Text("Measured on this machine", "在本机上测得")
TIMES_WORDS = Text(
    "All ways give the same values, up to rounding. The matrix product is faster and copies every window: it "
    "needs "
    "more memory. The engine computes in float32, the others in float64.",
    "各种方法的结果相同（除舍入误差外）。矩阵乘法更快，但要复制每个窗口，因而占用更多内存。引擎用 float32 计算，"
    "其余用 float64。",
)
WAYS = {
    "loops": Text("loops in Python", "Python 循环"),
    "im2col": Text("im2col, matrix product", "im2col 与矩阵乘法"),
    "native": Text("native engine", "原生引擎"),
}
COLUMNS = {
    "way": Text("way", "方法"),
    "ms": Text("ms", "毫秒"),
    "speedup": Text("times faster", "加速倍数"),
    "extra_bytes": Text("extra bytes", "额外字节数"),
    "largest_difference": Text("difference", "差异"),
}


def _teach(shape: tuple[int, ...] = (3, 24, 24), kernels: int = 8, size: int = 3, seed: int = 0) -> Lesson:
    refuse_too_large((size, size), shape[1:])
    layer = Conv2d(kernels, (size, size), bias=False)
    output = layer.output_shape(shape)
    products = prod(output) * shape[0] * size * size
    if products > MOST_PRODUCTS:
        raise BadSetting(
            "The lesson takes at most {most:,} products, since loops in Python are slow (got {got:,}). Use a "
            "smaller --shape, fewer --kernels, or a smaller --size. [lab-products]",
            most=MOST_PRODUCTS,
            got=products,
        )
    generator = np.random.default_rng(seed)
    x, weight = generator.normal(size=(1, *shape)), generator.normal(size=(kernels, shape[0], size, size))
    model = Model(chain(shape, ("conv", layer)), engine="native")
    model.parameters["conv.weight"] = weight.astype(np.float32)
    model.predict(x.astype(np.float32))  # compiles the network, which is not timed
    ways: dict[str, Callable[[], Array]] = {
        "loops": lambda: _by_loops(x, weight, size, output),
        "im2col": lambda: _by_matrix(x, weight, size, output),
        "native": lambda: model.predict(x.astype(np.float32)),
    }
    measured = {name: _measured(way) for name, way in ways.items()}
    slowest, expected = measured["loops"]
    columns = shape[0] * size * size * prod(output[1:]) * x.itemsize
    extra: dict[str, Cell] = {"loops": 0, "im2col": columns, "native": "—"}
    rows = tuple(
        (
            WAYS[name],
            _rounded(seconds * 1e3),
            _rounded(slowest / seconds),
            extra[name],
            float(np.abs(values - expected).max()),
        )
        for name, (seconds, values) in measured.items()
    )
    work = WORK_WORDS.fill(
        kernels=kernels, kernel=show_shape(weight.shape[1:]), image=show_shape(shape), products=f"{products:,}"
    )
    milliseconds = np.array([seconds * 1e3 for seconds, _ in measured.values()])
    return Lesson(
        "loops-and-matrix",
        TITLE,
        (
            Section(WORK, (Words(work), Table("work", SIZES, ((products, x.nbytes, columns),)))),
            Section(
                TIMES,
                (
                    Words(TIMES_WORDS),
                    Table("times", COLUMNS, rows),
                    Curves(
                        "bars", COLUMNS["ms"], COLUMNS["way"], tuple(WAYS.values()), {"ms": milliseconds}, True
                    ),
                ),
            ),
        ),
    )


def _rounded(value: float) -> float:
    return float(f"{value:.4g}")


def _by_loops(x: Array, weight: Array, size: int, output: tuple[int, ...]) -> Array:
    return correlate(x, weight, (Window(size), Window(size)), output[1:], 1)


def _by_matrix(x: Array, weight: Array, size: int, output: tuple[int, ...]) -> Array:
    product: Array = weight.reshape(len(weight), -1) @ im2col(x, size)
    return product.reshape(1, *output)


def _measured(way: Callable[[], Array]) -> tuple[float, Array]:
    """Return the shortest time in seconds, and the values."""
    best, spent = np.inf, 0.0
    while spent < LEAST_SECONDS:
        start = perf_counter()
        values = way()
        seconds = perf_counter() - start
        best, spent = min(best, seconds), spent + seconds
    return best, values


TOPIC = Topic(
    "loops-and-matrix",
    Chapter.CONVOLUTION,
    Text("the same convolution three ways, timed on your machine", "同一卷积的三种算法，在本机计时"),
    _teach,
    (
        SHAPE,
        Option("kernels", "--kernels", "COUNT", "Number of kernels.", integer(1)),
        Option("size", "--size", "PIXELS", "Side of the kernel.", integer(1)),
        SEED,
    ),
    "loops-and-matrix --shape 3x24x24 --kernels 8 --size 3",
)
