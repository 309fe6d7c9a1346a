"""LSTM against PyTorch, in every combination of levels, directions, projection and biases."""

import itertools

import pytest
import torch

from convscope import layers as L
from engines.reference.oracle import case, finite_differences, like_torch

COMBINATIONS = list(itertools.product([1, 3], [False, True], [0, 4], ["two", "one", "none"]))


@pytest.mark.parametrize(("levels", "both_ways", "projected", "biases"), COMBINATIONS)
def test_lstm_matches_pytorch(levels, both_ways, projected, biases):
    """Gates in the order i, f, g, o; with one bias PyTorch's second is 0."""
    layer = L.LSTM(5, proj_size=projected, num_layers=levels, bidirectional=both_ways, biases=biases)

    def function(x, **parameters):
        module = torch.nn.LSTM(
            x.shape[2], 5, levels, biases != "none", batch_first=True, bidirectional=both_ways, proj_size=projected
        ).to(torch.float64)
        zeros = {name: torch.zeros_like(value) for name, value in module.named_parameters()}
        return torch.func.functional_call(module, zeros | parameters, (x,))[0]

    one = case(layer, ((6, 7),), batch=3)
    like_torch(one, function)
    finite_differences(one)
