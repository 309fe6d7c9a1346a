"""Resize and Upsample, where PyTorch's interpolation picks and weighs the same pixels."""

from __future__ import annotations

from collections.abc import Sequence
from math import floor
from typing import TypeVar

import numpy as np

from ....axis import Resize as AxisResize
from ....layers import Upsample
from ..call import Call
from ..registry import UnsupportedOperator, converts
from ..values import ORDERED, REAL, Array, Flow, shortest_float, type_name

T = TypeVar("T", int, float)

MAX_AXES = 64
"""Axes of a value."""

MAX_COMPARED_PIXELS = 1 << 16
"""Pixels of an axis whose coordinates are compared one by one."""

_SUPPORT = {"nearest": 1, "linear": 2, "cubic": 4}


@converts("Upsample", since=(7, 9), types=ORDERED)
def upsample(call: Call) -> Sequence[Flow]:
    """The operator before Resize: asymmetric coordinates, nearest by rounding down."""
    return [_resized(call, _scales(call, 1), None, "asymmetric", "floor")]


@converts("Resize", since=(10,), types=ORDERED)
def resize_10(call: Call) -> Sequence[Flow]:
    """Resize as it began: asymmetric coordinates, nearest by rounding down."""
    return [_resized(call, _scales(call, 1), None, "asymmetric", "floor")]


@converts("Resize", since=(11, 13, 18, 19), types=ORDERED)
def resize(call: Call) -> Sequence[Flow]:
    """Resize by scales or to sizes."""
    if call.attribute("antialias", 0):
        raise UnsupportedOperator("weights that depend on the scale", "antialias")
    if call.attribute("exclude_outside", 0):
        raise UnsupportedOperator("weights that depend on the border", "exclude_outside")
    if call.attribute("keep_aspect_ratio_policy", "stretch") != "stretch":
        raise UnsupportedOperator("one scale for all axes", "keep_aspect_ratio_policy")
    scales = _scales(call, 2) if call.has_input(2) and call.constant(2).size else None
    sizes = _spread(call, call.integer_list(3), call.flow().shape) if call.has_input(3) else None
    word = call.attribute("coordinate_transformation_mode", "half_pixel")
    return [_resized(call, scales, sizes, word, call.attribute("nearest_mode", "round_prefer_floor"))]


def _scales(call: Call, index: int) -> list[float]:
    """Return one scale per axis of the input."""
    given = call.optional_attribute("scales")
    numbers = (
        given
        if given is not None
        else [shortest_float(scale) for scale in call.array(index).reshape(-1)[:MAX_AXES]]
    )
    return _spread(call, numbers, [1.0] * len(call.flow().shape))


def _spread(call: Call, numbers: Sequence[T], rest: Sequence[T]) -> list[T]:
    """Return numbers for all axes, where only some may be named."""
    axes = call.optional_attribute("axes")
    if axes is None:
        axes = list(range(len(rest)))
    if len(axes) != len(numbers):
        raise UnsupportedOperator("numbers for another number of axes")
    whole = list(rest)
    for axis, one in zip(axes, numbers, strict=True):
        whole[axis] = one
    return whole


def _resized(call: Call, scales: list[float] | None, sizes: list[int] | None, word: str, rounding: str) -> Flow:
    x = call.images()
    if scales is not None:
        sizes = [floor(n * scale) for n, scale in zip(x.shape, scales, strict=True)]
    elif sizes is not None:
        scales = [size / n for n, size in zip(x.shape, sizes, strict=True)]
    if scales is None or sizes is None or sizes[:2] != list(x.shape[:2]):
        raise UnsupportedOperator("channels resized")
    mode, sharpness = call.attribute("mode", "nearest"), call.attribute("cubic_coeff_a", -0.75)
    if mode not in _SUPPORT or (mode == "cubic" and sharpness != -0.75):
        raise UnsupportedOperator("another interpolation", "mode" if mode not in _SUPPORT else "cubic_coeff_a")
    if mode != "nearest" and x.dtype not in REAL:
        raise UnsupportedOperator("means of whole numbers", type_name(x.dtype))
    if word == "align_corners" and any(
        n * scale != size for n, size, scale in zip(x.shape, sizes, scales, strict=True)
    ):
        raise UnsupportedOperator("corners of an image whose size is no whole number", "scales")
    if mode == "cubic" and len(x.shape) != 4:
        raise UnsupportedOperator("cubic over other than two axes")
    axes = list(zip(x.shape[2:], sizes[2:], scales[2:], strict=True))
    if max(max(n, size) for n, size, _ in axes) > MAX_COMPARED_PIXELS:
        raise UnsupportedOperator("too many pixels to compare")
    for corners in (False, True) if mode != "nearest" else (False,):
        if all(_same(*axis, mode, word, rounding, corners) for axis in axes):
            factors = [size // n for n, size, _ in axes]
            whole = all(n * factor == size for factor, (n, size, _) in zip(factors, axes, strict=True))
            layer = (
                Upsample(tuple(factors), mode=mode, align_corners=corners)
                if whole
                else Upsample(size=tuple(size for _, size, _ in axes), mode=mode, align_corners=corners)
            )
            return call.emit(layer, x)
    raise UnsupportedOperator("coordinates that differ from PyTorch's")


def _same(n: int, size: int, scale: float, mode: str, word: str, rounding: str, corners: bool) -> bool:
    """Tell whether ONNX's coordinates along one axis are those of the layer."""
    theirs = _coordinates(n, size, scale, word)
    if mode == "nearest":
        picked = AxisResize(n, size).taps(n)[:, 0]
        return bool((np.clip(_rounded(theirs, rounding), 0, n - 1) == picked).all())
    new = np.arange(size)
    ours: Array = new * ((n - 1) / max(1, size - 1)) if corners else (new + 0.5) * (n / size) - 0.5
    if mode == "linear":
        ours, theirs = np.clip(ours, 0, n - 1), np.clip(theirs, 0, n - 1)
    return bool(np.allclose(ours, theirs, rtol=0, atol=1e-9))


def _coordinates(n: int, size: int, scale: float, word: str) -> Array:
    """Return the place in the old axis of each new position.

    Source:   ONNX Resize, coordinate_transformation_mode
    """
    new = np.arange(size)
    match word:
        case "half_pixel":
            return (new + 0.5) / scale - 0.5
        case "pytorch_half_pixel":
            return (new + 0.5) / scale - 0.5 if size > 1 else np.zeros(size)
        case "align_corners":
            return new * ((n - 1) / max(1, size - 1))
        case "asymmetric":
            return new / scale
        case "half_pixel_symmetric":
            return n / 2 * (1 - size / (scale * n)) + (new + 0.5) / scale - 0.5
    raise UnsupportedOperator(f"coordinates {word}")


def _rounded(places: Array, rounding: str) -> Array:
    match rounding:
        case "round_prefer_floor":
            return np.ceil(places - 0.5)
        case "round_prefer_ceil":
            return np.floor(places + 0.5)
        case "floor":
            return np.floor(places)
        case "ceil":
            return np.ceil(places)
    raise UnsupportedOperator(f"rounding {rounding}")
