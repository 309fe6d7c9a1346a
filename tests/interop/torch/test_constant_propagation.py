"""Arrays that a module creates, fills and writes to."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

import convscope as cs
from convscope.errors import BadNetwork
from interop.torch.parity import same_values, unknown

SHAPE = (4, 5, 6)


class Filling(nn.Module):
    """Multiplies a convolution's output by an array filled with one of its values."""

    def __init__(self, fill) -> None:
        super().__init__()
        self.conv = nn.Conv2d(4, 7, 3)
        self.stride = torch.tensor([8.0, 16.0])
        self.fill = fill

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.conv(x)
        return y * self.fill(y, self.stride[1])


FILLS = {
    "full": lambda y, s: torch.full((1,), s),
    "full-keywords": lambda y, s: torch.full(fill_value=s, size=(1, 1)),
    "new_full": lambda y, s: y.new_full((1,), s),
    "new_full-keywords": lambda y, s: y.new_full(fill_value=s, size=(3, 1)),
    "new_full-number": lambda y, s: y.new_full((y.shape[0], 1, 3, 4), 16.0),
    "full_like": lambda y, s: torch.full_like(y[:, :1], s),
    "full_like-keywords": lambda y, s: torch.full_like(fill_value=s, input=y),
    "full_like-double": lambda y, s: torch.full_like(y, s, dtype=torch.float64).float(),
    "ones_like": lambda y, s: torch.ones_like(input=y) * s,
    "new_ones": lambda y, s: y.new_ones(7, 1, 1) * s,
    "zeros_like": lambda y, s: torch.zeros_like(y) + s,
    "new_zeros": lambda y, s: y.new_zeros((y.shape[0], 7, 3, 4), device=y.device) + s,
    "new_tensor": lambda y, s: y.new_tensor(s),
    "new_tensor-list": lambda y, s: y.new_tensor([16.0, 16.0, 16.0, 16.0]),
    "new_empty": lambda y, s: y.new_empty(7, 1, 1).fill_(s),
    "empty_like": lambda y, s: torch.empty_like(y).fill_(s),
    "fill_": lambda y, s: (y + 0).relu().fill_(s),
    "zero_": lambda y, s: (y + 0).relu().zero_() + s,
    "tensor": lambda y, s: torch.tensor([16.0]),
}


@pytest.mark.filterwarnings("ignore:To copy construct from a tensor")
@pytest.mark.parametrize("fill", FILLS.values(), ids=FILLS)
def test_fills_with_constant_tensor_are_constants(fill):
    module = Filling(fill).eval()
    model = same_values(module, SHAPE)
    assert cs.inspect(model.network).totals.params == 7 * 4 * 9 + 7
    with torch.device("meta"):
        bare = Filling(fill)
    totals = cs.inspect(cs.from_torch(bare, SHAPE)).totals
    assert totals.params == 7 * 4 * 9 + 7
    assert totals.status == "complete"


def test_fills_with_input_values_are_refused():
    module = Filling(lambda y, s: y.new_full((1,), y.mean()))
    with pytest.raises(BadNetwork, match=r"got new_full\(\) of a tensor in the module.*\[torch-control-flow\]$"):
        cs.from_torch(module, SHAPE)


def added(x):
    y = torch.zeros(x.shape[0], 4, 5, 6)
    y.add_(x)
    return y + 1


def put_out(x):
    y = torch.empty(x.shape[0], 4, 5, 6)
    torch.mul(x, 3, out=y)
    return y + 1


def put_out_over_a_value(x):
    y = x * 2
    torch.sigmoid(x, out=y)
    return y + x


def put_out_of_another_size(x):
    y = torch.empty(0)
    torch.add(x, x, out=y)
    return y.relu()


def put_out_of_two(x):
    largest, where = torch.empty(x.shape[0], 5, 6), torch.empty(x.shape[0], 5, 6, dtype=torch.long)
    torch.max(x, 1, out=(largest, where))
    return largest + 1


def assigned(x):
    y = torch.zeros(x.shape[0], 4, 5, 6)
    y[:, 1:3] = x[:, 1:3]
    y[:, 1:3] += x[:, :2]
    return y


