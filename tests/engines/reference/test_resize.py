"""Upsample against PyTorch's interpolate."""

import pytest
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from convscope import layers as L
from engines.reference.oracle import adjoint, case, finite_differences, like_torch
from engines.reference.settings_of import RANKS, SEEDS, SOME, axes, images

LINEAR = ("linear", "bilinear", "trilinear")


@SOME
@given(st.data(), RANKS, SEEDS, st.sampled_from(["nearest", "linear", "corners"]), st.booleans())
def test_resizing_is_pytorchs(data, rank, seed, mode, by_factor):
    """To larger and smaller sizes, or by whole factors; nearest, and linear with either rule for the corners."""
    shape = data.draw(images(rank))
    numbers = data.draw(axes(rank, 1, 4 if by_factor else 16))
    given_as = "scale_factor" if by_factor else "size"
    kind = "nearest" if mode == "nearest" else "linear"
    layer = L.Upsample(mode=kind, align_corners=mode == "corners", **{given_as: numbers})
    names = {"nearest": "nearest", "linear": LINEAR[rank - 1]}
    corners = None if mode == "nearest" else mode == "corners"

    def function(x):
        factors = tuple(map(float, numbers)) if by_factor else numbers
        return F.interpolate(x, mode=names[kind], align_corners=corners, **{given_as: factors})

    like_torch(case(layer, (shape,), seed), function)


@SOME
@given(st.data(), SEEDS, st.booleans(), st.booleans())
def test_cubic_resizing_matches_pytorch(data, seed, corners, by_factor):
    shape = data.draw(images(2))
    numbers = data.draw(axes(2, 1, 4 if by_factor else 16))
    given_as = "scale_factor" if by_factor else "size"
    layer = L.Upsample(mode="cubic", align_corners=corners, **{given_as: numbers})

    def function(x):
        factors = tuple(map(float, numbers)) if by_factor else numbers
        return F.interpolate(x, mode="bicubic", align_corners=corners, **{given_as: factors})

    like_torch(case(layer, (shape,), seed), function)


@pytest.mark.parametrize("shape", [(3, 7), (3, 4, 5, 6)])
@pytest.mark.parametrize("corners", [True, False])
def test_cubic_resizing_over_one_and_three_axes_has_correct_gradient(shape, corners):
    """PyTorch has no such mode."""
    one = case(L.Upsample(2, mode="cubic", align_corners=corners), (shape,))
    adjoint(one)
    finite_differences(one)
