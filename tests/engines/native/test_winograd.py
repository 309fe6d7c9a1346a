"""Winograd's convolution and its gradients against the definition in float64.

Bounds are shares of the largest expected number. F(4,3) multiplies by up to 8·8 on its way back and by 5·5 on its
way in, F(2,3) by 1: with random numbers the root of the mean square error was measured at up to 4e-7 and 7e-8, the
largest error at up to 4e-6 and 7e-7 (small maps, where few outputs make the largest one small).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convscope.engines.native.codegen.target import named
from convscope.engines.native.kernels.activation.pointwise import RELU
from convscope.engines.native.kernels.common.shapes import ConvolutionShape
from convscope.engines.native.kernels.winograd import (
    WinogradConvolution,
    WinogradWeightGradient,
    WinogradWeightGradientFinish,
    WinogradWeights,
    slices_for,
    u_floats,
)
from convscope.engines.native.tuning.select import raw_weights, tile_for

from .assembly import TARGETS, X86_64, moves_in_loops
from .harness import KINDS, assert_close
from .winograd_cases import Case

ROOT_MEAN_SQUARE = {2: 2e-7, 4: 1.2e-6}
WORST = {2: 2e-6, 4: 1e-5}
FEW = settings(max_examples=6, derandomize=True)

sizes = st.tuples(st.integers(1, 13), st.integers(1, 13)).filter(lambda size: size[0] != size[1])
pads = st.tuples(st.integers(0, 2), st.integers(0, 2))


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Draw a small convolution with at least one output."""
    size, before, after = draw(sizes), draw(pads), draw(pads)
    size = tuple(max(own, 3 - b - a) for own, b, a in zip(size, before, after, strict=True))
    channels, filters = (
        draw(st.sampled_from([1, 3, 15, 16, 17, 33])),
        draw(st.sampled_from([1, 5, 16, 31, 48, 66])),
    )
    return Case(draw(st.integers(1, 4)), channels, size, filters, before, after, draw(st.sampled_from([2, 4])))


FIXED = [
    Case(2, 19, (9, 11), 37, (1, 0), (1, 1), 4),
    Case(1, 5, (7, 7), 64, (1, 1), (1, 1), 2),
    Case(5, 8, (14, 15), 32, (2, 1), (0, 1), 4),
    Case(3, 4, (10, 17), 13, (0, 2), (2, 2), 2),
]
"""Several blocks of tiles with a part left over, several chunks of filters, odd maps, one image."""


def compare(got: np.ndarray, expected: np.ndarray, tile: int) -> None:
    """Compare with float64: the largest error, and the usual one where there are enough numbers."""
    assert_close(got, expected, WORST[tile])
    if expected.size > 100:
        error = np.sqrt(np.mean((got - expected) ** 2)) / np.abs(expected).max()
        assert error <= ROOT_MEAN_SQUARE[tile], f"{error:.2e}"


def on_every_kind() -> list[Case]:
    return [Case(**{**vars_of(case), "kind": kind}) for kind in KINDS for case in FIXED]


def vars_of(case: Case) -> dict[str, object]:
    return {name: getattr(case, name) for name in Case.__dataclass_fields__}


@given(case=cases(), epilogue=st.tuples(st.booleans(), st.booleans(), st.booleans()))
@FEW
def test_convolution_matches_reference_for_any_shape(case: Case, epilogue: tuple[bool, bool, bool]) -> None:
    """Sizes around tiles and blocks, with what follows a convolution done on the way."""
    bias, relu, residual = epilogue
    expected = case.expected_forward()
    expected = expected + case.bias[:, None, None] if bias else expected
    expected = expected + case.residual if residual else expected
    compare(
        case.forward(bias, RELU if relu else None, residual),
        np.maximum(expected, 0) if relu else expected,
        case.tile,
    )


@given(case=cases())
@FEW
def test_input_gradient_matches_reference_for_any_shape(case: Case) -> None:
    """The same kernel, with weights turned around and channels and filters exchanged."""
    compare(case.input_gradient(), case.expected_input_gradient(), case.tile)


@given(case=cases(), slices=st.integers(1, 5))
@FEW
def test_weight_gradient_matches_reference_for_any_shape(case: Case, slices: int) -> None:
    """Any number of slices, some of which may be empty."""
    compare(case.weight_gradient(slices), case.expected_weight_gradient(), case.tile)


