"""Pooling against PyTorch, by both algorithms: values, winners, ties, NaN, and the kinds PyTorch lacks."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import assume, given
from hypothesis import strategies as st

from convscope import layers as L
from convscope.engines.reference.im2col import pooling as matrix_pooling
from convscope.engines.reference.layers import Context, backward, forward
from convscope.engines.reference.loops import pooling as loop_pooling
from engines.reference.oracle import (
    algorithms_agree,
    case,
    exact,
    finite_differences,
    frozen,
    like_torch,
    run_case,
)
from engines.reference.settings_of import RANKS, SEEDS, SOME, axes, fits, images

MAX = (F.max_pool1d, F.max_pool2d, F.max_pool3d)
AVG = (F.avg_pool1d, F.avg_pool2d, F.avg_pool3d)
ADAPTIVE_MAX = (F.adaptive_max_pool1d, F.adaptive_max_pool2d, F.adaptive_max_pool3d)
ADAPTIVE_AVG = (F.adaptive_avg_pool1d, F.adaptive_avg_pool2d, F.adaptive_avg_pool3d)
ALGORITHMS = pytest.mark.parametrize("algorithm", ["loops", "matrix"])

C4 = [[1, 3, 2, 4], [3, 5, 4, 6], [2, 5, 6, 7], [4, 7, 6, 8]]


def draw_window(data, rank, kinds, **more):
    shape = data.draw(images(rank))
    kernel = data.draw(axes(rank, 1, 4))
    layer = kinds[rank - 1](
        kernel,
        data.draw(axes(rank, 1, 3)),
        padding=tuple(data.draw(st.integers(0, k // 2)) for k in kernel),
        ceil_mode=data.draw(st.booleans()),
        **more,
    )
    assume(fits(layer, shape))
    return layer, shape, [before for before, _ in layer.padding]


def spoilt(one, seed):
    """Put ties, NaN and infinities among the numbers."""
    rng = np.random.default_rng(seed)
    x = np.round(one.inputs[0])
    for share, value in ((0.05, np.nan), (0.1, -np.inf), (0.02, np.inf)):
        x[rng.random(x.shape) < share] = value
    return one._replace(inputs=(frozen(x),))


@SOME
@given(st.data(), RANKS, SEEDS, st.booleans(), st.sampled_from(["matrix", "loops"]))
def test_max_pooling_matches_pytorch(data, rank, seed, spoil, algorithm):
    """Also with ties, NaN and infinities: the same winner gets the gradient."""
    layer, shape, pads = draw_window(data, rank, (L.MaxPool1d, L.MaxPool2d, L.MaxPool3d), dilation=1)
    one = case(layer, (shape,), seed)
    like_torch(
        spoilt(one, seed) if spoil else one,
        lambda x: MAX[rank - 1](x, layer.kernel_size, layer.stride, pads, 1, layer.ceil_mode),
        algorithm=algorithm,
    )


@SOME
@given(st.data(), RANKS, SEEDS)
def test_dilated_max_pooling_matches_pytorch(data, rank, seed):
    shape = data.draw(images(rank))
    layer = (L.MaxPool1d, L.MaxPool2d, L.MaxPool3d)[rank - 1](
        data.draw(axes(rank, 1, 3)), data.draw(axes(rank, 1, 3)), dilation=data.draw(axes(rank, 1, 3))
    )
    assume(fits(layer, shape))
    one = case(layer, (shape,), seed)
    like_torch(one, lambda x: MAX[rank - 1](x, layer.kernel_size, layer.stride, 0, layer.dilation))
    algorithms_agree(one)


@SOME
@given(st.data(), RANKS, SEEDS, st.sampled_from(["matrix", "loops"]))
def test_min_pooling_is_max_pooling_of_the_negated(data, rank, seed, algorithm):
    layer, shape, pads = draw_window(data, rank, (L.MinPool1d, L.MinPool2d, L.MinPool3d))
    like_torch(
        case(layer, (shape,), seed),
        lambda x: -MAX[rank - 1](-x, layer.kernel_size, layer.stride, pads, 1, layer.ceil_mode),
        algorithm=algorithm,
    )


@SOME
@given(st.data(), RANKS, SEEDS, st.booleans(), st.sampled_from(["matrix", "loops"]))
def test_average_pooling_divides_as_pytorch_does(data, rank, seed, padded, algorithm):
    """count_include_pad counts the padding, and never what ceil_mode adds after it."""
    kinds = (L.AvgPool1d, L.AvgPool2d, L.AvgPool3d)
    layer, shape, pads = draw_window(data, rank, kinds, count_include_pad=padded)
    # Over three axes PyTorch refuses a kernel larger than the image, whatever the padding.
    assume(rank < 3 or all(k <= n for k, n in zip(layer.kernel_size, shape[1:], strict=True)))
    like_torch(
        case(layer, (shape,), seed),
        lambda x: AVG[rank - 1](x, layer.kernel_size, layer.stride, pads, layer.ceil_mode, padded),
        algorithm=algorithm,
    )


@SOME
@given(st.data(), RANKS, SEEDS, st.sampled_from([1.0, 2.0, 3.0, 2.5]), st.sampled_from(["matrix", "loops"]))
def test_lp_pooling_is_the_norm_of_each_window(data, rank, seed, p, algorithm):
    """The norm by PyTorch's vector_norm over its own windows; |x| is taken also for odd p."""
    shape = data.draw(images(rank))
    kernel, stride = data.draw(axes(rank, 1, 3)), data.draw(axes(rank, 1, 3))
    layer = (L.LPPool1d, L.LPPool2d, L.LPPool3d)[rank - 1](kernel, stride, norm_type=p)
    assume(fits(layer, shape))

    def function(x):
        for axis, (k, s) in enumerate(zip(kernel, stride, strict=True), start=2):
            x = x.unfold(axis, k, s)
        return torch.linalg.vector_norm(x.flatten(2 + rank), p, dim=-1)

    like_torch(case(layer, (shape,), seed), function, algorithm=algorithm)


