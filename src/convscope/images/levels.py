"""Gray levels of more than 8 bits, brought to 8."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

SCALES = (1, 255, 65535)
"""What white may be in a file of floating-point levels."""


def eight_bits(levels: NDArray[Any]) -> NDArray[np.uint8]:
    """Return gray levels as the nearest of 0 … 255.

    White is 65,535 in whole numbers. In floating-point ones it is the smallest of 1, 255 and 65,535 that none
    exceeds, as the files themselves do not say.

    Errors:   ValueError for levels below 0, above 65,535, or not finite
    """
    low, high = float(levels.min()), float(levels.max())
    if not (low >= 0 and high <= SCALES[-1]):
        raise ValueError(f"gray levels from {low:g} to {high:g}, where 0 to 1, 255 or 65,535 is known")
    whole = np.issubdtype(levels.dtype, np.integer)
    white = SCALES[-1] if whole else next(scale for scale in SCALES if high <= scale)
    eight: NDArray[np.uint8] = np.rint(levels * (255 / white)).astype(np.uint8)
    return eight
