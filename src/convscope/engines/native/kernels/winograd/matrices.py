"""The one-dimensional transforms of F(2,3) and F(4,3), each with its matrix.

A row of `tile` outputs of a correlation with three taps costs tile + 2 multiplications instead of 3·tile:

    y = Aᵀ · [(G·g) ⊙ (Bᵀ·d)]        d tile + 2 inputs, g three taps

In two dimensions every transform is applied to the columns and then to the rows. The gradient for g follows by the
chain rule: Gᵀ · [(Bᵀ·d) ⊙ (A·dy)].

Source:   Lavin & Gray 2015, "Fast algorithms for convolutional neural networks", sections 4.1 and 4.3
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from ...ir import Vector, fma

Matrix = tuple[tuple[Fraction, ...], ...]
Vectors = list[Vector]


@dataclass(frozen=True)
class Transform:
    """A linear map over vectors: its matrix, and a function with fewer operations."""

    matrix: Matrix
    apply: Callable[[Sequence[Vector]], Vectors]

    @property
    def inputs(self) -> int:
        """Return the number of inputs."""
        return len(self.matrix[0])

    @property
    def outputs(self) -> int:
        """Return the number of outputs."""
        return len(self.matrix)


@dataclass(frozen=True)
class Transforms:
    """The five transforms of F(tile, 3)."""

    tile: int
    input: Transform
    weight: Transform
    output: Transform
    output_gradient: Transform
    weight_gradient: Transform

    @property
    def size(self) -> int:
        """Return the number of elements of a transformed row."""
        return self.tile + 2

    @property
    def planes(self) -> int:
        """Return the number of elements of a transformed tile, each with its own matrix product."""
        return self.size**2


def _matrix(text: str) -> Matrix:
    return tuple(tuple(Fraction(number) for number in row.split()) for row in text.strip().splitlines())


def _turned(matrix: Matrix) -> Matrix:
    return tuple(zip(*matrix, strict=True))


def _times(number: float, a: Vector, c: Vector) -> Vector:
    """Return number·a + c."""
    return fma(a.code.constant(number), a, c)


# F(2,3)

_INPUT_2 = _matrix("""
1  0 -1  0
0  1  1  0
0 -1  1  0
0  1  0 -1
""")


def _input_2(d: Sequence[Vector]) -> Vectors:
    return [d[0] - d[2], d[1] + d[2], d[2] - d[1], d[1] - d[3]]


_WEIGHT_2 = _matrix("""
1    0   0
1/2  1/2 1/2
1/2 -1/2 1/2
0    0   1
""")


def _weight_2(g: Sequence[Vector]) -> Vectors:
    outer, inner = (g[0] + g[2]) * 0.5, g[1] * 0.5
    return [g[0], outer + inner, outer - inner, g[2]]


_OUTPUT_2 = _matrix("""
1  1  1  0
0  1 -1 -1
""")


def _output_2(m: Sequence[Vector]) -> Vectors:
    return [m[0] + (m[1] + m[2]), (m[1] - m[2]) - m[3]]


def _output_gradient_2(dy: Sequence[Vector]) -> Vectors:
    return [dy[0], dy[0] + dy[1], dy[0] - dy[1], -dy[1]]


def _weight_gradient_2(u: Sequence[Vector]) -> Vectors:
    total = (u[1] + u[2]) * 0.5
    return [u[0] + total, (u[1] - u[2]) * 0.5, total + u[3]]


# F(4,3)

_INPUT_4 = _matrix("""
4  0 -5  0  1  0
0 -4 -4  1  1  0
0  4 -4 -1  1  0
0 -2 -1  2  1  0
0  2 -1 -2  1  0
0  4  0 -5  0  1
""")


def _input_4(d: Sequence[Vector]) -> Vectors:
    even, odd = _times(-4, d[2], d[4]), _times(-4, d[1], d[3])
    steep, slope = d[4] - d[2], d[3] - d[1]
    return [
        _times(4, d[0], _times(-5, d[2], d[4])),
        even + odd,
        even - odd,
        _times(2, slope, steep),
        _times(-2, slope, steep),
        _times(4, d[1], _times(-5, d[3], d[5])),
    ]


_WEIGHT_4 = _matrix("""
 1/4    0    0
-1/6  -1/6  -1/6
-1/6   1/6  -1/6
 1/24  1/12  1/6
 1/24 -1/12  1/6
 0      0    1
""")


def _weight_4(g: Sequence[Vector]) -> Vectors:
    near = (g[0] + g[2]) * (-1 / 6)
    far = _times(1 / 24, g[0], g[2] * (1 / 6))
    return [
        g[0] * 0.25,
        _times(-1 / 6, g[1], near),
        _times(1 / 6, g[1], near),
        _times(1 / 12, g[1], far),
        _times(-1 / 12, g[1], far),
        g[2],
    ]


_OUTPUT_4 = _matrix("""
1  1  1  1  1  0
0  1 -1  2 -2  0
0  1  1  4  4  0
0  1 -1  8 -8  1
""")


def _output_4(m: Sequence[Vector]) -> Vectors:
    near, near_slope = m[1] + m[2], m[1] - m[2]
    far, far_slope = m[3] + m[4], m[3] - m[4]
    return [
        m[0] + near + far,
        _times(2, far_slope, near_slope),
        _times(4, far, near),
        _times(8, far_slope, near_slope) + m[5],
    ]


def _output_gradient_4(dy: Sequence[Vector]) -> Vectors:
    even, odd = dy[0] + dy[2], dy[1] + dy[3]
    far_even, far_odd = _times(4, dy[2], dy[0]), _times(4, dy[3], dy[1])
    return [
        dy[0],
        even + odd,
        even - odd,
        _times(2, far_odd, far_even),
        _times(-2, far_odd, far_even),
        dy[3],
    ]


def _weight_gradient_4(u: Sequence[Vector]) -> Vectors:
    near, near_slope = (u[1] + u[2]) * (1 / 6), (u[2] - u[1]) * (1 / 6)
    far, far_slope = u[3] + u[4], u[3] - u[4]
    return [
        _times(0.25, u[0], _times(1 / 24, far, -near)),
        _times(1 / 12, far_slope, near_slope),
        _times(1 / 6, far, u[5]) - near,
    ]


TRANSFORMS = {
    2: Transforms(
        tile=2,
        input=Transform(_INPUT_2, _input_2),
        weight=Transform(_WEIGHT_2, _weight_2),
        output=Transform(_OUTPUT_2, _output_2),
        output_gradient=Transform(_turned(_OUTPUT_2), _output_gradient_2),
        weight_gradient=Transform(_turned(_WEIGHT_2), _weight_gradient_2),
    ),
    4: Transforms(
        tile=4,
        input=Transform(_INPUT_4, _input_4),
        weight=Transform(_WEIGHT_4, _weight_4),
        output=Transform(_OUTPUT_4, _output_4),
        output_gradient=Transform(_turned(_OUTPUT_4), _output_gradient_4),
        weight_gradient=Transform(_turned(_WEIGHT_4), _weight_gradient_4),
    ),
}
"""Keyed by `tile`, the outputs of a row that are computed together."""