@SOME
@given(st.data(), RANKS, SEEDS, st.booleans(), st.booleans(), st.sampled_from(["matrix", "loops"]))
def test_adaptive_pooling_matches_pytorch(data, rank, seed, largest, spoil, algorithm):
    """Bins of uneven size, also more bins than pixels, with ties, NaN and infinities."""
    shape, sizes = data.draw(images(rank)), data.draw(axes(rank, 1, 12))
    maxima = (L.AdaptiveMaxPool1d, L.AdaptiveMaxPool2d, L.AdaptiveMaxPool3d)
    means = (L.AdaptiveAvgPool1d, L.AdaptiveAvgPool2d, L.AdaptiveAvgPool3d)
    layer = (maxima if largest else means)[rank - 1](sizes)
    one = case(layer, (shape,), seed)
    functions = ADAPTIVE_MAX if largest else ADAPTIVE_AVG
    like_torch(
        spoilt(one, seed) if spoil and largest else one,
        lambda x: functions[rank - 1](x, sizes),
        algorithm=algorithm,
    )


@ALGORITHMS
@pytest.mark.parametrize("rank", [1, 2, 3])
def test_global_pooling_is_one_bin(rank, algorithm):
    shape = (5, 7, 6, 4)[: rank + 1]
    mean, largest = (
        (L.GlobalAvgPool1d, L.GlobalAvgPool2d, L.GlobalAvgPool3d)[rank - 1](),
        (L.GlobalMaxPool1d, L.GlobalMaxPool2d, L.GlobalMaxPool3d)[rank - 1](),
    )
    like_torch(case(mean, (shape,)), lambda x: ADAPTIVE_AVG[rank - 1](x, 1), algorithm=algorithm)
    one = case(largest, (shape,))
    for given_one in (one, spoilt(one, 3)):
        like_torch(given_one, lambda x: ADAPTIVE_MAX[rank - 1](x, 1), algorithm=algorithm)


