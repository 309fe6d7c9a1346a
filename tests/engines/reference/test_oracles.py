"""Each oracle catches a planted defect; an oracle that cannot fail proves nothing."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from convscope import layers as L
from convscope.engines.reference.im2col import convolution as matrix_convolution
from convscope.engines.reference.im2col import pooling as matrix_pooling
from convscope.engines.reference.layers import borders, sliding
from convscope.engines.reference.loops import convolution as loop_convolution
from convscope.engines.reference.loops import pooling as loop_pooling
from convscope.layers.facts import facts
from engines.reference.oracle import (
    adjoint,
    algorithms_agree,
    as_type,
    case,
    close,
    finite_differences,
    like_torch,
    run_case,
)

LAYER = L.Conv2d(4, (3, 2), stride=(2, 1), padding=1, padding_mode="reflect")
CONV = case(LAYER, ((3, 7, 8),))


def torch_conv(x, weight, bias):
    return F.conv2d(F.pad(x, (1, 1, 1, 1), mode="reflect"), weight, bias, (2, 1))


@pytest.fixture
def lost_border(monkeypatch):
    """The gradient of a reflected border is dropped instead of added to where it came from."""
    fold = borders.fold
    monkeypatch.setattr(borders, "fold", lambda grad, pairs, mode="zeros": fold(grad, pairs))


@pytest.fixture
def biased_by_rounding(monkeypatch):
    """Values are off by one part in ten million."""
    correlate = matrix_convolution.correlate
    monkeypatch.setattr(matrix_convolution, "correlate", lambda *args: correlate(*args) * (1 + 1e-7))


def test_oracle_passes_without_a_defect():
    like_torch(CONV, torch_conv)
    finite_differences(CONV)
    adjoint(CONV)
    algorithms_agree(CONV)


def test_pytorch_catches_a_wrong_gradient(lost_border):
    with pytest.raises(AssertionError, match="gradient of input 0"):
        like_torch(CONV, torch_conv)


def test_finite_differences_catch_a_wrong_gradient(lost_border):
    with pytest.raises(AssertionError, match="gradients say"):
        finite_differences(CONV)


def test_the_adjoint_identity_catches_a_wrong_gradient(lost_border):
    with pytest.raises(AssertionError, match="is not"):
        adjoint(CONV)


def test_pytorch_catches_a_value_off_by_one_part_in_ten_million(biased_by_rounding):
    with pytest.raises(AssertionError, match="output"):
        like_torch(CONV, torch_conv)


def test_loops_and_matrix_algorithm_detect_each_others_defects(biased_by_rounding):
    with pytest.raises(AssertionError, match="output"):
        algorithms_agree(CONV)


@pytest.mark.parametrize(
    ("part", "what"), [("correlate", "output"), ("spread", "gradient of the input"), ("kernel_gradient", "weight")]
)
def test_defects_of_loops_are_caught_by_im2col(monkeypatch, part, what):
    right = getattr(loop_convolution, part)
    monkeypatch.setattr(loop_convolution, part, lambda *args: right(*args) + 1e-9)
    with pytest.raises(AssertionError, match=what):
        algorithms_agree(CONV)


def test_missing_window_is_caught_by_the_shape_rule(monkeypatch):
    starts = sliding.starts
    monkeypatch.setattr(sliding, "starts", lambda n, window: starts(n, window)[:-1])
    assert run_case(CONV).output.shape[1:] != facts(LAYER, ((3, 7, 8),)).output_shape


def test_swapped_axes_are_caught_because_every_dimension_differs(monkeypatch):
    gather = matrix_convolution.gather

    def swapped(padded, windows, counts):
        columns = gather(padded, windows, counts)
        return columns.reshape(-1, len(padded), *counts).swapaxes(2, 3).reshape(columns.shape)

    monkeypatch.setattr(matrix_convolution, "gather", swapped)
    with pytest.raises(AssertionError, match="output"):
        like_torch(CONV, torch_conv)


def test_tie_broken_by_the_last_is_caught(monkeypatch):
    """Ties have one winner: PyTorch's is the first."""
    one = case(L.MaxPool2d(2), ((3, 4, 6),))
    tied = one._replace(inputs=(np.round(one.inputs[0]),))

    def by_torch(x):
        return F.max_pool2d(x, 2)

    like_torch(tied, by_torch)
    for module, algorithm in ((matrix_pooling, "matrix"), (loop_pooling, "loops")):
        right = module.largest

        def last(x, cells, right=right):
            values, winners = right(x[..., ::-1, ::-1], cells)
            return values[..., ::-1, ::-1], 3 - winners[..., ::-1, ::-1]

        monkeypatch.setattr(module, "largest", last)
        with pytest.raises(AssertionError, match="gradient of input 0"):
            like_torch(tied, by_torch, algorithm=algorithm)


def test_writing_into_a_callers_array_is_caught():
    one = case(L.ReLU(), ((3, 4),))
    with pytest.raises(ValueError, match="read-only"):
        np.maximum(one.inputs[0], 0, out=one.inputs[0])


def test_wrong_dtype_is_caught(monkeypatch):
    correlate = matrix_convolution.correlate
    monkeypatch.setattr(
        matrix_convolution, "correlate", lambda padded, *args: correlate(padded.astype(np.float64), *args)
    )
    with pytest.raises(AssertionError, match="output is float64"):
        like_torch(CONV, torch_conv)
    assert run_case(as_type(CONV, np.float32)).output.dtype == np.float64


def test_unexpected_nan_is_detected():
    with pytest.raises(AssertionError, match="nan location"):
        close(np.array([np.nan, 1.0]), torch.tensor([0.0, 1.0]).numpy(), 1e-9, "output")
