"""Direct convolution and its input gradient against the float64 reference.

Bound: a result is a sum of at most some 2000 rounded products here. Rounding errors of 6e-8 each, of random signs,
come to about √2000 · 6e-8 = 3e-6 of the largest result; 1e-5 leaves room for sums of equal signs.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from convscope.engines.native.codegen.target import named
from convscope.engines.native.kernels.activation.pointwise import RELU
from convscope.engines.native.kernels.common.shapes import ConvolutionShape
from convscope.engines.native.kernels.convolution.axes import Tile, forward_axis, gradient_phases
from convscope.engines.native.kernels.convolution.direct import FAR_FLOATS, Convolution, ConvolutionInputGradient
from convscope.engines.native.kernels.convolution.weights import few_channels, transposed_layout
from convscope.engines.native.layout import Channels

from .assembly import TARGETS, spills, spills_in_loops
from .convolutions import Numbers, empty_lanes, shape_of, shapes
from .harness import SMALLER, assert_close, call

BOUND = 1e-5
SLOW = settings(suppress_health_check=list(HealthCheck))
RESNET_STEM = shape_of(3, 30, 58, 64, (7, 7), (2, 2), ((3, 3), (3, 3)))


def transposed_weight(numbers: Numbers) -> np.ndarray:
    """Return the packed transposed weights, made by NumPy."""
    shape, own = numbers.shape, numbers.weight
    if few_channels(shape):
        return transposed_layout(shape).pack(own)
    if shape.groups > 1:
        own = own.reshape(shape.groups, -1, *own.shape[1:])
        own = own.swapaxes(1, 2).reshape(shape.channels, -1, *shape.kernel)
    else:
        own = own.swapaxes(0, 1)
    return transposed_layout(shape).pack(own)


def forward(kernel: Convolution, numbers: Numbers, x: np.ndarray | None = None, kind: str = "host") -> np.ndarray:
    """Return y; its empty lanes are checked."""
    given = numbers.x if x is None else x
    arrays = {
        "x": given if kernel.plain_input else numbers.blocked_x(given),
        "weight": numbers.packed_weight,
        "bias": numbers.packed_bias,
        "residual": numbers.blocked_y(),
        "y": np.full((numbers.batch, numbers.y_layout.floats), np.nan, np.float32),
    }
    y = call(kernel, numbers.batch, arrays, kind=kind)["y"]
    assert not empty_lanes(y, numbers.y_layout).any()
    return numbers.y_layout.unpack(y)


def backward(kernel: ConvolutionInputGradient, numbers: Numbers, kind: str = "host") -> np.ndarray:
    """Return dx; its empty lanes are checked."""
    arrays = {
        "dy": numbers.blocked_y(),
        "weight_t": transposed_weight(numbers),
        "bias": Channels(numbers.shape.channels, numbers.shape.lanes).pack(own_bias(numbers)),
        "dx": np.full((numbers.batch, numbers.x_layout.floats), np.nan, np.float32),
    }
    dx = call(kernel, numbers.batch, arrays, kind=kind)["dx"]
    assert not empty_lanes(dx, numbers.x_layout).any()
    return numbers.x_layout.unpack(dx)


def own_bias(numbers: Numbers) -> np.ndarray:
    """Return a bias for the input's channels."""
    return numbers.draw("channel bias", numbers.shape.channels)


def check_forward(shape: ConvolutionShape, batch: int, options: list[bool], kind: str = "host") -> None:
    """Compare y with the reference's, with any of plain input, bias, ReLU and residual."""
    numbers = Numbers(shape, batch)
    plain, bias, relu, residual = options
    expected = numbers.forward()
    expected = expected + numbers.bias[:, None, None] if bias else expected
    expected = expected + numbers.y if residual else expected
    expected = np.maximum(expected, 0) if relu else expected
    kernel = Convolution(shape, plain and shape.groups == 1, bias, RELU if relu else None, residual)
    assert_close(forward(kernel, numbers, kind=kind), expected, BOUND)


def check_backward(shape: ConvolutionShape, batch: int, bias: bool, relu: bool, kind: str = "host") -> None:
    """Compare dx with the reference's, with or without bias and ReLU."""
    numbers = Numbers(shape, batch)
    expected = numbers.input_gradient()
    expected = expected + own_bias(numbers)[:, None, None] if bias else expected
    expected = np.maximum(expected, 0) if relu else expected
    assert_close(
        backward(ConvolutionInputGradient(shape, bias, RELU if relu else None), numbers, kind), expected, BOUND
    )