@ALGORITHMS
@pytest.mark.parametrize("shape", [(5, 7, 9), (5, 3, 13)])
def test_spatial_pyramid_joins_grids_of_any_image(shape, algorithm):
    """4×4, 2×2 and 1×1 bins per channel: 21 numbers, whatever the image's size."""
    layer = L.SpatialPyramidPool((4, 2, 1))

    def function(x):
        return torch.cat([F.adaptive_max_pool2d(x, level).flatten(1) for level in (4, 2, 1)], dim=1)

    one = case(layer, (shape,))
    assert run_case(one).output.shape == (2, 5 * 21)
    like_torch(one, function, algorithm=algorithm)


@ALGORITHMS
def test_pooling_of_the_textbook_image(algorithm):
    """4×4 under 2×2 windows: [[5, 6], [7, 8]] at stride 2; the first row is 5, 5, 6 at stride 1."""
    x = np.array(C4, float)[None, None]
    context = Context(algorithm=algorithm)
    np.testing.assert_array_equal(forward(L.MaxPool2d(2), (x,), {}, context)[0, 0], [[5, 6], [7, 8]])
    np.testing.assert_array_equal(
        forward(L.MaxPool2d(2, 1), (x,), {}, Context(algorithm=algorithm))[0, 0, 0], [5, 5, 6]
    )
    grads = backward(L.MaxPool2d(2), np.array([[[[10.0, 20.0], [30.0, 40.0]]]]), (x,), {}, context)
    np.testing.assert_array_equal(
        grads.inputs[0][0, 0], [[0, 0, 0, 0], [0, 10, 0, 20], [0, 0, 0, 0], [0, 30, 0, 40]]
    )


@ALGORITHMS
@pytest.mark.parametrize(
    "layer", [L.MaxPool2d(2), L.MinPool2d(2), L.AdaptiveMaxPool2d((1, 2)), L.GlobalMaxPool2d()]
)
def test_first_of_equal_elements_wins(layer, algorithm):
    """The whole gradient goes to the winner, none to its equals."""
    x = np.array([[[[1.0, 3.0, 3.0, 3.0], [3.0, 1.0, 3.0, 3.0]]]])
    context = Context(algorithm=algorithm)
    output = forward(layer, (x,), {}, context)
    grad = backward(layer, np.ones_like(output), (x,), {}, context).inputs[0][0, 0]
    expected = {
        L.MaxPool2d: [[0, 1, 1, 0], [0, 0, 0, 0]],
        L.AdaptiveMaxPool2d: [[0, 1, 1, 0], [0, 0, 0, 0]],
        L.MinPool2d: [[1, 0, 1, 0], [0, 0, 0, 0]],
        L.GlobalMaxPool2d: [[0, 1, 0, 0], [0, 0, 0, 0]],
    }
    np.testing.assert_array_equal(grad, expected[type(layer)])


@ALGORITHMS
def test_padding_never_wins(algorithm):
    """An image of negative numbers keeps them under max pooling, one of positive numbers under min pooling."""
    x = -1 - np.abs(exact(np.random.default_rng(2), (1, 2, 5, 6)))
    assert forward(L.MaxPool2d(3, 2, padding=1), (x,), {}, Context(algorithm=algorithm)).max() < -1
    assert forward(L.MinPool2d(3, 2, padding=1), (-x,), {}, Context(algorithm=algorithm)).min() > 1


def stochastic(training, algorithm="matrix", seed=7):
    return Context(training, algorithm, np.random.default_rng(seed))


