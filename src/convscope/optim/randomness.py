"""Random numbers without state: each draw follows from the seed, its purpose and its step.

So a run that goes on needs to remember no generator, a new layer changes no other layer's draws, and every engine
can draw the same numbers.
"""

from __future__ import annotations

import hashlib

import numpy as np


def generator(seed: int, purpose: str, *numbers: int) -> np.random.Generator:
    """Return the generator for one purpose: Philox, keyed by SHA-256 of everything given.

    >>> generator(0, "shuffle", 3).permutation(4).tolist() == generator(0, "shuffle", 3).permutation(4).tolist()
    True
    """
    words = "/".join(map(str, (seed, purpose, *numbers)))
    key = np.frombuffer(hashlib.sha256(words.encode()).digest()[:16], "<u8")
    return np.random.Generator(np.random.Philox(key=key))
