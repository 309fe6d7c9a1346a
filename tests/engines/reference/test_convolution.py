"""Convolution and transposed convolution against PyTorch, by both algorithms, and the textbook's own examples."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import assume, given
from hypothesis import strategies as st

from convscope import layers as L
from convscope.engines.reference.layers import Context, backward, forward
from convscope.layers.facts import facts
from engines.reference.oracle import (
    adjoint,
    algorithms_agree,
    case,
    finite_differences,
    like_torch,
    run_case,
)
from engines.reference.settings_of import RANKS, SEEDS, SOME, axes, fits, images

CONV = (F.conv1d, F.conv2d, F.conv3d)
TRANSPOSED = (F.conv_transpose1d, F.conv_transpose2d, F.conv_transpose3d)
MODE = {"zeros": "constant"}


@st.composite
def convolutions(draw, rank, padding_modes=("zeros", "reflect", "replicate", "circular")):
    shape = draw(images(rank))
    layer = (L.Conv1d, L.Conv2d, L.Conv3d)[rank - 1](
        draw(st.sampled_from([4, 6, 10])),
        draw(axes(rank, 1, 4)),
        stride=draw(axes(rank, 1, 3)),
        padding=draw(st.just("same") | st.tuples(*[st.tuples(st.integers(0, 3), st.integers(0, 3))] * rank)),
        dilation=draw(axes(rank, 1, 2)),
        groups=draw(st.sampled_from([1, 2])),
        bias=draw(st.booleans()),
        padding_mode=draw(st.sampled_from(padding_modes)),
    )
    assume(fits(layer, shape))
    return layer, shape


@st.composite
def transposed(draw, rank):
    shape = draw(images(rank))
    layer = (L.ConvTranspose1d, L.ConvTranspose2d, L.ConvTranspose3d)[rank - 1](
        draw(st.sampled_from([4, 6, 10])),
        draw(axes(rank, 1, 4)),
        stride=draw(axes(rank, 1, 3)),
        padding=draw(axes(rank, 0, 2)),
        dilation=draw(axes(rank, 1, 2)),
        output_padding=draw(axes(rank, 0, 2)),
        groups=draw(st.sampled_from([1, 2])),
        bias=draw(st.booleans()),
    )
    assume(fits(layer, shape))
    return layer, shape


def pads_of(layer, shape):
    """Return explicit pads; SAME by TensorFlow's own formula."""
    if layer.padding != "same":
        return layer.padding
    totals = []
    settings = zip(shape[1:], layer.kernel_size, layer.stride, layer.dilation, strict=True)
    for n, k, s, d in settings:
        rest = n % s or s
        totals.append(max((k - 1) * d + 1 - rest, 0))
    return [(total // 2, total - total // 2) for total in totals]


def torch_conv(layer, shape):
    flat = [end for pair in reversed(pads_of(layer, shape)) for end in pair]

    def function(x, weight, bias=None):
        mode = MODE.get(layer.padding_mode, layer.padding_mode)
        padded = F.pad(x, flat, mode=mode)
        return CONV[layer.rank - 1](padded, weight, bias, layer.stride, 0, layer.dilation, layer.groups)

    return function


@SOME
@given(st.data(), RANKS, SEEDS)
def test_convolution_matches_pytorch(data, rank, seed):
    """Any stride, uneven padding, SAME, dilation, groups and border, over 1 to 3 axes."""
    layer, shape = data.draw(convolutions(rank))
    like_torch(case(layer, (shape,), seed), torch_conv(layer, shape))


@SOME
@given(st.data(), RANKS, SEEDS)
def test_transposed_convolution_is_pytorchs(data, rank, seed):
    """Any stride, padding, output padding, dilation and groups, over 1 to 3 axes."""
    layer, shape = data.draw(transposed(rank))
    pads = [before for before, _ in layer.padding]

    def function(x, weight, bias=None):
        return TRANSPOSED[rank - 1](
            x, weight, bias, layer.stride, pads, layer.output_padding, layer.groups, layer.dilation
        )

    like_torch(case(layer, (shape,), seed), function)


@pytest.mark.parametrize(
    "layer",
    [
        L.ConvTranspose2d(6, (3, 2), stride=(2, 3), padding=((1, 0), (0, 1)), groups=2),
        L.ConvTranspose2d(6, (3, 2), stride=(2, 3), padding="same"),
        L.ConvTranspose2d(6, (5, 4), stride=(2, 1), padding="same", dilation=(1, 2)),
    ],
)
def test_uneven_crops_of_a_transposed_convolution_are_cut_from_the_full_one(layer):
    """PyTorch crops evenly only, so its uncropped output is cut here."""
    shape = (4, 5, 7)
    known = facts(layer, (shape,)).output_shape
    crops = layer.padding
    if crops == "same":
        surplus = [
            d * (k - 1) + 1 - s for k, s, d in zip(layer.kernel_size, layer.stride, layer.dilation, strict=True)
        ]
        crops = [(max(s, 0) // 2, max(s, 0) - max(s, 0) // 2) for s in surplus]

    def function(x, weight, bias):
        full = F.conv_transpose2d(x, weight, bias, layer.stride, 0, 0, layer.groups, layer.dilation)
        padded = F.pad(full - bias[:, None, None], (0, 9, 0, 9)) + bias[:, None, None]
        (top, _), (left, _) = crops
        return padded[:, :, top : top + known[1], left : left + known[2]]

    like_torch(case(layer, (shape,)), function)


def small(layer, shape):
    return facts(layer, (shape,)).operations.macs < 20_000


@SOME
@given(st.data(), RANKS, SEEDS)
def test_loops_and_matrix_form_match(data, rank, seed):
    """Values, and gradients of input, weight and bias."""
    layer, shape = data.draw(convolutions(rank) | transposed(rank))
    assume(small(layer, shape))
    algorithms_agree(case(layer, (shape,), seed))


@SOME
@given(st.data(), RANKS, SEEDS)
def test_backward_is_the_adjoint_and_the_slope(data, rank, seed):
    layer, shape = data.draw(convolutions(rank) | transposed(rank))
    one = case(layer, (shape,), seed)
    adjoint(one)
    finite_differences(one)


@pytest.mark.parametrize("algorithm", ["loops", "matrix"])
def test_one_dimensional_example(algorithm):
    """x = 5 under w = 3 (and no neighbors) gives 15; y = 3 comes from x = (5), w = (3), bias −12."""
    layer = L.Conv1d(1, 1)
    x, weight, bias = np.array([[[5.0]]]), np.array([[[3.0]]]), np.array([-12.0])
    context = Context(algorithm=algorithm)
    assert forward(layer, (x,), {"weight": weight, "bias": bias}, context).item() == 3.0
    grads = backward(layer, np.array([[[1.0]]]), (x,), {"weight": weight, "bias": bias}, context)
    assert grads.inputs[0].item() == 3.0
    assert grads.parameters["weight"].item() == 5.0
    assert grads.parameters["bias"].item() == 1.0


@pytest.mark.parametrize("algorithm", ["loops", "matrix"])
def test_backward_is_a_full_convolution_with_the_flipped_kernel(algorithm):
    """A 3×3 image under a 2×2 kernel: the input's gradient by hand from the flipped kernel."""
    layer = L.Conv2d(1, 2, bias=False)
    x, weight = np.arange(1.0, 10).reshape(1, 1, 3, 3), np.array([[[[1.0, 2.0], [3.0, 4.0]]]])
    context = Context(algorithm=algorithm)
    output = forward(layer, (x,), {"weight": weight}, context)
    np.testing.assert_array_equal(output[0, 0], [[37, 47], [67, 77]])
    grad = np.array([[[[1.0, -1.0], [2.0, 0.0]]]])
    grads = backward(layer, grad, (x,), {"weight": weight}, context)
    np.testing.assert_array_equal(grads.inputs[0][0, 0], [[1, 1, -2], [5, 5, -4], [6, 8, 0]])
    np.testing.assert_array_equal(
        grads.parameters["weight"][0, 0], [[1 - 2 + 8, 2 - 3 + 10], [4 - 5 + 14, 5 - 6 + 16]]
    )


@pytest.mark.parametrize("algorithm", ["loops", "matrix"])
def test_nan_and_infinity_stay_under_their_windows(algorithm):
    """A NaN and an infinity reach exactly the outputs PyTorch says."""
    x = np.array(case(L.Conv2d(3, 2, padding=1), ((2, 5, 6),)).inputs[0])
    x[0, 1, 2, 3], x[1, 0, 4, 5] = np.nan, -np.inf
    layer = L.Conv2d(3, 2, padding=1)
    one = case(layer, ((2, 5, 6),))._replace(inputs=(x,))
    weight, bias = (torch.tensor(np.array(one.parameters[name])) for name in ("weight", "bias"))
    expected = F.conv2d(torch.tensor(x), weight, bias, padding=1).numpy()
    np.testing.assert_allclose(run_case(one, algorithm=algorithm).output, expected, rtol=1e-12)
