"""Preprocessing of images."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from ....layers.elementwise import Affine
from ....layers.merge import Add, Divide, Multiply, Subtract
from ....layers.rearrange import Crop
from ....layers.structural import Identity
from ...errors import UnsupportedOperator
from ..call import Call
from ..registry import converts
from ..symbolic import SymbolicTensor
from ..weights import Array


@converts("layers.Rescaling")
def rescaling(call: Call) -> SymbolicTensor:
    """Convert x·scale + offset, with scalars or one value per channel."""
    tensor = call.tensor()
    scale, offset = (np.asarray(one, np.float64) for one in (call.op.scale, call.op.offset))
    if scale.size == 1 and offset.size == 1:
        return call.emit(Affine(float(scale.reshape(-1)[0]), float(offset.reshape(-1)[0])), tensor)
    scaled = call.emit(Multiply(), tensor, call.add_array(scale, tensor, "scale"))
    if not offset.any():
        return scaled
    return call.emit(Add(), scaled, call.add_array(offset, tensor, "offset"), part="add")


@converts("layers.Normalization")
def normalization(call: Call) -> SymbolicTensor:
    """Convert (x − mean) / deviation, with given statistics or those from `adapt`."""
    op, tensor = call.op, call.tensor()
    if op.invert:
        raise UnsupportedOperator("inversion")
    mean, variance = _statistics(op)
    shape = tuple(op._broadcast_shape)[1:]
    if prod(shape) == 1 and op.input_mean is not None:
        deviation = max(float(np.sqrt(np.asarray(variance)).reshape(-1)[0]), _smallest())
        return call.emit(Affine(1 / deviation, -float(np.asarray(mean).reshape(-1)[0]) / deviation), tensor)
    moved = call.emit(Subtract(), tensor, call.add_array(mean, tensor, "mean", shape), part="sub")
    return call.emit(Divide(), moved, call.add_array(variance, tensor, "deviation", shape, _deviation))


def _statistics(op: Any) -> tuple[Any, Any]:
    """Return mean and variance: constants, or variables."""
    if op.input_mean is not None:
        return np.asarray(op.input_mean, np.float64), np.asarray(op.input_variance, np.float64)
    return op.adapt_mean, op.adapt_variance


def _smallest() -> float:
    import keras

    return float(keras.config.epsilon())


def _deviation(variance: Array) -> Array:
    return np.maximum(np.sqrt(variance), _smallest())


@converts("layers.CenterCrop")
def center_crop(call: Call) -> SymbolicTensor:
    """Convert a center crop. A smaller image would be resized, which is unsupported."""
    tensor = call.image()
    margins = []
    for size, wanted in zip(tensor.layer_shape[1:], (call.op.height, call.op.width), strict=True):
        if size < wanted:
            raise UnsupportedOperator("an image smaller than the crop")
        before = int((size - wanted) / 2)
        margins.append((before, size - wanted - before))
    return call.emit(Crop(tuple(margins)), tensor)


@converts(
    *("layers.Identity", "layers.ActivityRegularization", "layers.AlphaDropout"),
    *("layers.GaussianDropout", "layers.GaussianNoise"),
    *("layers.RandomBrightness", "layers.RandomColorDegeneration", "layers.RandomColorJitter"),
    *("layers.RandomContrast", "layers.RandomErasing", "layers.RandomFlip", "layers.RandomGaussianBlur"),
    *("layers.RandomGrayscale", "layers.RandomHue", "layers.RandomInvert", "layers.RandomPosterization"),
    *("layers.RandomPerspective", "layers.RandomRotation", "layers.RandomSaturation", "layers.RandomSharpness"),
    *("layers.RandomShear", "layers.RandomTranslation", "layers.RandomZoom"),
)
def identity(call: Call) -> SymbolicTensor:
    """Convert layers that are the identity at inference."""
    return call.emit(Identity(), call.tensor())
