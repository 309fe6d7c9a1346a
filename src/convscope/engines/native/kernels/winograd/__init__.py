"""Winograd's algorithm: 3×3 convolutions with 2.25 or 4 times fewer multiplications."""

from .blocking import slices_for
from .convolution import WinogradConvolution, input_gradient_shape
from .weight_gradient import WinogradWeightGradient, WinogradWeightGradientFinish
from .weights import WinogradWeights, u_floats

__all__ = [
    "WinogradConvolution",
    "WinogradWeightGradient",
    "WinogradWeightGradientFinish",
    "WinogradWeights",
    "input_gradient_shape",
    "slices_for",
    "u_floats",
]
