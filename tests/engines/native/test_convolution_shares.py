"""Which part of an image a thread gets: the same one of each convolution in a row, so that it stays in its cache."""

from __future__ import annotations

import ctypes

import numpy as np
import pytest

from convscope.engines.native.codegen.kernel import argument_names
from convscope.engines.native.codegen.target import host_cpu
from convscope.engines.native.kernels.common.shapes import ConvolutionShape
from convscope.engines.native.kernels.convolution.direct import Convolution
from convscope.engines.native.kernels.depthwise.direct import DepthwiseConvolution

from .convolutions import Numbers, shape_of
from .harness import loader

SAME = ((1, 1), (1, 1))
pytestmark = pytest.mark.skipif(
    host_cpu().width != 16, reason="with other vectors tiles do not end at these halves"
)


def written(kernel: Convolution | DepthwiseConvolution, shape: ConvolutionShape) -> np.ndarray:
    """Return which results of one image the first of two threads writes, channel by channel."""
    numbers = Numbers(shape, 1)
    y = np.full_like(numbers.blocked_y(), np.nan)
    given = {"x": numbers.blocked_x(), "weight": numbers.packed_weight, "y": y}
    own = loader("host")
    addresses = [1 if name == "batch" else given[name].ctypes.data for name in argument_names(kernel, own.target)]
    table = np.array(addresses, np.int64)
    function = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64, ctypes.c_int64)
    function(own.addresses([kernel])[kernel])(table.ctypes.data, 0, kernel.items(1) // 2, 0)
    return ~np.isnan(numbers.y_layout.unpack(y))[0]


@pytest.mark.parametrize("channels", [(19, 35), (35, 19), (64, 384)])
def test_threads_keep_their_rows_between_convolutions(channels: tuple[int, int]) -> None:
    """Of a large image: the upper half, of all channels, before, in and after a depthwise convolution."""
    inputs, filters = channels
    upper = np.broadcast_to(np.arange(14)[:, None] < 7, (14, 18))
    pointwise = shape_of(inputs, 14, 18, filters, (1, 1))
    depthwise = shape_of(filters, 14, 18, filters, (3, 3), padding=SAME, groups=filters)
    for kernel in (Convolution(pointwise), DepthwiseConvolution(depthwise)):
        np.testing.assert_array_equal(
            written(kernel, kernel.shape), np.broadcast_to(upper, (filters, 14, 18)), str(kernel)
        )


def test_threads_keep_their_channels_between_convolutions() -> None:
    """Of a small image with many channels: the first half of them."""
    first = np.broadcast_to(np.arange(960)[:, None, None] < 480, (960, 7, 8))
    pointwise = shape_of(160, 7, 8, 960, (1, 1))
    depthwise = shape_of(960, 7, 8, 960, (3, 3), padding=SAME, groups=960)
    for kernel in (Convolution(pointwise), DepthwiseConvolution(depthwise)):
        np.testing.assert_array_equal(written(kernel, kernel.shape), first, str(kernel))