@ALGORITHMS
def test_stochastic_pooling_at_inference_is_the_mean_weighted_by_the_elements(algorithm):
    """Σa² / Σa over the positive elements; a window without one gives 0."""
    x = np.array([[[[1.0, 3.0, -1.0, 0.0], [-5.0, 0.0, -2.0, -3.0]]]])
    output = forward(L.StochasticPool2d(2), (x,), {}, stochastic(False, algorithm))
    np.testing.assert_allclose(output, [[[[(1 + 9) / 4, 0.0]]]])


@ALGORITHMS
def test_stochastic_pooling_in_training_draws_in_proportion(algorithm):
    """1 and 3 are drawn a quarter and three quarters of the time; nothing else ever is."""
    many = 4000 if algorithm == "matrix" else 400
    x = np.tile(np.array([[1.0, 3.0], [-5.0, 0.0]]), (1, 1, many, 1))
    output = forward(L.StochasticPool2d(2), (x,), {}, stochastic(True, algorithm))
    share = float((output == 3.0).mean())
    assert set(np.unique(output)) == {1.0, 3.0}
    assert abs(share - 0.75) < 4 * np.sqrt(0.75 * 0.25 / many)


def test_stochastic_pooling_draws_the_same_from_the_same_seed():
    one = case(L.StochasticPool2d((2, 3), (2, 1), padding=(1, 0)), ((3, 6, 8),))
    draws = [forward(one.layer, one.inputs, {}, stochastic(True, seed=seed)) for seed in (1, 1, 2)]
    np.testing.assert_array_equal(draws[0], draws[1])
    assert not np.array_equal(draws[0], draws[2])
    algorithms_agree(one, training=True)
    finite_differences(one, training=True)


@SOME
@given(st.data(), RANKS, SEEDS, st.booleans())
def test_loops_and_strided_views_match(data, rank, seed, training):
    kinds = data.draw(
        st.sampled_from(
            [
                (L.MaxPool1d, L.MaxPool2d, L.MaxPool3d),
                (L.AvgPool1d, L.AvgPool2d, L.AvgPool3d),
                (L.LPPool1d, L.LPPool2d, L.LPPool3d),
                (L.StochasticPool1d, L.StochasticPool2d, L.StochasticPool3d),
            ]
        )
    )
    layer, shape, _ = draw_window(data, rank, kinds)
    algorithms_agree(case(layer, (shape,), seed), training)


@ALGORITHMS
@pytest.mark.parametrize("p", [1.0, 2.0, 3.5])
def test_window_of_zeros_has_norm_and_gradient_zero(p, algorithm):
    """The slope of the norm has no limit there; 0 is the one that keeps training going."""
    x = np.zeros((1, 1, 2, 4))
    x[0, 0, 1, 3] = -2.0
    layer, context = L.LPPool2d(2, norm_type=p), Context(algorithm=algorithm)
    np.testing.assert_allclose(forward(layer, (x,), {}, context), [[[[0, 2]]]])
    grad = backward(layer, np.ones((1, 1, 1, 2)), (x,), {}, context).inputs[0]
    np.testing.assert_allclose(grad[0, 0], [[0, 0, 0, 0], [0, 0, 0, -1]])


@pytest.mark.parametrize("pooling", [loop_pooling, matrix_pooling], ids=["loops", "matrix"])
@pytest.mark.parametrize(
    ("share", "value", "winner"), [(0.0, 1.0, 1), (0.24, 1.0, 1), (0.26, 3.0, 2), (0.999, 3.0, 2)]
)
def test_stochastic_pooling_draws_by_cumulative_share(pooling, share, value, winner):
    """Weights 0, 1, 3, 0: shares below a quarter draw 1, the others 3; a weight of 0 is never drawn."""
    weights = np.array([[[0.0, 1.0, 3.0, 0.0]]])
    drawn = pooling.draw(weights, np.full((1, 1, 1), share), L.StochasticPool1d(4).windows((1, 4)))
    assert [array.item() for array in drawn] == [value, winner]
