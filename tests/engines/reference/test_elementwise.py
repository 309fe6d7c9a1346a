"""Functions of one number, reductions, indexing and arrays of the network, against PyTorch."""

import numpy as np
import pytest
import torch

from convscope import layers as L
from convscope.engines.reference.layers import Context, forward
from convscope.errors import BadSetting, BadShape
from convscope.layers.facts import facts
from engines.reference.oracle import case, like_torch

IMAGE = (4, 5, 7)


@pytest.mark.parametrize("name", ["abs", "ceil", "cos", "erf", "exp", "floor", "neg", "round", "sign", "sin"])
def test_functions_match_numpy_for_any_argument(name):
    like_torch(case(L.Function(name), (IMAGE,)), getattr(torch, name))


@pytest.mark.parametrize("name", ["log", "reciprocal", "rsqrt", "sqrt"])
def test_functions_match_numpy_for_positive_arguments(name):
    one = case(L.Function(name), (IMAGE,))
    like_torch(one._replace(inputs=(np.abs(one.inputs[0]) + 0.25,)), getattr(torch, name))


@pytest.mark.parametrize("exponent", [2.0, 3.0, 0.5, -1.5])
def test_powers(exponent):
    one = case(L.Power(exponent), (IMAGE,))
    like_torch(one._replace(inputs=(np.abs(one.inputs[0]) + 0.25,)), lambda x: x**exponent)


def test_affine_scales_then_shifts():
    like_torch(case(L.Affine(0.458, -0.03), (IMAGE,)), lambda x: x * 0.458 - 0.03)


@pytest.mark.parametrize(("low", "high"), [(-0.5, 0.75), (None, 0.5), (-0.25, None)])
def test_clamp_passes_the_gradient_inside_its_bounds(low, high):
    like_torch(case(L.Clamp(low, high), (IMAGE,)), lambda x: x.clamp(low, high))


@pytest.mark.parametrize(("low", "high"), [(1.0, -1.0), (None, None)])
def test_clamp_needs_bounds_in_order(low, high):
    with pytest.raises(BadSetting) as error:
        L.Clamp(low, high)
    assert str(error.value) == (
        f"Clamp.low must be at most high, and one of the two must be set (got low={low}, high={high}). "
        "Use low=0 for what ReLU does. [clamp-bounds]"
    )


@pytest.mark.parametrize("axes", [(1, 2), (0,), (-1,), (0, 2)])
@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("mode", ["mean", "sum", "max", "min"])
def test_reductions(mode, axes, keepdims):
    function = {"mean": torch.mean, "sum": torch.sum, "max": torch.amax, "min": torch.amin}[mode]
    dims = [axis if axis < 0 else axis + 1 for axis in axes]
    like_torch(case(L.Reduce(mode, axes, keepdims), (IMAGE,)), lambda x: function(x, dims, keepdim=keepdims))


def test_equal_maxima_share_the_gradient_of_a_reduction():
    one = case(L.Reduce("max", (1, 2)), (IMAGE,))
    rounded = np.round(one.inputs[0])
    like_torch(one._replace(inputs=(rounded,)), lambda x: x.amax((2, 3)))


def test_reduction_keeps_an_axis():
    with pytest.raises(BadShape) as error:
        facts(L.Reduce("sum", (0, 1, 2)), (IMAGE,))
    assert str(error.value) == (
        "Reduce.axes must leave an axis without keepdims (got axes=(0, 1, 2) for input 4×5×7). "
        "Use keepdims=True and a reshape. [reduce-all]"
    )


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_index_select_picks_by_its_buffer_and_sums_the_gradients_of_repeated_indices(axis):
    one = case(L.IndexSelect(axis, 9), (IMAGE,))
    index = torch.tensor(one.buffers["index"].astype(int))
    assert len(set(index.tolist())) < 9
    like_torch(one, lambda x: x.index_select(axis + 1, index))


def test_index_out_of_range_is_rejected():
    with pytest.raises(BadShape) as error:
        forward(L.IndexSelect(0, 1), (np.zeros((2, 4, 3)),), {}, Context(buffers={"index": np.array([4.0])}))
    assert str(error.value) == (
        "IndexSelect.index must be integers from 0 to 3 (got 4.0). "
        "Set the buffer to the indices to select. [select-index]"
    )


def test_roll_shifts_round_the_ends():
    like_torch(case(L.Roll((2, -9), (2, 0)), (IMAGE,)), lambda x: x.roll((2, -9), (3, 1)))


def test_expand_repeats_axes_of_one():
    like_torch(case(L.Expand((3, 4, 6, 7)), ((4, 1, 7),)), lambda x: x[:, None].expand(-1, 3, 4, 6, 7))


@pytest.mark.parametrize("shape", [(4, 5, 7), (4, 1, 1), (7,)])
def test_subtract_and_divide_broadcast(shape):
    def aligned(x):
        return x.reshape(x.shape[0], *(1,) * (4 - x.dim()), *x.shape[1:])

    like_torch(case(L.Subtract(), (IMAGE, shape)), lambda x, y: x - aligned(y))
    like_torch(case(L.Divide(), (IMAGE, shape)), lambda x, y: x / aligned(y), float32=False)


def test_maximum_and_minimum_broadcast_and_equal_inputs_share():
    one = case(L.Maximum(), (IMAGE, (4, 1, 7)))
    rounded = one._replace(inputs=tuple(np.round(x) for x in one.inputs))
    like_torch(rounded, torch.maximum)
    like_torch(rounded._replace(layer=L.Minimum()), torch.minimum)


def test_an_array_of_the_network_sums_its_gradient_over_the_images():
    like_torch(case(L.Parameter((3, 5)), (IMAGE,)), lambda x, weight: weight.expand(2, 3, 5) + 0 * x.sum())
