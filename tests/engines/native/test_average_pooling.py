"""Average pooling, global and adaptive pooling against the float64 reference."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from convscope.engines.native.codegen.kernel import Kernel
from convscope.engines.native.kernels.pooling import adaptive, average
from convscope.engines.native.layout import Blocked
from convscope.engines.reference.layers.rules import Context, backward, forward
from convscope.layers import pooling as layers
from convscope.layers.base import Layer

from .assembly import TARGETS, spills_in_loops
from .harness import KINDS, assert_close, call, target_named
from .test_pooling import checked, shape_of

BOUND = 2e-6
"""Share of the largest number: sums of at most some hundred numbers, by rows first, and one multiplication."""


def assert_as_the_reference(
    layer: Layer, kernels: tuple[Kernel, Kernel], x: np.ndarray, kind: str, bound: float = BOUND
) -> None:
    n, c, lanes = len(x), x.shape[1], target_named(kind).width
    context, exact = Context(), x.astype(np.float64)
    with np.errstate(invalid="ignore"):
        expected = forward(layer, (exact,), {}, context)
    source, target = Blocked(*x.shape[1:], lanes), Blocked(c, *expected.shape[2:], lanes)
    dy = np.random.default_rng(9).normal(size=expected.shape).astype(np.float32)
    gradient = backward(layer, dy.astype(np.float64), (exact,), {}, context).inputs[0]
    assert gradient is not None
    arrays = {"x": source.pack(x), "y": np.full((n, target.floats), np.nan, np.float32), "dy": target.pack(dy)}
    arrays["dx"] = np.full_like(arrays["x"], np.nan)
    for kernel, name, layout, truth in zip(
        kernels, ("y", "dx"), (target, source), (expected, gradient), strict=True
    ):
        arrays[name] = call(kernel, n, arrays, kind=kind)[name]
        got = checked(layout, arrays[name])
        np.testing.assert_array_equal(np.isnan(got), np.isnan(truth))
        assert_close(np.nan_to_num(got), np.nan_to_num(truth), bound)


def numbers(shape: tuple[int, ...], seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(1, 2, shape).astype(np.float32)


def averages(layer: layers.AvgPool, shape: tuple[int, ...], kind: str) -> tuple[Kernel, Kernel]:
    after = tuple(window.after for window in layer.windows(shape))
    settings = (shape_of(layer, shape, target_named(kind).width), layer.count_include_pad, after)
    return average.AveragePool(*settings), average.AveragePoolGradient(*settings)


@st.composite
def poolings(draw: Any) -> tuple[layers.AvgPool, tuple[int, ...]]:
    """Draw any legal average pooling, and an image for it."""
    kernel = draw(st.tuples(st.integers(1, 5), st.integers(1, 5)))
    dilation = draw(st.tuples(st.integers(1, 2), st.integers(1, 2)))
    reach = [d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True)]
    pads = tuple((draw(st.integers(0, r // 2)), draw(st.integers(0, r // 2))) for r in reach)
    stride = draw(st.tuples(st.integers(1, 4), st.integers(1, 4)))
    layer = layers.AvgPool2d(kernel, stride, pads, dilation, draw(st.booleans()), draw(st.booleans()))
    shape = (draw(st.integers(1, 35)), draw(st.integers(1, 13)), draw(st.integers(1, 13)))
    assume(all(n + sum(p) >= r for n, p, r in zip(shape[1:], pads, reach, strict=True)))
    return layer, shape


@given(poolings(), st.integers(1, 3))
@settings(max_examples=40)
def test_average_pooling_equals_the_reference(case: tuple[layers.AvgPool, tuple[int, ...]], n: int) -> None:
    """Any kernel, stride, padding, dilation, rounding, with padding counted or not."""
    layer, shape = case
    assert_as_the_reference(layer, averages(layer, shape, "host"), numbers((n, *shape), n), "host")


SMALL = [
    layers.AvgPool2d(2),
    layers.AvgPool2d((3, 2), (2, 1), padding=1, count_include_pad=False),
    layers.AvgPool2d((2, 3), (3, 4), ceil_mode=True),
]
LARGE = [
    layers.AvgPool2d((9, 8), (1, 2), padding=((4, 3), (2, 4))),
    layers.AvgPool2d((11, 9), (2, 3), padding=(5, 4), ceil_mode=True, count_include_pad=False),
]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("layer", SMALL, ids=str)
def test_average_pooling_on_every_instruction_set(layer: layers.AvgPool, kind: str) -> None:
    """Windows that overlap, that do not, and that leave gaps."""
    shape = (19, 7, 10)
    assert_as_the_reference(layer, averages(layer, shape, kind), numbers((3, *shape), 2), kind)


@pytest.mark.parametrize("layer", LARGE, ids=str)
def test_large_windows_are_compiled_to_loops(layer: layers.AvgPool) -> None:
    """Windows too large to be written out give the same."""
    shape = (18, 17, 19)
    assert_as_the_reference(layer, averages(layer, shape, "host"), numbers((2, *shape), 3), "host")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("sizes", [(1, 1), (1, 3), (2, 2), (7, 9)])
def test_global_average_pooling_equals_the_reference(sizes: tuple[int, int], kind: str) -> None:
    """From one position to several, with a rest after whole groups of sums."""
    settings = (19, *sizes, target_named(kind).width)
    kernels = (average.GlobalAveragePool(*settings), average.GlobalAveragePoolGradient(*settings))
    assert_as_the_reference(layers.GlobalAvgPool2d(), kernels, numbers((2, 19, *sizes), 4), kind)


def adaptives(
    maximum: bool, shape: tuple[int, ...], output: tuple[int, int], kind: str
) -> tuple[Layer, tuple[Kernel, Kernel]]:
    settings = (*shape, output, target_named(kind).width)
    if maximum:
        kernels: tuple[Kernel, Kernel] = (
            adaptive.AdaptiveMaxPoolKernel(*settings),
            adaptive.AdaptiveMaxPoolGradient(*settings),
        )
        return layers.AdaptiveMaxPool2d(output), kernels
    kernels = (adaptive.AdaptiveAveragePool(*settings), adaptive.AdaptiveAveragePoolGradient(*settings))
    return layers.AdaptiveAvgPool2d(output), kernels


@given(
    st.booleans(),
    st.tuples(st.integers(1, 35), st.integers(1, 13), st.integers(1, 13)),
    st.tuples(st.integers(1, 15), st.integers(1, 15)),
)
@settings(max_examples=30)
def test_adaptive_pooling_equals_the_reference(
    maximum: bool, shape: tuple[int, int, int], output: tuple[int, int]
) -> None:
    """Any number of bins: equal, different by one, overlapping, more of them than positions."""
    layer, kernels = adaptives(maximum, shape, output, "host")
    assert_as_the_reference(layer, kernels, numbers((2, *shape), 5), "host")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("maximum", [False, True])
@pytest.mark.parametrize("output", [(3, 2), (5, 7), (1, 1)])
def test_adaptive_pooling_on_every_instruction_set(maximum: bool, output: tuple[int, int], kind: str) -> None:
    """Equal bins, unequal ones, one bin."""
    layer, kernels = adaptives(maximum, (19, 6, 8), output, kind)
    assert_as_the_reference(layer, kernels, numbers((3, 19, 6, 8), 6), kind)


def test_nan_and_infinity_propagate_through_the_mean() -> None:
    """A window with NaN, or with both infinities, gives NaN; the others are untouched."""
    x = numbers((1, 17, 6, 8), 7)
    x[0, 3, 0, 0], x[0, 5, 2, 2], x[0, 5, 3, 3] = np.nan, np.inf, -np.inf
    layer = layers.AvgPool2d(2)
    assert_as_the_reference(layer, averages(layer, x.shape[1:], "host"), x, "host")


Make = Callable[[str], tuple[Kernel, Kernel]]
FAMILIES: dict[str, Make] = {
    "separate": lambda kind: averages(SMALL[0], (19, 14, 15), kind),
    "overlapping": lambda kind: averages(SMALL[1], (19, 14, 15), kind),
    "large": lambda kind: averages(LARGE[0], (19, 17, 19), kind),
    "adaptive": lambda kind: adaptives(False, (19, 13, 17), (5, 7), kind)[1],
    "adaptive max": lambda kind: adaptives(True, (19, 13, 17), (5, 7), kind)[1],
}


@pytest.mark.parametrize("kind", TARGETS)
@pytest.mark.parametrize("family", FAMILIES)
def test_pooling_spills_nothing_in_loops(family: str, kind: str) -> None:
    """Nothing goes over the stack inside the innermost loops."""
    for kernel in FAMILIES[family](kind):
        assert spills_in_loops(kernel, kind) == 0