def copied(x):
    return (x * 2).copy_(x[:, :1])


def data_set(x):
    y = x.relu()
    y.data = x * 3
    return y


def copy_of_itself(x):
    return torch.tensor(x) * 2 + x.new_tensor(x) + torch.as_tensor(x)


def written_where_all_share_memory(x):
    y = torch.zeros(x.shape[0], 4, 150, 160)
    y[:, :, :2] = 1
    return y[:, :, :5, :6] * x


def real_part(x):
    return x.real + x.mH.transpose(-2, -1)


@pytest.mark.filterwarnings("ignore:To copy construct from a tensor", "ignore:.*resiz.*")
@pytest.mark.parametrize(
    "forward",
    [
        *(added, put_out, put_out_over_a_value, put_out_of_another_size, put_out_of_two, assigned, copied),
        *(data_set, copy_of_itself, written_where_all_share_memory, real_part),
    ],
)
def test_arrays_have_their_written_values(forward):
    module = nn.Module()
    module.forward = forward
    module.eval()
    same_values(module, SHAPE)


def added_through_a_view(x):
    y = torch.zeros(x.shape[0], 4, 5, 6)
    y[:, 1:3].add_(x[:, 1:3])
    return y


def copied_through_a_view(x):
    y = torch.zeros(x.shape[0], 4, 5, 6)
    part = y[:, 1:3]
    part.copy_(x[:, 1:3])
    return y + x


def cleared_through_a_view(x):
    y = torch.zeros(x.shape[0], 4, 5, 6)
    y.add_(x)
    part = y[:, 1:3]
    part.zero_()
    return y


@pytest.mark.parametrize(
    ("forward", "operator"),
    [
        (added_through_a_view, "add_through_a_view"),
        (copied_through_a_view, "copy_through_a_view"),
        (cleared_through_a_view, "zero_through_a_view"),
    ],
)
def test_array_with_input_written_through_view_is_opaque(forward, operator):
    module = nn.Module()
    module.forward = forward
    assert unknown(cs.from_torch(module, SHAPE)) == [operator]


def test_buffer_written_by_forward_is_restored():
    module = nn.Module()
    module.register_buffer("last", torch.zeros(4, 5, 6))
    module.forward = lambda x: x + module.last.copy_(x[0] * 0 + 1)
    cs.from_torch(module, SHAPE)
    assert not module.last.any()


@pytest.mark.parametrize(
    "operator",
    [lambda x: torch.fft.fft(x).real, lambda x: torch.fft.fft(x).imag],
    ids=["real", "imag"],
)
def test_parts_of_complex_tensors_are_opaque(operator):
    module = nn.Module()
    module.forward = lambda x: operator(x) + 1
    network = cs.from_torch(module, SHAPE)
    assert unknown(network)[0] == "fft_fft"
    assert "input" in network[network.layers[0].name].inputs


def test_large_filled_arrays_take_no_memory():
    """4·10¹⁵ zeros for a batch of images, of which some are used; and 4·10¹² numbers at random, of which none is."""
    module = nn.Module()
    module.forward = lambda x: torch.zeros(x.shape[0], 4, 10**6, 10**6)[:, :, :5, :6] + x
    model = cs.from_torch(module, SHAPE, parameters=True)
    x = np.random.default_rng(3).normal(size=(2, *SHAPE)).astype(np.float32)
    np.testing.assert_array_equal(model.activations(x)[model.network.outputs[-1].name], x)
    module.forward = lambda x: torch.rand(2 * 10**6, 2 * 10**6)[:5, :6] + x
    assert cs.from_torch(module, SHAPE).outputs[0].output_shape == SHAPE


def test_large_computed_tables_have_no_values():
    """A table of 10⁶ by 10⁶ distances would take 4 TB."""
    module = nn.Module()
    module.forward = lambda x: (torch.arange(10**6)[:, None] - torch.arange(10**6)[None])[:5, :6] * 1.0 + x
    assert cs.from_torch(module, SHAPE).outputs[0].output_shape == SHAPE
