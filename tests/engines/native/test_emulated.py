"""NEON code computes what the reference does, run in an emulator where the processor is no ARM."""

from __future__ import annotations

import pytest

from convscope.engines.native.codegen.target import names_here
from convscope.layers import activation
from convscope.layers import pooling as layers

from . import (
    emulated,
    test_activation,
    test_average_pooling,
    test_convolution,
    test_dense,
    test_depthwise,
    test_optimizers,
    test_pooling,
    test_weight_gradient,
    test_winograd,
    winograd_cases,
)
from .assembly import ARM
from .convolutions import Numbers, shape_of

pytestmark = pytest.mark.skipif(
    ARM not in names_here() and emulated.missing() != "",
    reason=f"code for ARM needs {emulated.missing()} (Debian: qemu-user, gcc-aarch64-linux-gnu, "
    "libc6-dev-arm64-cross)",
)
ASYMMETRIC = ((1, 0), (2, 1))


def test_neon_dense_layers_equal_the_float64_product() -> None:
    """Forward and both gradients, with tiles and blocks left over; of few rows, too."""
    test_dense.assert_all(test_dense.Case(7, (5, 3, 2), 13, ARM))
    test_dense.assert_product(
        (few := test_dense.Case(3, (5, 2, 1), 9, ARM, seed=1)).input_gradient(), few.dy, few.w
    )


def test_neon_convolutions_equal_the_reference() -> None:
    """Direct, with a stride and a dilation; the input's and the weights' gradients."""
    shape = shape_of(5, 9, 14, 11, (3, 2), (1, 2), ASYMMETRIC, (2, 1), kind=ARM)
    test_convolution.check_forward(shape, 2, [False, True, True, True], ARM)
    test_convolution.check_backward(shape, 2, False, False, ARM)
    numbers = Numbers(shape, 2)
    got = test_weight_gradient.gradient(shape, numbers.x, numbers.y, 2, False, ARM)
    test_weight_gradient.assert_close(got, test_weight_gradient.expected(numbers, numbers.x, numbers.y), 1e-5)


def test_neon_depthwise_convolutions_equal_the_reference() -> None:
    """Forward and both gradients."""
    shape = shape_of(6, 8, 13, 6, (3, 5), (1, 2), ASYMMETRIC, groups=6, kind=ARM)
    test_depthwise.check_forward(shape, 2, True, True, ARM)
    test_depthwise.check_input_gradient(shape, 2, ARM)
    test_depthwise.check_weight_gradient(shape, 2, 3, ARM)


@pytest.mark.parametrize("tile", [2, 4])
def test_neon_winograd_equals_the_definition(tile: int) -> None:
    """All three passes, of tiles beyond the edge and of channels that fill no block."""
    case = winograd_cases.Case(2, 7, (9, 13), 10, (1, 0), (1, 2), tile, ARM)
    exact = winograd_cases.correlate(case.x, case.weight, case.before, case.shape.output)
    test_winograd.compare(case.forward(raw=tile == 2), exact, tile)
    exact = winograd_cases.weight_gradient(case.x, case.dy, case.before)
    test_winograd.compare(case.weight_gradient(), exact, tile)


def test_neon_pooling_equals_the_reference() -> None:
    """The same winners forward and backward; means."""
    layer, numbers = layers.MaxPool2d(3, 2, padding=1), test_pooling.numbers((2, 5, 8, 11), 3)
    test_pooling.assert_as_the_reference(layer, numbers, ARM, masked=True, slices=2)
    mean, x = layers.AvgPool2d((2, 3), (2, 1)), test_average_pooling.numbers((2, 5, 8, 11), 4)
    averages = test_average_pooling.averages(mean, x.shape[1:], ARM)
    test_average_pooling.assert_as_the_reference(mean, averages, x, ARM)


@pytest.mark.parametrize("layer", [activation.SiLU(), activation.GELU()], ids=str)
def test_neon_activations_equal_the_reference(layer: activation.SiLU | activation.GELU) -> None:
    """Exponentials and the normal distribution."""
    test_activation.assert_as_the_reference(layer, (2, 5, 3, 7), 3, ARM)


def test_neon_updates_equal_the_reference() -> None:
    """Three steps of Adam, with real arguments."""
    test_optimizers.assert_update(*test_optimizers.CHOICES[5], vectors=13, seed=4, kind=ARM)
