"""Resize and Upsample, if PyTorch's interpolation uses the same pixels and weights."""

from __future__ import annotations

from collections.abc import Sequence
from math import floor
from typing import TypeVar

import numpy as np

from ....axis import Resize as AxisResize
from ....layers import Upsample
from ...errors import UnsupportedOperator
from ..call import Call
from ..registry import converts
from ..values import ORDERED, REAL, Array, Flow, shortest_float, type_name

T = TypeVar("T", int, float)

MAX_AXES = 64
"""Axes of a value; more scales are not read."""

MAX_COMPARED_PIXELS = 1 << 16
"""Pixels of an axis whose coordinates are compared with the layer's."""

_SUPPORT = {"nearest": 1, "linear": 2, "cubic": 4}


@converts("Upsample", since=(7, 9), types=ORDERED)
def upsample(call: Call) -> Sequence[Flow]:
    """The predecessor of Resize: asymmetric coordinates, nearest pixels by rounding down."""
    return [_emit_resize(call, _scales(call, 1), None, "asymmetric", "floor")]


@converts("Resize", since=(10,), types=ORDERED)
def resize_10(call: Call) -> Sequence[Flow]:
    """The first Resize: asymmetric coordinates, nearest pixels by rounding down."""
    return [_emit_resize(call, _scales(call, 1), None, "asymmetric", "floor")]


@converts("Resize", since=(11, 13, 18, 19), types=ORDERED)
def resize(call: Call) -> Sequence[Flow]:
    """Resize by scales, or to sizes."""
    if call.attribute("antialias", 0):
        raise UnsupportedOperator("antialiasing", "antialias")
    if call.attribute("exclude_outside", 0):
        raise UnsupportedOperator("weights that are renormalized at the border", "exclude_outside")
    if call.attribute("keep_aspect_ratio_policy", "stretch") != "stretch":
        raise UnsupportedOperator("sizes that keep the aspect ratio", "keep_aspect_ratio_policy")
    scales = _scales(call, 2) if call.has_input(2) and call.constant(2).size else None
    sizes = _for_all_axes(call, call.integer_list(3), call.flow().shape) if call.has_input(3) else None
    coordinates = call.attribute("coordinate_transformation_mode", "half_pixel")
    return [_emit_resize(call, scales, sizes, coordinates, call.attribute("nearest_mode", "round_prefer_floor"))]


def _scales(call: Call, index: int) -> list[float]:
    """Return one scale per axis of the input."""
    given = call.optional_attribute("scales")
    values = (
        given
        if given is not None
        else [shortest_float(scale) for scale in call.array(index).reshape(-1)[:MAX_AXES]]
    )
    return _for_all_axes(call, values, [1.0] * len(call.flow().shape))


def _for_all_axes(call: Call, values: Sequence[T], defaults: Sequence[T]) -> list[T]:
    """Return a value for each axis: the given ones, and defaults for axes not in the `axes` attribute."""
    axes = call.optional_attribute("axes")
    if axes is None:
        axes = list(range(len(defaults)))
    if len(axes) != len(values):
        raise UnsupportedOperator("scales or sizes for a different number of axes")
    result = list(defaults)
    for axis, value in zip(axes, values, strict=True):
        result[axis] = value
    return result


def _emit_resize(
    call: Call, scales: list[float] | None, sizes: list[int] | None, coordinates: str, rounding: str
) -> Flow:
    x = call.images()
    if scales is not None:
        sizes = [floor(n * scale) for n, scale in zip(x.shape, scales, strict=True)]
    elif sizes is not None:
        scales = [size / n for n, size in zip(x.shape, sizes, strict=True)]
    if scales is None or sizes is None or sizes[:2] != list(x.shape[:2]):
        raise UnsupportedOperator("resizing of channels")
    mode, coefficient = call.attribute("mode", "nearest"), call.attribute("cubic_coeff_a", -0.75)
    if mode not in _SUPPORT or (mode == "cubic" and coefficient != -0.75):
        raise UnsupportedOperator("interpolation", "mode" if mode not in _SUPPORT else "cubic_coeff_a")
    if mode != "nearest" and x.dtype not in REAL:
        raise UnsupportedOperator("interpolation of integers", type_name(x.dtype))
    if coordinates == "align_corners" and any(
        n * scale != size for n, size, scale in zip(x.shape, sizes, scales, strict=True)
    ):
        raise UnsupportedOperator("aligned corners of a fractional size", "scales")
    if mode == "cubic" and len(x.shape) != 4:
        raise UnsupportedOperator("cubic interpolation of other than two axes")
    axes = list(zip(x.shape[2:], sizes[2:], scales[2:], strict=True))
    if max(max(n, size) for n, size, _ in axes) > MAX_COMPARED_PIXELS:
        raise UnsupportedOperator("too many pixels for a comparison")
    for corners in (False, True) if mode != "nearest" else (False,):
        if all(_matches_layer(*axis, mode, coordinates, rounding, corners) for axis in axes):
            factors = [size // n for n, size, _ in axes]
            is_integer = all(n * factor == size for factor, (n, size, _) in zip(factors, axes, strict=True))
            layer = (
                Upsample(tuple(factors), mode=mode, align_corners=corners)
                if is_integer
                else Upsample(size=tuple(size for _, size, _ in axes), mode=mode, align_corners=corners)
            )
            return call.emit(layer, x)
    raise UnsupportedOperator("coordinates that differ from PyTorch's")


def _matches_layer(
    n: int, size: int, scale: float, mode: str, coordinates: str, rounding: str, corners: bool
) -> bool:
    """Return whether ONNX's coordinates along one axis are those of the layer."""
    onnx_coordinates = _coordinates(n, size, scale, coordinates)
    if mode == "nearest":
        pixels = AxisResize(n, size).taps(n)[:, 0]
        return bool((np.clip(_rounded(onnx_coordinates, rounding), 0, n - 1) == pixels).all())
    output = np.arange(size)
    layer_coordinates: Array = (
        output * ((n - 1) / max(1, size - 1)) if corners else (output + 0.5) * (n / size) - 0.5
    )
    if mode == "linear":
        layer_coordinates, onnx_coordinates = (
            np.clip(layer_coordinates, 0, n - 1),
            np.clip(onnx_coordinates, 0, n - 1),
        )
    return bool(np.allclose(layer_coordinates, onnx_coordinates, rtol=0, atol=1e-9))


def _coordinates(n: int, size: int, scale: float, coordinates: str) -> Array:
    """Return the input coordinate of each output position.

    Source:   ONNX Resize, coordinate_transformation_mode
    """
    output = np.arange(size)
    match coordinates:
        case "half_pixel":
            return (output + 0.5) / scale - 0.5
        case "pytorch_half_pixel":
            return (output + 0.5) / scale - 0.5 if size > 1 else np.zeros(size)
        case "align_corners":
            return output * ((n - 1) / max(1, size - 1))
        case "asymmetric":
            return output / scale
        case "half_pixel_symmetric":
            return n / 2 * (1 - size / (scale * n)) + (output + 0.5) / scale - 0.5
    raise UnsupportedOperator(f"coordinates {coordinates}")


def _rounded(positions: Array, rounding: str) -> Array:
    match rounding:
        case "round_prefer_floor":
            return np.ceil(positions - 0.5)
        case "round_prefer_ceil":
            return np.floor(positions + 0.5)
        case "floor":
            return np.floor(positions)
        case "ceil":
            return np.ceil(positions)
    raise UnsupportedOperator(f"rounding {rounding}")
