"""Max pooling, window by window, and where its gradient goes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ...derivations.derivation import Text
from ...engines.reference.im2col.columns import im2col
from ...engines.reference.layers import pooling as _rules  # noqa: F401 - registers the answers
from ...engines.reference.layers.rules import Array, Context, backward, forward
from ...errors import BadSetting, BadShape
from ...layers.base import show_shape
from ...layers.pooling import MaxPool2d
from ..arrays import number, numbers
from ..gradients import output_gradient
from ..lesson import Block, Cell, Lesson, Row, Section, Steps, Table, Taught, Value, Words, same
from ..networks import chain, derived
from ..options import GRADIENT, INPUT, PADDING, SIZE_OF_WINDOW, STRIDE
from ..stepping import pooling_steps
from ..topic import Chapter, Topic
from ..windows import refuse_too_large

MAP = ((1.0, 3.0, 2.0, 4.0), (3.0, 5.0, 4.0, 6.0), (2.0, 5.0, 6.0, 7.0), (4.0, 7.0, 6.0, 8.0))
MOST = 16
"""Windows that are listed."""

TITLE = Text("Max pooling, window by window", "逐窗口的最大池化")
SIZE = Text("Size of the output", "输出尺寸")
FORWARD = Text("Forward: the largest value of each window", "前向：每个窗口的最大值")
FORWARD_WORDS = Text(
    "{count} windows of {size}×{size}, stride {stride}. Padding never wins: it counts as −∞.",
    "{count} 个 {size}×{size} 的窗口，步长 {stride}。填充视为 −∞，永远不会胜出。",
)
BACKWARD = Text("Backward: the gradient goes to the winner", "反向：梯度传给胜出者")
BACKWARD_WORDS = Text(
    "All others get 0. Among equal largest values the first wins, row by row. A value that wins in several "
    "windows "
    "gets the sum.",
    "其余元素得 0。若有多个相等的最大值，按行取第一个。在多个窗口中胜出的值，得到各窗口梯度之和。",
)
TIES = Text("Windows with several equal largest values: {count}.", "含多个相等最大值的窗口：{count} 个。")
COLUMNS = {
    "output": Text("output", "输出位置"),
    "window": Text("window", "窗口"),
    "value": Text("max", "最大值"),
    "winner": Text("winner in x", "胜出者在 x 中的位置"),
    "ties": Text("equal", "相等个数"),
}
INPUT_TITLE, OUTPUT = Text("x", "x"), Text("output", "输出")


@dataclass(frozen=True)
class PoolingWalk(Taught):
    """Max pooling over a map, window by window.

    `winners` are the positions in x that win, `ties` how many elements of each window equal the largest.
    """

    layer: MaxPool2d  # type: ignore[valid-type]  # made by `by_rank`
    x: Array
    windows: Array
    output: Array
    winners: Array
    ties: Array
    output_gradient: Array
    gradient: Array

    def lesson(self) -> Lesson:
        size, stride = self.layer.kernel_size[0], self.layer.stride[0]  # type: ignore[attr-defined]
        network = chain((1, *self.x.shape), ("pool", self.layer))
        rows: list[tuple[Cell, ...]] = []
        for place, at in enumerate(np.ndindex(self.output.shape)):
            window = " / ".join(",".join(map(_shown, line)) for line in self.windows[place])
            winner = ", ".join(map(str, self.winners[place].tolist()))
            rows.append(
                (f"({at[0]}, {at[1]})", window, float(self.output[at]), f"({winner})", int(self.ties[place]))
            )
        ties = int((self.ties > 1).sum())
        steps: tuple[Block, ...] = (Table("windows", COLUMNS, tuple(rows[:MOST])),) if size <= 3 else ()
        back = (Value("dy", self.output_gradient), "→", Value("dx", self.gradient))
        return Lesson(
            "max-pooling",
            TITLE,
            (
                Section(SIZE, tuple(derived(network, "pool", "output_shape"))),
                Section(
                    FORWARD,
                    (
                        Words(FORWARD_WORDS.fill(count=self.output.size, size=size, stride=stride)),
                        Row((Value("x", self.x, same("x")), "→", Value("output", self.output, OUTPUT))),
                        *steps,
                    ),
                ),
                Section(
                    BACKWARD,
                    (
                        Words(BACKWARD_WORDS),
                        Words(TIES.fill(count=ties)),
                        Row(back),
                        *self._steps(back[0], back[2]),
                    ),
                ),
            ),
            network,
        )

    def _steps(self, dy: Value, dx: Value) -> tuple[Steps, ...]:
        size, stride, padding = (
            self.layer.kernel_size[0],  # type: ignore[attr-defined]
            self.layer.stride[0],  # type: ignore[attr-defined]
            self.layer.padding[0][0],  # type: ignore[attr-defined]
        )
        x, y = Value("x", self.x), Value("output", self.output, OUTPUT)
        return pooling_steps(x, y, dy, dx, size, stride, padding, self.winners)


def _shown(value: float) -> str:
    return "−∞" if np.isneginf(value) else number(value)


def max_pooling(
    x: ArrayLike = MAP,
    kernel_size: int = 2,
    stride: int = 2,
    padding: int = 0,
    gradient: ArrayLike | None = None,
) -> PoolingWalk:
    """Slide a window over a map and keep the largest number of each.

    Shapes:   x (h, w) → output (p, q), windows (p·q, kernel_size, kernel_size), gradient (h, w)
    Errors:   BadShape [lab-window], [lab-window-size], [lab-gradient]; BadSetting [lab-pool-padding]

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
    if 2 * padding > kernel_size:
        raise BadSetting(
            "The padding of a pooling must be at most half of its window, {most} (got {got}). Use a larger "
            "window. "
            "[lab-pool-padding]",
            most=kernel_size // 2,
            got=padding,
        )
    refuse_too_large((kernel_size, kernel_size), image.shape, padding)
    layer = MaxPool2d(
        (kernel_size, kernel_size), stride=(stride, stride), padding=((padding, padding), (padding, padding))
    )
    inputs, context = (image[None, None],), Context()
    output = forward(layer, inputs, {}, context)
    dy = output_gradient(gradient, output.shape[2:])
    (dx,) = backward(layer, dy[None, None], inputs, {}, context).inputs
    assert dx is not None  # the input is no integer
    padded = np.pad(image, padding, constant_values=-np.inf)
    columns = im2col(padded[None, None], kernel_size, stride).T
    first = columns.argmax(axis=1)
    corners = np.stack(np.unravel_index(np.arange(len(columns)), output.shape[2:]), 1) * stride - padding
    winners = corners + np.stack(np.unravel_index(first, (kernel_size, kernel_size)), 1)
    ties = (columns == columns.max(axis=1, keepdims=True)).sum(axis=1)
    windows = columns.reshape(-1, kernel_size, kernel_size)
    return PoolingWalk(layer, image, windows, output[0, 0], winners, ties, dy, dx[0, 0])


def _teach(
    x: ArrayLike = MAP,
    size: int = 2,
    stride: int | None = None,
    padding: int = 0,
    gradient: ArrayLike | None = None,
) -> Lesson:
    return max_pooling(x, size, size if stride is None else stride, padding, gradient).lesson()


TOPIC = Topic(
    "max-pooling",
    Chapter.POOLING,
    Text("window by window, forward and backward, with ties", "逐窗口的前向与反向，含并列最大值"),
    _teach,
    (INPUT, SIZE_OF_WINDOW, STRIDE, PADDING, GRADIENT),
    "max-pooling --input 1,3,2,4/3,5,4,6/2,5,6,7/4,7,6,8 --size 2 --stride 1",
)