@pytest.mark.parametrize("case", on_every_kind(), ids=str)
def test_every_pass_on_every_instruction_set(case: Case) -> None:
    """Three passes of the same four convolutions."""
    expected = case.expected_forward() + case.bias[:, None, None] + case.residual
    compare(case.forward(True, RELU, True), np.maximum(expected, 0), case.tile)
    compare(case.input_gradient(), case.expected_input_gradient(), case.tile)
    compare(case.weight_gradient(), case.expected_weight_gradient(), case.tile)


@given(case=cases(), bias=st.booleans(), residual=st.booleans())
@FEW
def test_raw_weights_match_transformed_weights(case: Case, bias: bool, residual: bool) -> None:
    """A convolution that transforms its weights itself gives the bits of one that reads them transformed."""
    given = (bias, RELU, residual)
    np.testing.assert_array_equal(case.forward(*given, raw=True), case.forward(*given))
    np.testing.assert_array_equal(case.input_gradient(raw=True), case.input_gradient())


@pytest.mark.parametrize("case", on_every_kind(), ids=str)
def test_raw_weights_match_on_every_instruction_set(case: Case) -> None:
    """Both passes of the same four convolutions, against the definition."""
    compare(case.forward(raw=True), case.expected_forward(), case.tile)
    compare(case.input_gradient(raw=True), case.expected_input_gradient(), case.tile)


@pytest.mark.parametrize("tile", [2, 4])
def test_accuracy_does_not_depend_on_the_channel_count(tile: int) -> None:
    """Sums over 100 channels and over 300 tiles stay within the bounds."""
    case = Case(3, 100, (37, 38), 48, (1, 1), (1, 1), tile)
    for raw in (False, True):
        compare(case.forward(raw=raw), case.expected_forward(), tile)
        compare(case.input_gradient(raw), case.expected_input_gradient(), tile)
    compare(case.weight_gradient(), case.expected_weight_gradient(), tile)


@pytest.mark.parametrize("tile", [2, 4])
def test_names_of_different_convolutions_differ(tile: int) -> None:
    """The comparison can fail: one weight a thousandth off is seen."""
    case = Case(2, 19, (9, 11), 37, (1, 0), (1, 1), tile)
    expected = case.expected_forward()
    case.weight[3, 4, 1, 2] += 1e-3
    with pytest.raises(AssertionError):
        compare(case.forward(), expected, tile)


@pytest.mark.parametrize(("wrong", "relu"), [(np.nan, False), (np.nan, True), (np.inf, False)])
@pytest.mark.parametrize("tile", [2, 4])
def test_nan_and_infinity_propagate_as_defined(tile: int, wrong: float, relu: bool) -> None:
    """Nothing that the definition says is not finite is finite; tiles that do not see it are as before.

    Lanes without a filter stay zeros, although their weights of zero times NaN are NaN.
    """
    case = Case(2, 5, (13, 14), 7, (1, 1), (1, 1), tile)
    clean = case.forward(activation=RELU if relu else None)
    case.x[1, 2, 6, 7] = wrong
    got = case.forward(activation=RELU if relu else None)
    touched = ~np.isfinite(correlated_with_ones(case))
    assert not np.isfinite(got[touched]).any()
    near = np.zeros(clean.shape, bool)
    near[1, :, 6 - 2 - tile : 6 + 2 + tile, 7 - 2 - tile : 7 + 2 + tile] = True
    np.testing.assert_array_equal(got[~near], clean[~near])


def correlated_with_ones(case: Case) -> np.ndarray:
    """Return which outputs see NaN or infinity."""
    ones = Case(**vars_of(case))
    ones.x[...], ones.weight[...] = case.x, 1
    return ones.expected_forward()


def test_nan_in_the_gradient_reaches_the_weights() -> None:
    """A NaN in one filter's gradient reaches that filter's weights only, all nine of them."""
    case = Case(2, 5, (13, 14), 7, (1, 1), (1, 1), 4)
    clean = case.weight_gradient()
    case.dy[0, 3, 5, 5] = np.nan
    got = case.weight_gradient()
    assert np.isnan(got[3]).all()
    np.testing.assert_array_equal(np.delete(got, 3, axis=0), np.delete(clean, 3, axis=0))


def test_empty_slices_do_not_change_the_sum() -> None:
    """More slices than blocks of tiles: the empty ones are written with zeros."""
    case = Case(1, 3, (5, 6), 4, (1, 1), (1, 1), 4)
    compare(case.weight_gradient(7), case.expected_weight_gradient(), 4)


def test_grouped_filters_share_inputs_of_the_last_block_only() -> None:
    """Slices of 150 tiles are three blocks, and 133 filters three chunks: inputs are transformed again for each."""
    case = Case(3, 5, (37, 38), 133, (1, 1), (1, 1), 4)
    compare(case.weight_gradient(2), case.expected_weight_gradient(), 4)


