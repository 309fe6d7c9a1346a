"""Dropout without a stored mask: the backward pass recomputes it from the same counters.

Random bits are counter-based: equal counters and keys give equal bits on every thread.

Source:   Salmon, Moraes, Dror & Shaw 2011, "Parallel random numbers: as easy as 1, 2, 3"; Philox4×32-10
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...ir import Code, Index, Vector, minimum
from ..common.loops import PIECES, FlatKernel

ROUNDS = 10
MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
KEY_STEPS = (0x9E3779B9, 0xBB67AE85)
"""What the key grows by from round to round: the golden ratio and √3 − 1, as fractions of 2³²."""


def signed(word: int) -> int:
    """Return 32 bits as a signed integer."""
    return word - (1 << 32) if word >> 31 else word


def random_bits(code: Code, counter: Sequence[Vector], key: Sequence[Vector]) -> list[Vector]:
    """Return four words of 32 random bits for each lane's counter of four words and key of two."""
    (zero, one, two, three), (left, right) = counter, key
    by_zero, by_two = (code.integers(signed(number)) for number in MULTIPLIERS)
    steps = [code.integers(signed(step)) for step in KEY_STEPS]
    for number in range(ROUNDS):
        if number:
            left, right = left + steps[0], right + steps[1]
        zero, one, two, three = (
            two.multiply_high(by_two) ^ one ^ left,
            two * by_two,
            zero.multiply_high(by_zero) ^ three ^ right,
            zero * by_zero,
        )
    return [zero, one, two, three]


WORDS = 4
"""Vectors drawn at once: a counter gives four words."""


@dataclass(frozen=True)
class DropoutKernel(FlatKernel):
    """Set each element to 0 with probability `rate` and scale the rest by 1 / (1 − rate).

    Element e has word e // lanes % 4 of counter e // (4·lanes)·lanes + e % lanes; the caller makes the key, two
    words of 32 bits, of its seed, the step and the layer. An element is dropped where its word is below rate·2³².

    Shapes:   x and y (floats), a whole number of vectors
    """

    rate: float

    @property
    def pointers(self) -> tuple[str, ...]:
        return ("x", "y")

    @property
    def in_place(self) -> tuple[tuple[str, str], ...]:
        read, written = self.pointers
        return ((written, read),)

    @property
    def numbers(self) -> tuple[str, ...]:
        return (*super().numbers, "key_low", "key_high")

    def write(self, code: Code) -> None:
        x, y = (code.pointer(name) for name in self.pointers)
        lanes = code.target.width
        vectors = code.number("floats") // lanes
        groups = (vectors + (WORDS - 1)) // WORDS
        with code.loop(code.first, code.last) as item:
            first, last = groups * item.index // PIECES, groups * (item.index + 1) // PIECES
            whole = minimum(last, vectors // WORDS)
            with code.loop(first, whole) as group:
                start = group.index * (WORDS * lanes)
                for word, factor in enumerate(self._factors(code, group.index)):
                    y.store(x.load(start + word * lanes) * factor, start + word * lanes)
            with code.when(whole < last):  # the last group of all may be a part of one
                for word, factor in enumerate(self._factors(code, whole)):
                    at = whole * WORDS + word
                    with code.when(at < vectors):
                        y.store(x.load(at * lanes) * factor, at * lanes)

    def _factors(self, code: Code, group: Index) -> list[Vector]:
        """Return what a group's elements are multiplied by; NaN stays NaN, as 0 · NaN is."""
        start, zero = group * code.target.width, code.integers(0)
        counter = [start.to_lanes() + code.lane_numbers(), (start // (1 << 32)).to_lanes(), zero, zero]
        key = [code.number(name).to_lanes() for name in ("key_low", "key_high")]
        limit = round(self.rate * (1 << 32))
        if limit >= 1 << 32:
            return code.zeros(WORDS)
        factor = code.constant(1 / (1 - self.rate))
        return [
            word.below_unsigned(signed(limit)).select(code.constant(0), factor)
            for word in random_bits(code, counter, key)
        ]


@dataclass(frozen=True)
class DropoutGradient(DropoutKernel):
    """Multiply the gradient by the factors of the forward pass: "dy" to "dx", with the same key."""

    @property
    def pointers(self) -> tuple[str, ...]:
        return ("dy", "dx")