@settings(SLOW, max_examples=25)
@given(st.data())
def test_convolution_matches_reference_on_random_shapes(data: st.DataObject) -> None:
    """Strides, padding, dilation, groups and channel counts of every kind, on the host."""
    shape = data.draw(shapes("host", data.draw(st.booleans())))
    check_forward(shape, data.draw(st.integers(1, 3)), [data.draw(st.booleans()) for _ in range(4)])


@settings(SLOW, max_examples=25)
@given(st.data())
def test_any_input_gradient_matches_reference(data: st.DataObject) -> None:
    """The same for the gradient by the input, bias and ReLU of a transposed convolution among them."""
    shape = data.draw(shapes("host", data.draw(st.booleans())))
    check_backward(shape, data.draw(st.integers(1, 3)), data.draw(st.booleans()), data.draw(st.booleans()))


@pytest.mark.parametrize("kind", SMALLER)
@settings(SLOW, max_examples=6)
@given(st.data())
def test_smaller_instruction_sets_compute_the_same(kind: str, data: st.DataObject) -> None:
    """Eight and four lanes, sixteen registers."""
    shape = data.draw(shapes(kind, data.draw(st.booleans())))
    check_forward(shape, 2, [data.draw(st.booleans()) for _ in range(4)], kind)
    check_backward(shape, 2, data.draw(st.booleans()), data.draw(st.booleans()), kind)


@pytest.mark.parametrize(
    "shape",
    [
        RESNET_STEM,
        shape_of(3, 39, 43, 20, (11, 9), (4, 3), ((0, 1), (2, 0))),
        shape_of(33, 14, 28, 80, (3, 3), padding=((1, 1), (1, 1))),
        shape_of(64, 7, 7, 112, (3, 3), padding=((1, 1), (1, 1))),
        shape_of(64, 4, 4, 208, (3, 3), padding=((1, 1), (1, 1))),
        shape_of(40, 13, 13, 48, (1, 1)),
        shape_of(16, 9, 8, 32, (1, 1), (2, 3)),
        shape_of(16, 5, 6, 32, (1, 2), (3, 4)),
        shape_of(1, 9, 11, 33, (3, 4), (2, 1), ((1, 1), (1, 2))),
        shape_of(128, 6, 5, 128, (3, 3), (2, 1), ((1, 1), (1, 1)), groups=32),
    ],
    ids=lambda shape: f"{shape.channels}-{shape.filters}-{shape.kernel}-{shape.stride}",
)
def test_layers_of_known_networks(shape: ConvolutionShape) -> None:
    """Stems, blocks, strided and grouped layers; filters cut into unequal tiles; pixels that no window reads."""
    check_forward(shape, 2, [shape.channels == 3, True, False, True])
    check_backward(shape, 2, True, False)


@pytest.mark.parametrize("tile", [Tile(1, 1, 5), Tile(3, 2, 4), Tile(2, 3, 3), Tile(2, 1, 6)])
def test_results_do_not_depend_on_the_tile(tile: Tile) -> None:
    """Tiles that leave remainders in all directions, over one row and over several."""
    shape = shape_of(18, 7, 11, 80, (3, 4), (1, 2), ((1, 2), (2, 1)))
    numbers = Numbers(shape, 2)
    assert_close(forward(Convolution(shape, tile=tile), numbers), numbers.forward(), BOUND)
    assert_close(backward(ConvolutionInputGradient(shape, tile=tile), numbers), numbers.input_gradient(), BOUND)


def test_weight_gradient_of_many_weights_sums_all_images() -> None:
    """Beyond half a megabyte of weights the order of work changes, not the result."""
    shape = shape_of(272, 3, 4, 128, (3, 3), padding=((1, 1), (1, 1)))
    assert shape.filters * shape.channels * 9 > FAR_FLOATS
    check_forward(shape, 3, [False, False, True, False])


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_nan_reaches_only_windows_that_read_it(value: float) -> None:
    """NaN and infinity spread as in the reference; empty lanes hold zeros all the same."""
    shape = shape_of(5, 6, 7, 19, (3, 2), (2, 1), ((1, 1), (0, 1)))
    numbers = Numbers(shape, 2)
    x = numbers.x.copy()
    x[1, 3, 2, 4] = value
    with np.errstate(invalid="ignore"):
        got, expected = forward(Convolution(shape, activation=RELU), numbers, x), np.maximum(numbers.forward(x), 0)
    broken = ~np.isfinite(expected)
    assert broken.any()
    np.testing.assert_array_equal(got[broken], expected[broken].astype(np.float32))
    assert_close(got[~broken], expected[~broken], BOUND)


