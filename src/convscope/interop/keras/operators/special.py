"""Dropout, and layers that do nothing at inference."""

from __future__ import annotations

from ....layers.structural import Dropout, Identity
from ..call import Call
from ..flow import Flow
from ..registry import converts


@converts("layers.Dropout", "layers.SpatialDropout1D", "layers.SpatialDropout2D", "layers.SpatialDropout3D")
def dropout(call: Call) -> Flow:
    """Convert dropout of every kind, which does nothing at inference."""
    return call.emit(Dropout(float(call.op.rate)), call.flow())


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
