"""Stateless random numbers, derived from the seed, the purpose and the step.

A resumed run needs no generator state, a new layer leaves the draws of others unchanged, and all engines draw the
same numbers.
"""

from __future__ import annotations

import hashlib

import numpy as np


def generator(seed: int, purpose: str, *numbers: int) -> np.random.Generator:
    """Return the generator for one purpose: Philox, keyed by the SHA-256 of all arguments.

    >>> generator(0, "shuffle", 3).permutation(4).tolist() == generator(0, "shuffle", 3).permutation(4).tolist()
    True
    """
    words = "/".join(map(str, (seed, purpose, *numbers)))
    key = np.frombuffer(hashlib.sha256(words.encode()).digest()[:16], "<u8")
    return np.random.Generator(np.random.Philox(key=key))
