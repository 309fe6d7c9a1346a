"""Shapes, parameters and refusals equal PyTorch's, on random settings."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from convscope import layers as L
from convscope.errors import ConvscopeError
from convscope.layers.facts import facts

MANY = settings(max_examples=120)


def torch_shapes(make, shape):
    """Return output and parameter shapes of a module that was run, or None when PyTorch refuses."""
    try:
        module = make()
        out = module(torch.zeros(1, *shape))
    except (RuntimeError, ValueError, AssertionError, ZeroDivisionError):
        return None
    if out.numel() == 0:  # an empty image is a mistake here
        return None
    return tuple(out.shape[1:]), {name: tuple(p.shape) for name, p in module.named_parameters()}


def our_shapes(make, shape):
    try:
        known = facts(make(), (shape,))
    except ConvscopeError:
        return None
    return known.output_shape, known.param_shapes


def same(ours, theirs):
    assert (ours is None) == (theirs is None), (ours, theirs)
    assert ours == theirs


def axes(rank, low, high):
    return st.tuples(*[st.integers(low, high)] * rank)


@st.composite
def shapes(draw, rank, channels=st.sampled_from([4, 6])):
    sizes = draw(st.lists(st.integers(2, 13), min_size=rank, max_size=rank, unique=True))
    return (draw(channels), *sizes)


@MANY
@given(st.data(), st.integers(1, 3))
def test_convolution(data, rank):
    shape = data.draw(shapes(rank))
    kernel, stride, dilation = (data.draw(axes(rank, 1, most)) for most in (5, 3, 3))
    padding, groups, bias = (
        data.draw(axes(rank, 0, 3)),
        data.draw(st.sampled_from([1, 2, 3])),
        data.draw(st.booleans()),
    )
    ours = [L.Conv1d, L.Conv2d, L.Conv3d][rank - 1]
    theirs = [nn.Conv1d, nn.Conv2d, nn.Conv3d][rank - 1]
    same(
        our_shapes(lambda: ours(6, kernel, stride, padding, dilation, groups, bias), shape),
        torch_shapes(lambda: theirs(shape[0], 6, kernel, stride, padding, dilation, groups, bias), shape),
    )


@MANY
@given(st.data(), st.integers(1, 3))
def test_transposed_convolution(data, rank):
    shape = data.draw(shapes(rank))
    kernel, stride, dilation = (data.draw(axes(rank, 1, most)) for most in (4, 3, 2))
    padding, extra = data.draw(axes(rank, 0, 2)), data.draw(axes(rank, 0, 2))
    groups, bias = data.draw(st.sampled_from([1, 2])), data.draw(st.booleans())
    ours = [L.ConvTranspose1d, L.ConvTranspose2d, L.ConvTranspose3d][rank - 1]
    theirs = [nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d][rank - 1]
    make = {"stride": stride, "padding": padding, "output_padding": extra, "groups": groups, "bias": bias}
    same(
        our_shapes(lambda: ours(6, kernel, dilation=dilation, **make), shape),
        torch_shapes(lambda: theirs(shape[0], 6, kernel, dilation=dilation, **make), shape),
    )


@MANY
@given(st.data(), st.integers(1, 3), st.booleans())
def test_max_and_average_pooling(data, rank, ceil):
    shape = data.draw(shapes(rank))
    kernel, stride = data.draw(axes(rank, 1, 4)), data.draw(axes(rank, 1, 4))
    if rank == 3:  # PyTorch's 3-D average pooling refuses kernels larger than the unpadded input
        kernel = tuple(min(k, n) for k, n in zip(kernel, shape[1:], strict=True))
    padding, dilation = data.draw(axes(rank, 0, 2)), data.draw(axes(rank, 1, 2))
    # PyTorch bounds padding by half the undilated kernel in some versions; ours by half its reach.
    padding = tuple(min(p, k // 2) for p, k in zip(padding, kernel, strict=True))
    maximum = [nn.MaxPool1d, nn.MaxPool2d, nn.MaxPool3d][rank - 1]
    average = [nn.AvgPool1d, nn.AvgPool2d, nn.AvgPool3d][rank - 1]
    same(
        our_shapes(
            lambda: [L.MaxPool1d, L.MaxPool2d, L.MaxPool3d][rank - 1](kernel, stride, padding, dilation, ceil),
            shape,
        ),
        torch_shapes(lambda: maximum(kernel, stride, padding, dilation, ceil_mode=ceil), shape),
    )
    same(
        our_shapes(
            lambda: [L.AvgPool1d, L.AvgPool2d, L.AvgPool3d][rank - 1](kernel, stride, padding, ceil_mode=ceil),
            shape,
        ),
        torch_shapes(lambda: average(kernel, stride, padding, ceil_mode=ceil), shape),
    )


@MANY
@given(st.data())
def test_fold_like_layers(data):
    shape = data.draw(shapes(2, channels=st.sampled_from([8, 12, 18])))
    r = data.draw(st.integers(1, 3))
    same(our_shapes(lambda: L.PixelShuffle(r), shape), torch_shapes(lambda: nn.PixelShuffle(r), shape))
    size = data.draw(axes(2, 1, 9))
    same(
        our_shapes(lambda: L.AdaptiveAvgPool2d(size), shape),
        torch_shapes(lambda: nn.AdaptiveAvgPool2d(size), shape),
    )
    factor = data.draw(axes(2, 1, 3))
    same(
        our_shapes(lambda: L.Upsample(factor), shape),
        torch_shapes(lambda: nn.Upsample(scale_factor=factor), shape),
    )
    groups = data.draw(st.integers(1, 4))
    same(
        our_shapes(lambda: L.GroupNorm(groups), shape), torch_shapes(lambda: nn.GroupNorm(groups, shape[0]), shape)
    )


@pytest.mark.parametrize(
    ("ours", "theirs", "shape"),
    [
        (L.Linear(7), lambda: nn.Linear(24, 7), (24,)),
        (L.Linear(7, bias=False), lambda: nn.Linear(24, 7, bias=False), (5, 24)),
        (L.BatchNorm2d(), lambda: nn.BatchNorm2d(6), (6, 5, 7)),
        (L.InstanceNorm2d(affine=True), lambda: nn.InstanceNorm2d(6, affine=True), (6, 5, 7)),
        (L.LayerNorm(), lambda: nn.LayerNorm(24), (5, 24)),
        (L.PReLU(6), lambda: nn.PReLU(6), (6, 5, 7)),
        (L.LPPool2d((2, 3)), lambda: nn.LPPool2d(2, (2, 3)), (6, 5, 7)),
        (L.Flatten(), nn.Flatten, (6, 5, 7)),
    ],
)
def test_single_settings(ours, theirs, shape):
    same(our_shapes(lambda: ours, shape), torch_shapes(theirs, shape))


@pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN:UserWarning")
@settings(max_examples=60)
@given(st.integers(1, 9), st.integers(2, 12), st.integers(0, 3), st.integers(1, 3), st.booleans())
def test_lstm(features, hidden, projection, levels, both_ways):
    projection = min(projection, hidden - 1)
    theirs = nn.LSTM(features, hidden, levels, batch_first=True, bidirectional=both_ways, proj_size=projection)
    known = facts(L.LSTM(hidden, projection, levels, both_ways), ((7, features),))
    assert known.param_shapes == {name: tuple(p.shape) for name, p in theirs.named_parameters()}
    assert known.output_shape == tuple(theirs(torch.zeros(1, 7, features))[0].shape[1:])


def test_attention_has_pytorchs_parameters():
    theirs = nn.MultiheadAttention(24, 4, batch_first=True)
    known = facts(L.MultiheadAttention(4), ((5, 24),))
    assert known.param_shapes == {name: tuple(p.shape) for name, p in theirs.named_parameters()}


def test_embedding_has_pytorchs_parameters():
    theirs = nn.Embedding(31, 8)
    known = facts(L.Embedding(31, 8), ((5,),))
    assert known.param_shapes == {name: tuple(p.shape) for name, p in theirs.named_parameters()}
    assert known.output_shape == (5, 8)
