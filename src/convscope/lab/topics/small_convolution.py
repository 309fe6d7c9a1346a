"""A convolution small enough to draw: its graph, forward and backward, in one or two dimensions.

What networks call convolution does not flip its kernel; mathematics calls it correlation. The flip comes back in
the backward pass.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ..engines.reference.layers import convolution as _rules  # noqa: F401 - registers the answers
from ..engines.reference.layers.rules import Array, Context, backward, forward
from ..engines.reference.loops.convolution import places
from ..errors import BadShape
from ..layers.base import show_shape
from ..layers.convolution import Conv, Conv1d, Conv2d
from ..text.notebook import Preformatted
from .blocks import beside, matrix, number, numbers, titled

Place = tuple[int, ...]


@dataclass(frozen=True)
class Correlation(Preformatted):
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
            sources = [f"{_name('x', i)} ──×{_name('w', k)}──" for i, k in self.terms(at)]
            width = max(map(len, sources))
            sources.append("b ".ljust(width, "─"))
            drawn.append("\n".join(_joined(sources, f"{_name('y', at)} = {number(self.y[at])}")))
        return "\n\n".join(drawn)

    def equations(self) -> str:
        """Write every output as a sum of products, with the numbers put in."""
        lines = []
        for at in places(self.y.shape):
            terms = self.terms(at)
            letters = " + ".join(f"{_name('x', i)}·{_name('w', k)}" for i, k in terms)
            numbers = " + ".join(f"{_signed(self.x[i])}·{_signed(self.w[k])}" for i, k in terms)
            lines.append(f"{_name('y', at)} = {letters} + b")
            lines.append(f"{' ' * len(_name('y', at))} = {numbers} + {_signed(self.b)} = {number(self.y[at])}")
        return "\n".join(lines)

    def backward_equations(self) -> str:
        """Write every gradient as the sum over the paths back to it."""
        lines = []
        for at in places(self.x.shape):
            letters = " + ".join(f"{_name('dy', out)}·{_name('w', tap)}" for out, tap in self.uses(at))
            lines.append(f"{_name('dx', at)} = {letters} = {number(self.grad_x[at])}")
        for tap in places(self.w.shape):
            letters = " + ".join(
                f"{_name('dy', out)}·{_name('x', _plus(out, tap))}" for out in places(self.y.shape)
            )
            lines.append(f"{_name('dw', tap)} = {letters} = {number(self.grad_w[tap])}")
        letters = " + ".join(_name("dy", out) for out in places(self.y.shape))
        lines.append(f"db = {letters} = {number(self.grad_b)}")
        return "\n".join(lines)

    def __str__(self) -> str:
        flipped = beside(
            titled("dy, padded", matrix(self.padded_grad_y)),
            titled("w, flipped", matrix(self.turned_w)),
            titled("= dx", matrix(self.flipped)),
        )
        sizes = f"x {show_shape(self.x.shape)}, w {show_shape(self.w.shape)} → y {show_shape(self.y.shape)}"
        return "\n\n".join(
            [
                titled(
                    f"Forward: {sizes}",
                    beside(
                        titled("x", matrix(self.x)),
                        titled("w", matrix(self.w)),
                        titled("b", number(self.b)),
                        titled("y", matrix(self.y)),
                    ),
                ),
                self.equations(),
                titled("Graph", self.graph()),
                titled("Backward, with dy the gradient of y", matrix(self.grad_y)),
                self.backward_equations(),
                titled("The same dx as a convolution: slide the flipped kernel over the padded dy", flipped),
            ]
        )


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


def _name(letter: str, at: Place) -> str:
    """Write x2, or x21 for row 2, column 1."""
    joint = "" if all(index < 10 for index in at) else ","
    return letter + joint.join(map(str, at))


def _signed(value: float) -> str:
    return number(value) if value >= 0 else f"({number(value)})"


def _joined(sources: list[str], result: str) -> list[str]:
    """Join lines by a bracket, and point from its middle to the result."""
    last, middle = len(sources) - 1, len(sources) // 2
    lines = []
    for index, source in enumerate(sources):
        corner = "┐" if index == 0 else "┘" if index == last else "┤"
        if index == middle:
            corner = {"┐": "┬", "┘": "┴", "┤": "┼"}[corner] + f"──(+)──► {result}"
        lines.append(source + corner)
    return lines
