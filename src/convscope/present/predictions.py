"""What pictures show, as text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ..engines.engine import Array
from .cells import pad, shorten, width_of
from .paint import PLAIN, Paint
from .training import share

BAR_CELLS = 20
LONGEST_NAME = 40


class Guess(NamedTuple):
    """A class and its probability."""

    name: str
    probability: float


def top_guesses(chances: Array, classes: Sequence[str], count: int) -> list[Guess]:
    """Return the likeliest classes, the first of equals first; an output without a class is numbered.

    >>> top_guesses(np.array([0.25, 0.5, 0.25]), ["cat", "dog", "owl"], 2)
    [Guess(name='dog', probability=0.5), Guess(name='cat', probability=0.25)]
    """
    order = np.argsort(-chances, kind="stable")[:count]
    return [
        Guess(classes[at] if at < len(classes) else f"output {at}", float(chances[at])) for at in map(int, order)
    ]


def prediction_text(picture: str, guesses: Sequence[Guess], paint: Paint = PLAIN) -> str:
    """Return one picture's classes, likeliest first, each with its probability and a bar."""
    names = [shorten(guess.name, LONGEST_NAME) for guess in guesses]
    widest = max(map(width_of, names))
    lines = [paint.strong(picture)]
    for name, guess in zip(names, guesses, strict=True):
        bar = "█" * round(BAR_CELLS * guess.probability)
        lines.append(f"  {pad(name, widest)}  {share(guess.probability):>8}  {bar}".rstrip())
    return "\n".join(lines)
