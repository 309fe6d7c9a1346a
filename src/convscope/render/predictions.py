"""What images show, as text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from ..engines.protocol import Array
from ..text.ansi import PLAIN, Paint
from ..text.cells import pad, shorten, width_of
from .training import share

BAR_CELLS = 20
LONGEST_NAME = 40


INDEPENDENT = "the probability of each output by itself: the model was made for several labels at once"
NO_CLASSIFIER = (
    "values of the network's output, no probabilities: the model is no classifier by declaration "
    "(task={task}); Model.predict(x, probabilities=True) would make them"
)
"""What is printed where it is not one probability per class, in the words of a remark."""


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


def prediction_text(image: str, guesses: Sequence[Guess], paint: Paint = PLAIN) -> str:
    """Return one image's classes, likeliest first, each with its probability and a bar."""
    names = [shorten(guess.name, LONGEST_NAME) for guess in guesses]
    widest = max(map(width_of, names))
    lines = [paint.strong(image)]
    for name, guess in zip(names, guesses, strict=True):
        bar = "█" * round(BAR_CELLS * guess.probability)
        lines.append(f"  {pad(name, widest)}  {share(guess.probability):>8}  {bar}".rstrip())
    return "\n".join(lines)


def output_summary(output: Array, names: Sequence[str], count: int) -> dict[str, Any]:
    """Return one image's output as JSON: its shape and range, and of a vector the largest values by name.

    >>> output_summary(np.array([0.5, -2.0]), ["left"], 1)["largest"]
    [{'name': 'left', 'value': 0.5}]
    """
    known = {"shape": list(output.shape), "minimum": float(output.min()), "maximum": float(output.max())}
    summary: dict[str, Any] = {**known, "mean": float(output.mean(dtype=np.float64))}
    if output.ndim == 1:
        largest = top_guesses(output, names, count)
        summary["largest"] = [{"name": one.name, "value": one.probability} for one in largest]
    return summary


def output_text(image: str, summary: Mapping[str, Any], paint: Paint = PLAIN) -> str:
    """Return one image's output as text: the values of a vector, largest first, or the range of a map."""
    largest = summary.get("largest")
    if largest is None:
        shape = "×".join(map(str, summary["shape"]))
        numbers = (f"{name} {summary[name]:.4g}" for name in ("minimum", "mean", "maximum"))
        return f"{paint.strong(image)}\n  output {shape}: {', '.join(numbers)}"
    names = [shorten(one["name"], LONGEST_NAME) for one in largest]
    widest = max(map(width_of, names))
    rows = (f"  {pad(name, widest)}  {one['value']:.4g}" for name, one in zip(names, largest, strict=True))
    return "\n".join([paint.strong(image), *rows])
