"""A square of numbers turned over in registers."""

from __future__ import annotations

from collections.abc import Sequence

from ...vector import Vector


def transposed(rows: Sequence[Vector]) -> list[Vector]:
    """Return the columns of as many vectors as each has lanes.

    Squares of half the size change places first, then squares within these: every number moves log₂(lanes) times.
    """
    result, lanes = list(rows), len(rows)
    half = lanes // 2
    while half:
        near = [lane if not lane & half else lanes + (lane ^ half) for lane in range(lanes)]
        far = [lane | half if not lane & half else lanes + lane for lane in range(lanes)]
        for one in range(lanes):
            if not one & half:
                upper, lower = result[one], result[one | half]
                result[one], result[one | half] = upper.shuffle(near, lower), upper.shuffle(far, lower)
        half //= 2
    return result
