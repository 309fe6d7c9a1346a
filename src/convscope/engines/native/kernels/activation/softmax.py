"""Softmax over classes: alone, and together with the cross-entropy and its gradient."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import inf

from ...codegen.kernel import Kernel
from ...ir import Code, Index, Pointer, Vector
from ...layout import blocks_of
from ..common.elementary import exponential, logarithm


@dataclass(frozen=True)
class Classes:
    """A row of scores for so many classes, in whole vectors."""

    classes: int
    lanes: int

    @property
    def blocks(self) -> int:
        """Return the vectors of a row."""
        return blocks_of(self.classes, self.lanes)

    @property
    def floats(self) -> int:
        """Return the floats of a row."""
        return self.blocks * self.lanes

    def reduce(
        self,
        code: Code,
        start: Sequence[Vector],
        step: Callable[[int | Index, int, Sequence[Vector]], Sequence[Vector]],
    ) -> list[Vector]:
        """Return what `step(offset, lanes used, values)` makes of the values, from vector to vector of a row."""
        values, whole = list(start), self.classes // self.lanes
        if whole:
            with code.loop(0, whole * self.lanes, self.lanes, carry=values) as loop:
                loop.next(list(step(loop.index, self.lanes, loop.values)))
            values = loop.results
        if self.classes % self.lanes:
            values = list(step(whole * self.lanes, self.classes % self.lanes, values))
        return values

    def used(self, code: Code, value: Vector, lanes: int, other: float) -> Vector:
        """Return the value in lanes that are classes and `other` in the rest."""
        return value if lanes == self.lanes else code.first_lanes(lanes).select(value, other)

    def largest(self, code: Code, row: Pointer) -> Vector:
        """Return the largest score in every lane; NaN is left out, it comes back with the powers."""

        def step(at: int | Index, lanes: int, values: Sequence[Vector]) -> Sequence[Vector]:
            return (values[0].maximum(self.used(code, row.load(at), lanes, -inf)),)

        (largest,) = self.reduce(code, [code.constant(-inf)], step)
        return largest.reduce_max()


@dataclass(frozen=True)
class _Rows(Kernel):
    """A kernel over the rows of (n, blocks · lanes); padding lanes are zero."""

    classes: int
    lanes: int

    @property
    def pointers(self) -> tuple[str, ...]:
        return ("x", "y")

    def items(self, batch: int) -> int:
        return batch


@dataclass(frozen=True)
class SoftmaxKernel(_Rows):
    """Turn scores into probabilities.

    Formula:  y = e^(x − max) / Σ e^(x − max)
    """

    def write(self, code: Code) -> None:
        classes = Classes(self.classes, self.lanes)
        with code.loop(code.first, code.last) as item:
            x, y = (code.pointer(name) + item.index * classes.floats for name in self.pointers)
            largest = classes.largest(code, x)
            total = _sum_of_powers(code, classes, x, largest, y)

            def scale(
                at: int | Index, lanes: int, values: Sequence[Vector], y: Pointer = y, total: Vector = total
            ) -> Sequence[Vector]:
                y.store(classes.used(code, y.load(at) / total, lanes, 0), at)
                return values

            classes.reduce(code, [], scale)


@dataclass(frozen=True)
class LogSoftmaxKernel(_Rows):
    """Turn scores into logarithms of probabilities.

    Formula:  y = (x − max) − ln Σ e^(x − max)
    """

    def write(self, code: Code) -> None:
        classes = Classes(self.classes, self.lanes)
        with code.loop(code.first, code.last) as item:
            x, y = (code.pointer(name) + item.index * classes.floats for name in self.pointers)
            largest = classes.largest(code, x)
            below = logarithm(code, _sum_of_powers(code, classes, x, largest))

            def shift(at: int | Index, lanes: int, values: Sequence[Vector]) -> Sequence[Vector]:
                y.store(classes.used(code, x.load(at) - largest - below, lanes, 0), at)
                return values

            classes.reduce(code, [], shift)


def _sum_of_powers(
    code: Code, classes: Classes, row: Pointer, largest: Vector, kept: Pointer | None = None
) -> Vector:
    """Return Σ e^(x − max) in every lane, and keep the powers where that is wanted."""

    def step(at: int | Index, lanes: int, values: Sequence[Vector]) -> Sequence[Vector]:
        power = classes.used(code, exponential(code, row.load(at) - largest), lanes, 0)
        if kept is not None:
            kept.store(power, at)
        return (values[0] + power,)

    (total,) = classes.reduce(code, code.zeros(1), step)
    return total.reduce_sum()


@dataclass(frozen=True)
class SoftmaxCrossEntropy(Kernel):
    """Compare scores with the right classes: each image's loss, the gradient, and whether it was met.

    Shapes:   logits (n, blocks · lanes), labels (n) whole numbers from 0 to classes − 1 → dlogits like logits,
              losses (n), hits (n)
    Formula:  loss = −Σ t·ln softmax(x), t = 1 − s + s/k for the label and s/k for the others; dlogits =
              (softmax(x) − t)·scale; a hit is 1 where the label is the first of the largest scores, else 0
    """

    classes: int
    lanes: int
    smoothing: float

    @property
    def pointers(self) -> tuple[str, ...]:
        return ("logits", "labels", "dlogits", "losses", "hits")

    @property
    def reals(self) -> tuple[str, ...]:
        """Return the names of the floats: 1 / batch makes a mean of the gradient."""
        return ("scale",)

    def items(self, batch: int) -> int:
        return batch

    def write(self, code: Code) -> None:
        classes = Classes(self.classes, self.lanes)
        with code.loop(code.first, code.last) as item:
            x, dx = (code.pointer(name) + item.index * classes.floats for name in ("logits", "dlogits"))
            label = code.pointer("labels").integer(item.index)
            largest, score = classes.largest(code, x), x.broadcast(label)
            total, better, below = self._sums(code, classes, x, dx, (largest, score, label))
            self._gradient(code, classes, dx, label, total)
            loss = self._loss(logarithm(code, total), score - largest, below)
            code.pointer("losses").store_lane(loss, item.index)
            hit = (better < 1).select(code.constant(1), 0.0)
            code.pointer("hits").store_lane(hit, item.index)

    def _sums(
        self, code: Code, classes: Classes, x: Pointer, dx: Pointer, given: tuple[Vector, Vector, Index]
    ) -> tuple[Vector, Vector, Vector]:
        """Return the sums of powers, of classes that come before the label, and of x − max; keep the powers.

        As in NumPy's argmax, NaN is larger than any number and the first of equals wins.
        """
        largest, score, label = given
        is_number = ~score.is_nan()

        def step(at: int | Index, lanes: int, values: Sequence[Vector]) -> Sequence[Vector]:
            value = x.load(at)
            power = classes.used(code, exponential(code, value - largest), lanes, 0)
            dx.store(power, at)
            earlier = code.lane_numbers() < (label - at).to_lanes()
            nan = value.is_nan()
            beats = (value > score) | (nan & is_number) | (earlier & (value.eq(score) | nan))
            count = classes.used(code, beats.select(code.constant(1), 0.0), lanes, 0)
            below = classes.used(code, value - largest, lanes, 0)
            return (values[0] + power, values[1] + count, values[2] + below)

        total, better, below = (value.reduce_sum() for value in classes.reduce(code, code.zeros(3), step))
        return total, better, below

    def _gradient(self, code: Code, classes: Classes, dx: Pointer, label: Index, total: Vector) -> None:
        """Turn powers into the gradient."""
        scale, rest = code.real("scale"), self.smoothing / self.classes

        def step(at: int | Index, lanes: int, values: Sequence[Vector]) -> Sequence[Vector]:
            own = code.lane_numbers().eq((label - at).to_lanes())
            target = own.select(code.constant(1 - self.smoothing + rest), rest)
            dx.store(classes.used(code, (dx.load(at) / total - target) * scale, lanes, 0), at)
            return values

        classes.reduce(code, [], step)

    def _loss(self, log_total: Vector, own: Vector, below: Vector) -> Vector:
        """Return −(1 − s)·ln p[label] − s/k·Σ ln p, with ln p = x − max − ln Σ."""
        loss = log_total - own
        if self.smoothing == 0:  # a class that is no target weighs nothing, even at ln 0 = −∞
            return loss
        every = log_total * self.classes - below
        return loss * (1 - self.smoothing) + every * (self.smoothing / self.classes)
