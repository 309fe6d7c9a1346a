"""Counter-based random bits: equal counters and keys give equal bits on every thread.

Source:   Salmon, Moraes, Dror & Shaw 2011, "Parallel random numbers: as easy as 1, 2, 3"; Philox4×32-10
"""

from __future__ import annotations

from collections.abc import Sequence

from ...ir import Code, Vector

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
