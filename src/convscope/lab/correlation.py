"""A convolution small enough to draw: its graph, forward and backward, in one or two dimensions.

What networks call convolution does not flip its kernel; mathematics calls it correlation. The flip comes back in
the backward pass.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ..derivations.derivation import Text
from ..engines.reference.layers import convolution as _rules  # noqa: F401 - registers the answers
from ..engines.reference.layers.rules import Array, Context, backward, forward
from ..engines.reference.loops.convolution import places
from ..errors import BadShape
from ..layers.base import show_shape
from ..layers.convolution import Conv, Conv1d, Conv2d
from .arrays import factor, index, number, numbers
from .lesson import Drawing, Formulas, Lesson, Place, Row, Section, Taught, Value, Words, same
from .networks import chain
from .stepping import sliding_steps

MOST_PRODUCTS = 64
"""Products that are written out and drawn; larger convolutions are shown by their values."""

TITLES = Text("Convolution in one dimension", "一维卷积"), Text("Convolution in two dimensions", "二维卷积")
FORWARD = Text("Forward: x {x}, w {w} → y {y}", "前向：x {x}，w {w} → y {y}")
FORWARD_WORDS = Text(
    "The kernel slides over x, without a flip, and every output is a sum of products plus the bias.",
    "卷积核不翻转，在 x 上滑动；每个输出是乘积之和再加偏置。",
)
GRAPH = Text("The computational graph", "计算图")
GRAPH_WORDS = Text("Every output uses the same weights: they are shared.", "每个输出都使用同一组权重：权重共享。")
BACKWARD = Text("Backward: dy is the gradient of y", "反向：dy 是 y 的梯度")
BACKWARD_WORDS = Text(
    "The gradient of a number is summed over every product that uses it; a shared weight collects from all "
    "outputs.",
    "一个数的梯度，是所有用到它的乘积传回的梯度之和；共享的权重从全部输出累加。",
)
TURNED = Text("The same dx as a convolution with the flipped kernel", "dx 也是与翻转卷积核的卷积")
TURNED_WORDS = Text(
    "Pad dy by the kernel's size less one, turn the kernel by 180°, and slide it over.",
    "把 dy 的四周填充“卷积核大小减一”个零，再用旋转 180° 的卷积核滑过它。",
)
PADDED = Text("dy, padded", "填充后的 dy")
FLIPPED = Text("w, flipped", "翻转后的 w")


@dataclass(frozen=True)
class Correlation(Taught):
    """One channel and one kernel, stride 1, no padding: all values and all gradients.

    `flipped` is the same gradient of x as `grad_x`, by the other way: the gradient of y, padded by one less than
    the kernel, convolved with the kernel rotated by 180°.
    """

    x: Array
    w: Array
    b: float
    y: Array
    grad_y: Array
    grad_x: Array
    grad_w: Array
    grad_b: float
    padded_grad_y: Array
    turned_w: Array
    flipped: Array

    def terms(self, at: Place) -> list[tuple[Place, Place]]:
        """Return the positions (in x, in w) whose products y sums at one position."""
        return [(_plus(at, tap), tap) for tap in places(self.w.shape)]

    def uses(self, at: Place) -> list[tuple[Place, Place]]:
        """Return the positions (in y, in w) at which one position of x is used."""
        pairs = ((_minus(at, tap), tap) for tap in places(self.w.shape))
        inside = [
            (out, tap) for out, tap in pairs if all(0 <= o < n for o, n in zip(out, self.y.shape, strict=True))
        ]
        return sorted(inside)

    def graph(self) -> str:
        """Draw what each output is summed from; every kernel weight is used by each."""
        drawn = []
        for at in places(self.y.shape):
            sources = [f"{_drawn('x', i)} ──×{_drawn('w', k)}──" for i, k in self.terms(at)]
            width = max(map(len, sources))
            sources.append("b ".ljust(width, "─"))
            drawn.append("\n".join(_joined(sources, f"{_drawn('y', at)} = {number(self.y[at])}")))
        return "\n\n".join(drawn)

    def equations(self) -> tuple[str, ...]:
        """Write every output as a sum of products, with the numbers put in."""
        lines = []
        for at in places(self.y.shape):
            terms = self.terms(at)
            letters = " + ".join(f"{index('x', *i)}·{index('w', *k)}" for i, k in terms)
            values = " + ".join(f"{factor(self.x[i])}·{factor(self.w[k])}" for i, k in terms)
            lines.append(f"{index('y', *at)} = {letters} + b = {values} + {factor(self.b)} = {number(self.y[at])}")
        return tuple(lines)

    def backward_equations(self) -> tuple[str, ...]:
        """Write every gradient as the sum over the paths back to it."""
        lines = []
        for at in places(self.x.shape):
            letters = " + ".join(f"{index('dy', *out)}·{index('w', *tap)}" for out, tap in self.uses(at))
            lines.append(f"{index('dx', *at)} = {letters} = {number(self.grad_x[at])}")
        for tap in places(self.w.shape):
            letters = " + ".join(
                f"{index('dy', *out)}·{index('x', *_plus(out, tap))}" for out in places(self.y.shape)
            )
            lines.append(f"{index('dw', *tap)} = {letters} = {number(self.grad_w[tap])}")
        letters = " + ".join(index("dy", *out) for out in places(self.y.shape))
        lines.append(f"db = {letters} = {number(self.grad_b)}")
        return tuple(lines)

    def _backward_values(self) -> tuple[Value, Value, Value]:
        """Return the padded gradient, the flipped kernel, and the gradient of x that they make."""
        return (
            Value("dy", self.padded_grad_y, PADDED),
            Value("w", self.turned_w, FLIPPED),
            Value("dx", self.flipped),
        )

    def lesson(self) -> Lesson:
        rank = self.x.ndim
        gradients = (Value("dx", self.grad_x), Value("dw", self.grad_w), Value("db", np.array([self.grad_b])))
        turned = (Value("dy_padded", self.padded_grad_y, PADDED), "∗", Value("w_flipped", self.turned_w, FLIPPED))
        small = self.y.size * self.w.size <= MOST_PRODUCTS
        bias = Value("b", np.array([self.b]))
        sections = [
            Section(
                FORWARD.fill(x=show_shape(self.x.shape), w=show_shape(self.w.shape), y=show_shape(self.y.shape)),
                (
                    Words(FORWARD_WORDS),
                    Row((Value("x", self.x), "∗", Value("w", self.w), "+", bias, "=", Value("y", self.y))),
                    *((Formulas(self.equations()),) if small else ()),
                    *sliding_steps(
                        "steps", Value("x", self.x), Value("w", self.w), Value("y", self.y), bias=self.b
                    ),
                ),
            )
        ]
        if small:
            sections.append(Section(GRAPH, (Words(GRAPH_WORDS), Drawing(same(self.graph())))))
        sections += [
            Section(
                BACKWARD,
                (
                    Words(BACKWARD_WORDS),
                    Row((Value("dy", self.grad_y),)),
                    *((Formulas(self.backward_equations()),) if small else ()),
                    Row(gradients),
                ),
            ),
            Section(
                TURNED,
                (
                    Words(TURNED_WORDS),
                    Row((*turned, "=", Value("dx_by_flip", self.flipped, same("dx")))),
                    *sliding_steps(
                        "backward_steps",
                        *self._backward_values(),
                        padding=_minus(self.w.shape, (1,) * rank),
                        symbol="dx",
                    ),
                ),
            ),
        ]
        layer = (Conv1d, Conv2d)[rank - 1](1, self.w.shape)
        network = chain((1, *self.x.shape), ("conv", layer))
        return Lesson(f"convolution-{rank}d", TITLES[rank - 1], tuple(sections), network)


def correlation(
    x: ArrayLike = (1.0, 2.0, -1.0, 3.0, 0.0),
    w: ArrayLike = (2.0, -1.0, 1.0),
    b: float = 1.0,
    grad_y: ArrayLike | None = None,
) -> Correlation:
    """Convolve one channel with one kernel, and carry a gradient back (of ones unless given).

    Shapes:   x (n) and w (k), or x (h, w) and w (kh, kw) → y, smaller by the kernel less one; grad_y as y
    Errors:   BadShape [lab-correlation]

    >>> correlation([1, 2, 3, 4, 5], [1, 0, -1], 0).y
    array([-2., -2., -2.])
    """
    signal, kernel = numbers("x", x), numbers("w", w)
    rank = signal.ndim
    fits = rank in (1, 2) and kernel.ndim == rank
    fits = fits and all(0 < k <= n for k, n in zip(kernel.shape, signal.shape, strict=True))
    if not fits:
        raise BadShape(
            "x and w must both be rows or both be matrices, w no larger than x (got x={x}, w={w}). Make w "
            "smaller. [lab-correlation]",
            x=show_shape(signal.shape),
            w=show_shape(kernel.shape),
        )
    layer = (Conv1d, Conv2d)[rank - 1](1, kernel.shape)
    y = _convolved(layer, signal, kernel, b)
    grad = np.ones_like(y) if grad_y is None else numbers("grad_y", grad_y)
    if grad.shape != y.shape:
        raise BadShape(
            "grad_y must be {expected}, as y (got grad_y={got}). Leave it out for ones. [lab-correlation]",
            expected=show_shape(y.shape),
            got=show_shape(grad.shape),
        )
    parameters = {"weight": kernel[None, None], "bias": np.array([b])}
    gradients = backward(layer, grad[None, None], (signal[None, None],), parameters, Context())
    grad_x = gradients.inputs[0]
    assert grad_x is not None  # x is no integer
    padded = np.pad(grad, [(k - 1, k - 1) for k in kernel.shape])
    turned = np.flip(kernel)
    return Correlation(
        x=signal,
        w=kernel,
        b=b,
        y=y,
        grad_y=grad,
        grad_x=grad_x[0, 0],
        grad_w=gradients.parameters["weight"][0, 0],
        grad_b=float(gradients.parameters["bias"][0]),
        padded_grad_y=padded,
        turned_w=turned,
        flipped=_convolved(layer, padded, turned, 0.0),
    )


def _convolved(layer: Conv, x: Array, w: Array, b: float) -> Array:
    parameters = {"weight": w[None, None], "bias": np.array([b])}
    output: Array = forward(layer, (x[None, None],), parameters, Context())[0, 0]
    return output


def _plus(one: Place, other: Place) -> Place:
    return tuple(a + b for a, b in zip(one, other, strict=True))


def _minus(one: Place, other: Place) -> Place:
    return tuple(a - b for a, b in zip(one, other, strict=True))


def _drawn(letter: str, at: Place) -> str:
    """Write x2, or x21 for row 2, column 1."""
    joint = "" if all(one < 10 for one in at) else ","
    return letter + joint.join(map(str, at))


def _joined(sources: list[str], result: str) -> list[str]:
    """Join lines by a bracket, and point from its middle to the result."""
    last, middle = len(sources) - 1, len(sources) // 2
    lines = []
    for place, source in enumerate(sources):
        corner = "┐" if place == 0 else "┘" if place == last else "┤"
        if place == middle:
            corner = {"┐": "┬", "┘": "┴", "┤": "┼"}[corner] + f"──(+)──► {result}"
        lines.append(source + corner)
    return lines
