"""Winograd's algorithm: 3×3 convolutions with a quarter to a half of the multiplications."""

from .blocking import slices_for
from .choice import raw_weights, tile_for
from .convolution import WinogradConvolution, input_gradient_shape
from .weight_gradient import WinogradWeightGradient, WinogradWeightGradientFinish
from .weights import WinogradWeights, u_floats

__all__ = [
    "WinogradConvolution",
    "WinogradWeightGradient",
    "WinogradWeightGradientFinish",
    "WinogradWeights",
    "input_gradient_shape",
    "raw_weights",
    "slices_for",
    "tile_for",
    "u_floats",
]