FILTERS = {16: (16, 37, 64), 8: (37, 48), 4: (36, 37)}
"""By lanes: filters whose blocks make register tiles of each width, and some that fill no block."""


@pytest.mark.parametrize(("kind", "filters"), [(kind, n) for kind in TARGETS for n in FILTERS[named(kind).width]])
@pytest.mark.parametrize("tile", [2, 4])
def test_loops_spill_nothing(tile: int, kind: str, filters: int) -> None:
    """No innermost loop moves a vector to or from the stack, but for 16 registers of four floats.

    There F(4,3)'s way back is let off with two pairs, and with one the product behind weights transformed on the
    way, a loop of 95 instructions.
    """
    shape = Case(1, 37, (14, 14), filters, (1, 1), (1, 1), tile, kind).shape
    kernels = (
        WinogradConvolution(shape, tile, True, RELU, True),
        WinogradConvolution(shape, tile, raw_weights=True),
        WinogradConvolution(shape, tile, raw_weights=True, transposed=True),
        WinogradWeightGradient(shape, tile, 2),
        WinogradWeightGradientFinish(shape, tile, 2),
        WinogradWeights(shape, tile, False),
        WinogradWeights(shape, tile, True),
    )
    found = [moves_in_loops(kernel, kind) for kernel in kernels]
    assert max(found[:3]) <= ({2: 2, 4: 4}[tile] if kind == X86_64 else 0)
    assert found[0] <= (4 if (kind, tile) == (X86_64, 4) else 0)
    assert found[3:] == [0, 0, 0, 0]


def shape_of(channels: int, size: int, filters: int) -> ConvolutionShape:
    one = (1, 1)
    return ConvolutionShape(channels, size, size, filters, (3, 3), one, one, one, (size, size), 1, 16)


def test_large_maps_take_large_tiles() -> None:
    """Where multiplications decide, F(4,3) wins in every pass."""
    passes = ("forward", "inference", "input gradient", "weight gradient")
    for channels, size in ((64, 56), (128, 28), (256, 14)):
        assert {tile_for(shape_of(channels, size, channels), 16, purpose) for purpose in passes} == {4}


def test_cost_of_transforms_decides_small_convolutions() -> None:
    """Few channels or few tiles are done plainly; weights that are transformed once allow more."""
    assert tile_for(shape_of(3, 224, 64), 16, "forward") == 0
    assert tile_for(shape_of(48, 5, 80), 4, "inference") == 0
    assert tile_for(shape_of(512, 7, 512), 1, "forward") == 0
    assert tile_for(shape_of(512, 7, 512), 1, "inference") == 2


def test_weights_are_transformed_where_cheapest() -> None:
    """By the convolution, for few tiles; once before it, for many; for very few, where a cache keeps them."""
    assert raw_weights(shape_of(512, 7, 512), 16, 4, False)
    assert raw_weights(shape_of(256, 14, 256), 1, 4, True)
    assert not raw_weights(shape_of(256, 14, 256), 1, 4, False)
    assert not raw_weights(shape_of(64, 56, 64), 16, 4, True)


@pytest.mark.parametrize("tile", [2, 4])
def test_one_image_is_split_between_two_threads(tile: int) -> None:
    """At batch 1 the common layers have at least four pieces of work in every pass."""
    for channels, size in ((64, 56), (128, 28), (256, 14), (512, 7)):
        shape = shape_of(channels, size, channels)
        assert WinogradConvolution(shape, tile).items(1) >= 4
        assert WinogradWeightGradient(shape, tile, slices_for(shape, 1, tile)).items(1) >= 4


def test_parts_of_a_weight_gradient_are_few_where_tiles_are() -> None:
    """Each part is written and read once more: 196 tiles make four, and a batch of such images eight."""
    shape = shape_of(64, 56, 64)
    assert [slices_for(shape, batch, 4) for batch in (1, 2)] == [4, 8]


def test_winograd_rejects_other_convolutions() -> None:
    """A stride, a tile that has no matrices, or transformed weights to be turned around."""
    with pytest.raises(ValueError, match="transposed already"):
        WinogradConvolution(shape_of(16, 8, 16), 4, transposed=True)
    strided = replace(shape_of(16, 8, 16), stride=(2, 2))
    with pytest.raises(ValueError, match="3×3, stride 1, tile 2 or 4"):
        u_floats(strided, 4)
    with pytest.raises(ValueError, match="3×3, stride 1, tile 2 or 4"):
        u_floats(shape_of(16, 8, 16), 3)
