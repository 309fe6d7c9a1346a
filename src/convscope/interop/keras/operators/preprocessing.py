"""What images go through before the first layer that learns."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from ....layers.elementwise import Affine
from ....layers.merge import Add, Divide, Multiply, Subtract
from ....layers.rearrange import Crop
from ....layers.structural import Identity
from ..call import Call
from ..flow import Flow, Unmapped
from ..registry import converts
from ..weights import Array


@converts("layers.Rescaling")
def rescaling(call: Call) -> Flow:
    """Convert x·scale + offset, by numbers or by one number per channel."""
    flow = call.flow()
    scale, offset = (np.asarray(one, np.float64) for one in (call.op.scale, call.op.offset))
    if scale.size == 1 and offset.size == 1:
        return call.emit(Affine(float(scale.reshape(-1)[0]), float(offset.reshape(-1)[0])), flow)
    scaled = call.emit(Multiply(), flow, call.array(scale, flow, "scale"))
    if not offset.any():
        return scaled
    return call.emit(Add(), scaled, call.array(offset, flow, "offset"), part="add")


@converts("layers.Normalization")
def normalization(call: Call) -> Flow:
    """Convert (x − mean) / deviation by statistics that the layer was given, or has learned before training."""
    op, flow = call.op, call.flow()
    if op.invert:
        raise Unmapped("the way back")
    mean, variance = _statistics(op)
    shape = tuple(op._broadcast_shape)[1:]
    if prod(shape) == 1 and op.input_mean is not None:
        deviation = max(float(np.sqrt(np.asarray(variance)).reshape(-1)[0]), _smallest())
        return call.emit(Affine(1 / deviation, -float(np.asarray(mean).reshape(-1)[0]) / deviation), flow)
    moved = call.emit(Subtract(), flow, call.array(mean, flow, "mean", shape), part="sub")
    return call.emit(Divide(), moved, call.array(variance, flow, "deviation", shape, _deviation))


def _statistics(op: Any) -> tuple[Any, Any]:
    """Return mean and variance: numbers that were given, or variables."""
    if op.input_mean is not None:
        return np.asarray(op.input_mean, np.float64), np.asarray(op.input_variance, np.float64)
    return op.adapt_mean, op.adapt_variance


def _smallest() -> float:
    import keras

    return float(keras.config.epsilon())


def _deviation(variance: Array) -> Array:
    return np.maximum(np.sqrt(variance), _smallest())


@converts("layers.CenterCrop")
def center_crop(call: Call) -> Flow:
    """Convert a cut around the middle; an image that is too small would be resized."""
    flow = call.image()
    margins = []
    for size, wanted in zip(flow.held[1:], (call.op.height, call.op.width), strict=True):
        if size < wanted:
            raise Unmapped("an image that is resized")
        before = int((size - wanted) / 2)
        margins.append((before, size - wanted - before))
    return call.emit(Crop(tuple(margins)), flow)


@converts(
    *("layers.Identity", "layers.ActivityRegularization", "layers.AlphaDropout"),
    *("layers.GaussianDropout", "layers.GaussianNoise"),
    *("layers.RandomBrightness", "layers.RandomColorDegeneration", "layers.RandomColorJitter"),
    *("layers.RandomContrast", "layers.RandomErasing", "layers.RandomFlip", "layers.RandomGaussianBlur"),
    *("layers.RandomGrayscale", "layers.RandomHue", "layers.RandomInvert", "layers.RandomPosterization"),
    *("layers.RandomPerspective", "layers.RandomRotation", "layers.RandomSaturation", "layers.RandomSharpness"),
    *("layers.RandomShear", "layers.RandomTranslation", "layers.RandomZoom"),
)
def nothing(call: Call) -> Flow:
    """Convert what changes images in training alone."""
    return call.emit(Identity(), call.flow())
