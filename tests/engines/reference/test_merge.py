"""Layers that join branches against PyTorch."""

from functools import reduce

import pytest
import torch
import torch.nn.functional as F

from convscope import layers as L
from engines.reference.oracle import case, like_torch

SHAPES = [
    ((4, 5, 7), (4, 5, 7)),
    ((4, 5, 7), (4, 1, 1), (4, 5, 7)),
    ((4, 5, 7), (1, 5, 1)),
    ((1, 5, 7), (4, 1, 7)),
    ((4, 5, 7), (7,), (5, 1)),
]


def aligned(tensors):
    """Return tensors with axes of size 1 between the batch and the rest."""
    rank = max(t.dim() for t in tensors)
    return [t.reshape(t.shape[0], *(1,) * (rank - t.dim()), *t.shape[1:]) for t in tensors]


@pytest.mark.parametrize("shapes", SHAPES)
def test_add_is_a_sum_that_broadcasts(shapes):
    like_torch(case(L.Add(), shapes), lambda *xs: reduce(torch.add, aligned(xs)))


@pytest.mark.parametrize("shapes", SHAPES)
def test_multiply_is_a_product_that_broadcasts(shapes):
    like_torch(case(L.Multiply(), shapes), lambda *xs: reduce(torch.mul, aligned(xs)))


def test_the_gradient_of_a_product_survives_a_zero():
    one = case(L.Multiply(), ((4, 5), (4, 5), (4, 5)))
    zeros = one.inputs[0] * (one.inputs[0] > 0)
    like_torch(one._replace(inputs=(zeros, *one.inputs[1:])), lambda *xs: reduce(torch.mul, xs))


@pytest.mark.parametrize(
    ("axis", "shapes"), [(0, ((4, 5, 7), (3, 5, 7), (1, 5, 7))), (1, ((4, 5, 7), (4, 2, 7))), (0, ((4,), (7,)))]
)
def test_concat_joins_along_an_axis(axis, shapes):
    like_torch(case(L.Concat(axis), shapes), lambda *xs: torch.cat(xs, dim=axis + 1))


@pytest.mark.parametrize("lead", [(), (3,), (3, 6)])
def test_matmul_multiplies_the_last_two_axes(lead):
    like_torch(case(L.MatMul(), ((*lead, 4, 5), (*lead, 5, 7))), torch.matmul)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("shapes", [((5, 12),), ((5, 12), (7, 12), (7, 12))])
@pytest.mark.parametrize("heads", [1, 3])
def test_attention_matches_pytorch(heads, shapes, bias):
    """Of a sequence with itself, and of query, key and value of another length."""

    def function(*inputs, in_proj_weight, out_proj_weight, in_proj_bias=None, out_proj_bias=None):
        sequences = inputs if len(inputs) == 3 else inputs * 3
        query, key, value = (x.transpose(0, 1) for x in sequences)
        output, _ = F.multi_head_attention_forward(
            query, key, value, 12, heads, in_proj_weight, in_proj_bias, None, None, False, 0.0,
            out_proj_weight, out_proj_bias, need_weights=False,
        )  # fmt: skip
        return output.transpose(0, 1)

    like_torch(case(L.MultiheadAttention(heads, bias=bias), shapes), function)
