"""The handwritten digits that come with convscope: 1,797 images of 8×8, written by 13 people.

Source:   E. Alpaydin, C. Kaynak: Optical Recognition of Handwritten Digits, UCI Machine Learning Repository 1998,
          https://doi.org/10.24432/C50P49, license CC BY 4.0. The file has the test part of that set, whole and in
          its order, as distributed with scikit-learn; pixels are counts from 0 to 16, stored as bytes.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .arrays import ArraySource
from .dataset import Source
from .splits import Subset, held_out

TEST_SHARE = 0.2
_LARGEST_PIXEL = 16


def digits(part: str) -> Source | None:
    """Return the digits to train on, or a fifth of each class held out as test; there is no validation part."""
    if part == "validation":
        return None
    x, labels = _arrays()
    whole = ArraySource(x, labels)
    test = held_out(whole.labels, TEST_SHARE)
    return Subset(whole, np.flatnonzero(test if part == "test" else ~test))


@cache
def _arrays() -> tuple[NDArray[np.float32], NDArray[Any]]:
    with files(__package__).joinpath("digits.npz").open("rb") as file:
        archive = np.load(file, allow_pickle=False)
        return archive["x"][:, None].astype(np.float32) / np.float32(_LARGEST_PIXEL), archive["y"]
