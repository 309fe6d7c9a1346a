"""Weight gradients of convolutions of every kind, against the reference in float64."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convscope.engines.native.kernels.common.shapes import ConvolutionShape
from convscope.engines.native.kernels.convolution.weight_gradient import ConvolutionWeightGradient, slices_for
from convscope.engines.native.kernels.convolution.weights import weights_layout
from convscope.engines.reference.im2col import convolution as reference

from .assembly import ARM, TARGETS, X86_64, spills
from .convolutions import Numbers, shape_of, shapes
from .harness import SMALLER, assert_close, call

BOUND = 3e-6
"""Of the largest gradient: sums of hundreds of normal numbers in chunks of hundreds, so some √100 roundings of
6e-8 each, of partial sums no larger than a few times the result."""


def expected(numbers: Numbers, x: np.ndarray, dy: np.ndarray) -> np.ndarray:
    """Return the gradient in float64."""
    shape = numbers.shape
    reach = [
        max(before + size, (out - 1) * s + (k - 1) * d + 1)
        for before, size, out, s, k, d in zip(
            shape.before, (shape.height, shape.width), shape.output, shape.stride, shape.kernel, shape.dilation,
            strict=True,
        )
    ]  # fmt: skip
    padded = np.zeros((numbers.batch, shape.channels, *reach))
    top, left = shape.before
    padded[:, :, top : top + shape.height, left : left + shape.width] = x
    return reference.kernel_gradient(dy.astype(np.float64), padded, numbers.windows, shape.groups)


def gradient(
    shape: ConvolutionShape, x: np.ndarray, dy: np.ndarray, slices: int, plain: bool, kind: str
) -> np.ndarray:
    """Return the sum of the parts as (filters, channels / groups, kh, kw), after a look at the empty lanes."""
    numbers, layout = Numbers(shape, len(x)), weights_layout(shape)
    given_x = x if plain else numbers.blocked_x(x)
    parts = np.full((slices, layout.floats), np.nan, np.float32)
    arrays = {"x": given_x, "dy": numbers.blocked_y(dy), "parts": parts}
    got = call(ConvolutionWeightGradient(shape, plain, slices), len(x), arrays, kind=kind)["parts"]
    total = got.sum(axis=0, dtype=np.float64)
    if shape.groups == 1:
        np.testing.assert_array_equal(layout.pack(layout.unpack(total)), total.astype(np.float32))
    return layout.unpack(total)


def check(shape: ConvolutionShape, batch: int, slices: int, plain: bool, kind: str) -> None:
    numbers = Numbers(shape, batch)
    got = gradient(shape, numbers.x, numbers.y, slices, plain, kind)
    wanted = expected(numbers, numbers.x, numbers.y)
    assert_close(got.reshape(wanted.shape), wanted, BOUND)


@settings(max_examples=30)
@given(shapes(), st.sampled_from([1, 2, 5]), st.sampled_from([1, 2, 8]), st.booleans())
def test_convolution_matches_reference_for_any_shape(
    shape: ConvolutionShape, batch: int, slices: int, plain: bool
) -> None:
    """Sizes, kernels, strides, dilations and padding of every kind, images plain and in blocks."""
    check(shape, batch, slices, plain, "host")


@settings(max_examples=10)
@given(shapes(in_groups=True), st.sampled_from([1, 3]), st.sampled_from([1, 4]))
def test_grouped_convolution_matches_reference_for_any_shape(
    shape: ConvolutionShape, batch: int, slices: int
) -> None:
    """Groups that need not end where blocks do."""
    if not shape.depthwise:
        check(shape, batch, slices, False, "host")


@pytest.mark.parametrize("kind", SMALLER)
def test_results_match_on_smaller_instruction_sets(kind: str) -> None:
    """Fewer lanes and registers: other tiles, the same gradient."""
    plain = shape_of(3, 11, 14, 20, (5, 3), (2, 1), ((2, 1), (1, 1)), kind=kind)
    blocked = shape_of(13, 9, 15, 24, (3, 3), (1, 2), ((1, 1), (1, 2)), (1, 2), kind=kind)
    check(plain, 2, 2, True, kind)
    check(blocked, 2, 2, False, kind)
    check(shape_of(20, 10, 14, 9, (1, 1), kind=kind), 3, 1, False, kind)
    check(shape_of(20, 10, 14, 30, (3, 2), groups=5, kind=kind), 2, 1, False, kind)


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("padding", [0, 1])
def test_weight_gradient_of_many_chunks_matches_reference(stride: int, padding: int) -> None:
    """Images cut into chunks of rows, the last of them shorter, shared by parts of several images."""
    pads = ((padding, 1), (padding, 0))
    check(shape_of(17, 61, 45, 20, (3, 3), (stride, 1), pads), 3, 2, False, "host")
    check(shape_of(1, 127, 131, 20, (3, 2), (stride, 1), pads), 2, 4, True, "host")


def test_padding_wider_than_the_image() -> None:
    """Kernel rows and columns that never touch the image have gradients of zero."""
    check(shape_of(3, 2, 1, 5, (4, 5), padding=((3, 3), (4, 3))), 2, 1, False, "host")
    check(shape_of(2, 1, 1, 5, (1, 3), (3, 3), ((2, 1), (2, 2))), 2, 2, True, "host")


def test_long_sums_stay_accurate() -> None:
    """A hundred thousand products that all pull one way: the two levels keep the error below 1e-6."""
    shape = shape_of(1, 81, 79, 3, (1, 1))
    numbers = Numbers(shape, 16)
    x, dy = np.abs(numbers.x) + 1, np.abs(numbers.y) + 1
    assert_close(gradient(shape, x, dy, 1, False, "host"), expected(numbers, x, dy), 1e-6)


def test_nan_and_infinity_reach_their_own_weights() -> None:
    """A NaN in an image reaches its channel's weights, an infinite gradient its filter's; padding adds none."""
    shape = shape_of(5, 4, 6, 7, (3, 3), padding=((1, 1), (1, 1)))
    numbers = Numbers(shape, 2)
    x, dy = numbers.x, numbers.y
    x[1, 2, 1, 1], dy[0, 3, 0, 0] = np.nan, np.inf
    got = gradient(shape, x, dy, 2, False, "host")
    assert np.isnan(got[:, 2]).all()
    kept = np.delete(np.delete(got, 2, axis=1), 3, axis=0)
    assert np.isfinite(kept).all()
    others = np.delete(got[3], 2, axis=0)
    assert np.isinf(others[:, 1:, 1:]).all()
    assert np.isfinite(others[:, 0]).all()
    assert np.isfinite(others[:, :, 0]).all()


@pytest.mark.parametrize(("kind", "parts"), [("skylake-avx512", 16), ("haswell", 8), (X86_64, 4), (ARM, 4)])
def test_parts_are_few_where_weights_are_many(kind: str, parts: int) -> None:
    """Large layers are summed in one part; small ones in several, more of them where fewer blocks are work."""
    assert slices_for(shape_of(256, 7, 7, 256, (3, 3), kind=kind)) == 1
    assert slices_for(shape_of(1, 28, 28, 32, (3, 3), kind=kind)) == parts


@pytest.mark.parametrize("kind", TARGETS)
def test_tiles_are_not_spilled(kind: str) -> None:
    """No vector moves to or from the stack."""
    same = ((1, 1), (1, 1))
    for channels, kernel, plain in (
        (32, (3, 3), False),
        (1, (3, 3), True),
        (3, (7, 7), True),
        (64, (1, 1), False),
    ):
        padding = ((3, 3), (3, 3)) if kernel == (7, 7) else same if kernel == (3, 3) else ((0, 0), (0, 0))
        stride = (2, 2) if kernel == (7, 7) else (1, 1)
        shape = shape_of(channels, 28, 28, 64, kernel, stride, padding, kind=kind)
        assert spills(ConvolutionWeightGradient(shape, plain, 1), kind) == 0
