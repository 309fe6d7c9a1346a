"""Depthwise convolution and both of its gradients, against the reference in float64."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convscope.engines.native.kernels.activation.pointwise import RELU
from convscope.engines.native.kernels.common.shapes import ConvolutionShape
from convscope.engines.native.kernels.convolution.weights import weights_layout
from convscope.engines.native.kernels.depthwise.direct import (
    DepthwiseConvolution,
    DepthwiseInputGradient,
    DepthwiseWeightGradient,
)

from .assembly import TARGETS, spills
from .convolutions import Numbers, empty_lanes, shape_of
from .harness import SMALLER, assert_close, call
from .test_weight_gradient import expected

BOUND = 1e-6
"""Of the largest result: each is a sum of at most 99 products, so some ten roundings of 6e-8 each."""
SUM_BOUND = 3e-6
"""Of the largest gradient: sums of hundreds of numbers in chunks, some tens of roundings of 6e-8 each."""


@st.composite
def depthwise_shapes(draw: Any) -> ConvolutionShape:
    """Draw a depthwise convolution: rows of one tile and of several, kernels wider than registers hold."""
    numbers = []
    for size in (draw(st.sampled_from([1, 2, 5, 7, 9, 16])), draw(st.sampled_from([1, 3, 7, 14, 15, 29, 44, 61]))):
        s, d = draw(st.sampled_from([1, 1, 2, 3])), draw(st.sampled_from([1, 1, 2, 3]))
        k = draw(st.sampled_from([1, 2, 3, 3, 5, 7, 9]))
        reach = (k - 1) * d + 1
        before, after = draw(st.integers(0, min(5, reach))), draw(st.integers(0, min(5, reach)))
        if size + before + after < reach:
            k = 1
        numbers.append((size, k, s, (before, after), d))
    sizes, kernel, stride, padding, dilation = zip(*numbers, strict=True)
    channels = draw(st.sampled_from([2, 3, 16, 17, 40]))
    return shape_of(channels, *sizes, channels, kernel, stride, padding, dilation, channels)


def check_forward(shape: ConvolutionShape, batch: int, bias: bool, relu: bool, kind: str = "host") -> None:
    numbers = Numbers(shape, batch)
    arrays = {"x": numbers.blocked_x(), "weight": numbers.packed_weight, "bias": numbers.packed_bias}
    arrays["y"] = np.full_like(numbers.blocked_y(), np.nan)
    got = call(DepthwiseConvolution(shape, bias, RELU if relu else None), batch, arrays, kind=kind)["y"]
    wanted = numbers.forward() + (numbers.bias[:, None, None] if bias else 0)
    assert_close(numbers.y_layout.unpack(got), np.maximum(wanted, 0) if relu else wanted, BOUND)
    assert not empty_lanes(got, numbers.y_layout).any()


def check_input_gradient(shape: ConvolutionShape, batch: int, kind: str = "host") -> None:
    numbers = Numbers(shape, batch)
    arrays = {"dy": numbers.blocked_y(), "weight": numbers.packed_weight}
    arrays["dx"] = np.full_like(numbers.blocked_x(), np.nan)
    got = call(DepthwiseInputGradient(shape), batch, arrays, kind=kind)["dx"]
    assert_close(numbers.x_layout.unpack(got), numbers.input_gradient(), BOUND)
    assert not empty_lanes(got, numbers.x_layout).any()


def check_weight_gradient(shape: ConvolutionShape, batch: int, slices: int, kind: str = "host") -> None:
    numbers, layout = Numbers(shape, batch), weights_layout(shape)
    parts = np.full((slices, layout.floats), np.nan, np.float32)
    arrays = {"x": numbers.blocked_x(), "dy": numbers.blocked_y(), "parts": parts}
    got = call(DepthwiseWeightGradient(shape, slices), batch, arrays, kind=kind)["parts"].sum(axis=0)
    wanted = expected(numbers, numbers.x, numbers.y)
    assert_close(layout.unpack(got).reshape(wanted.shape), wanted, SUM_BOUND)
    np.testing.assert_array_equal(layout.pack(layout.unpack(got)), got)


@settings(max_examples=25)
@given(depthwise_shapes(), st.sampled_from([1, 3]), st.booleans(), st.booleans())
def test_depthwise_convolution_matches_reference_for_any_shape(
    shape: ConvolutionShape, batch: int, bias: bool, relu: bool
) -> None:
    """Sizes, kernels, strides, dilations and padding of every kind."""
    check_forward(shape, batch, bias, relu)


@settings(max_examples=25)
@given(depthwise_shapes(), st.sampled_from([1, 2]))
def test_input_gradient_matches_reference_on_random_shapes(shape: ConvolutionShape, batch: int) -> None:
    """Every pixel of the input, also those that no window reads."""
    check_input_gradient(shape, batch)


@settings(max_examples=25)
@given(depthwise_shapes(), st.sampled_from([1, 2, 5]), st.sampled_from([1, 3, 8]))
def test_weight_gradient_matches_reference_on_random_shapes(
    shape: ConvolutionShape, batch: int, slices: int
) -> None:
    """Every tap of every channel, summed in one part and in several."""
    check_weight_gradient(shape, batch, slices)


def test_weight_gradient_of_many_chunks_matches_reference() -> None:
    """A weight gradient over chunks of rows, the last of them shorter, shared by parts of several images."""
    for stride in (1, 2):
        same = ((1, 1), (1, 0))
        check_weight_gradient(shape_of(17, 61, 45, 17, (3, 3), (stride, 1), same, groups=17), 2, 3)


@pytest.mark.parametrize("kind", SMALLER)
def test_results_match_on_smaller_instruction_sets(kind: str) -> None:
    """Fewer lanes and registers: other tiles, the same results."""
    for kernel, stride, padding in (((3, 3), (1, 1), ((1, 1), (1, 1))), ((5, 2), (2, 3), ((2, 1), (0, 1)))):
        shape = shape_of(13, 12, 31, 13, kernel, stride, padding, groups=13, kind=kind)
        check_forward(shape, 2, True, True, kind)
        check_input_gradient(shape, 2, kind)
        check_weight_gradient(shape, 2, 2, kind)


def test_nan_and_infinity_stay_in_their_channel_and_window() -> None:
    """What is not finite reaches the windows that read it, through a ReLU, too."""
    shape = shape_of(5, 6, 8, 5, (3, 3), padding=((1, 1), (1, 1)), groups=5)
    numbers = Numbers(shape, 1)
    x = numbers.x
    x[0, 1, 2, 3], x[0, 2, 4, 4] = np.nan, np.inf
    arrays = {"x": numbers.blocked_x(x), "weight": np.ones_like(numbers.packed_weight), "y": numbers.blocked_y()}
    y = numbers.y_layout.unpack(call(DepthwiseConvolution(shape, False, RELU), 1, arrays)["y"])
    assert np.isnan(y[0, 1, 1:4, 2:5]).all()
    assert np.isnan(y).sum() == 9
    assert np.isinf(y[0, 2, 3:6, 3:6]).all()
    assert np.isinf(y).sum() == 9


@pytest.mark.parametrize("kind", TARGETS)
def test_tiles_are_not_spilled(kind: str) -> None:
    """No vector moves to or from the stack."""
    for k, stride in ((3, 1), (3, 2), (5, 1), (7, 1)):
        padding = ((k // 2, k // 2), (k // 2, k // 2))
        shape = shape_of(40, 29, 56, 40, (k, k), (stride, stride), padding, groups=40, kind=kind)
        forward, backward = DepthwiseConvolution(shape, True, RELU), DepthwiseInputGradient(shape)
        for kernel in (forward, backward, DepthwiseWeightGradient(shape, 2)):
            assert spills(kernel, kind) == 0, kernel