@pytest.mark.parametrize("size", [5, 12])
@pytest.mark.parametrize("kernel", [1, 3, 4])
@pytest.mark.parametrize("stride", [1, 2, 5])
@pytest.mark.parametrize("dilation", [1, 2, 3])
def test_forward_and_gradient_axes_cover_the_same_pairs(
    size: int, kernel: int, stride: int, dilation: int
) -> None:
    """An output, a tap and an input that belong together do so in both descriptions of the axis."""
    before, output = 2, (size + 3 - (kernel - 1) * dilation) // stride + 1
    numbers = (size, kernel, stride, before, dilation, output)
    axis, found = forward_axis(*numbers), set()
    expected = {
        (result, tap, result * stride - before + tap * dilation)
        for result in range(output)
        for tap in range(kernel)
        if axis.reads(result, tap)
    }
    covered = []
    for phases in gradient_phases(*numbers):
        for more in range(phases.phases):
            for result in range(phases.count):
                place = phases.start + more + result * phases.step
                covered.append(place)
                for tap in range(phases.taps):
                    if phases.reads(result, tap):
                        source = result * phases.stride + phases.offset + tap * phases.spread
                        found.add((source, phases.first_tap + more + tap * phases.tap_step, place))
    assert found == expected
    assert sorted(covered) == list(range(size))


@pytest.mark.parametrize("name", TARGETS)
def test_sums_are_not_spilled_in_loops(name: str) -> None:
    """No inner loop moves a vector to the stack, whatever the tile and the instruction set."""
    body = shape_of(32, 14, 28, 64, (3, 3), padding=((1, 1), (1, 1)), kind=name)
    narrow = shape_of(32, 7, 4, 64, (3, 3), padding=((1, 1), (1, 1)), kind=name)
    stem = shape_of(3, 30, 58, 64, (7, 7), (2, 2), ((3, 3), (3, 3)), kind=name)
    assert spills_in_loops(Convolution(body, bias=True, activation=RELU, residual=True), name) == 0
    assert spills_in_loops(Convolution(narrow), name) == 0
    assert spills_in_loops(Convolution(stem, plain_input=True), name) == 0
    assert spills_in_loops(ConvolutionInputGradient(body), name) == 0
    assert spills_in_loops(ConvolutionInputGradient(stem), name) == 0


@pytest.mark.parametrize("name", [name for name in TARGETS if named(name).width == 16])
def test_wide_vectors_cause_no_spills(name: str) -> None:
    """With 32 registers there is room between the loops, too; taps of one channel are not merged."""
    body = shape_of(32, 14, 28, 64, (3, 3), padding=((1, 1), (1, 1)), kind=name)
    one = shape_of(1, 28, 28, 32, (5, 5), padding=((2, 2), (2, 2)), kind=name)
    stem = shape_of(3, 30, 58, 64, (7, 7), (2, 2), ((3, 3), (3, 3)), kind=name)
    for kernel in (Convolution(body, bias=True, activation=RELU, residual=True), ConvolutionInputGradient(body)):
        assert spills(kernel, name) == 0
    for kernel in (Convolution(one, plain_input=True), Convolution(stem, plain_input=True)):
        assert spills(kernel, name) == 0
    assert spills(ConvolutionInputGradient(stem), name) == 0


def test_depthwise_and_plain_groups_are_rejected() -> None:
    """They have kernels of their own, or none."""
    depthwise = shape_of(4, 5, 5, 4, (3, 3), groups=4)
    with pytest.raises(ValueError, match="a depthwise convolution has kernels of its own"):
        Convolution(depthwise)
    with pytest.raises(ValueError, match="a depthwise convolution has kernels of its own"):
        ConvolutionInputGradient(depthwise)
    with pytest.raises(ValueError, match="a convolution in groups reads images in blocks"):
        Convolution(shape_of(4, 5, 5, 6, (3, 3), groups=2), plain_input=True)


def test_odd_filter_blocks_use_an_even_number_of_image_parts() -> None:
    """Two threads share the cut in the middle equally, so a single image is even work for them."""
    shape = shape_of(96, 27, 29, 256, (5, 5), (1, 1), ((2, 2), (2, 2)))
    shape = replace(shape, lanes=16)
    assert transposed_layout(shape).floats > FAR_FLOATS
    assert ConvolutionInputGradient(shape).items(1) % 6 == 0
