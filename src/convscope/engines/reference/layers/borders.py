"""Padding of arrays, and its adjoint for gradients."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ....axis import Window
from .rules import Array

_NUMPY_MODE = {"reflect": "reflect", "replicate": "edge", "circular": "wrap"}
Pairs = Sequence[tuple[int, int]]


def pairs(windows: Sequence[Window]) -> Pairs:
    """Return (before, after) per spatial axis."""
    return [(window.before, window.after) for window in windows]


def pad(x: Array, pairs: Pairs, mode: str = "zeros", value: float = 0.0) -> Array:
    """Pad the spatial axes; negative values crop.

    Shapes:   x (n, c, h, w), one (before, after) per spatial axis → (n, c, before + h + after, …)
    Units:    mode "zeros" fills with `value`; "reflect", "replicate" and "circular" repeat the image
    """
    widths: Any = [(0, 0)] * (x.ndim - len(pairs)) + [(max(0, before), max(0, after)) for before, after in pairs]
    if mode == "zeros":
        padded = np.pad(x, widths, constant_values=value)
    else:
        padded = np.pad(x, widths, mode=_NUMPY_MODE[mode])  # type: ignore[call-overload]
    return padded[_cut(padded, pairs)]


def _cut(padded: Array, pairs: Pairs) -> tuple[Any, ...]:
    """Return the slices by which negative values crop the padded array."""
    sizes = padded.shape[padded.ndim - len(pairs) :]
    cuts = zip(sizes, pairs, strict=True)
    return (..., *(slice(max(0, -before), n - max(0, -after)) for n, (before, after) in cuts))


def fold(grad: Array, pairs: Pairs, mode: str = "zeros") -> Array:
    """Carry the gradient of a padded array back to the array: the adjoint of `pad`.

    Shapes:   grad (n, c, before + h + after, …) → (n, c, h, w)
    """
    if mode == "zeros":
        return pad(grad, [(-before, -after) for before, after in pairs])
    lead = grad.ndim - len(pairs)
    for axis, (before, after) in enumerate(pairs, start=lead):
        grad = np.moveaxis(_fold_rows(np.moveaxis(grad, axis, 0), before, after, mode), 0, axis)
    return np.ascontiguousarray(grad)


def _fold_rows(grad: Array, before: int, after: int, mode: str) -> Array:
    """Add each row of the padding to the row it repeats."""
    n = len(grad) - before - after
    origins = pad(np.arange(n), [(before, after)], mode)
    total = pad(grad.swapaxes(0, -1), [(-before, -after)]).swapaxes(0, -1)
    for row, origin in enumerate(origins):
        if not 0 <= row - before < n:
            total[origin] += grad[row]
    return total
