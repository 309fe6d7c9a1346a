"""Layers that move elements against PyTorch."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import assume, given
from hypothesis import strategies as st

from convscope import layers as L
from engines.reference.oracle import case, like_torch
from engines.reference.settings_of import RANKS, SEEDS, SOME, fits, images

MODES = {"zeros": "constant", "reflect": "reflect", "replicate": "replicate", "circular": "circular"}


@SOME
@given(st.data(), RANKS, SEEDS, st.sampled_from(list(MODES)))
def test_pad_matches_pytorch(data, rank, seed, mode):
    """Uneven pads; with zeros (or another value) negative ones cut."""
    low = -2 if mode == "zeros" else 0
    shape = data.draw(images(rank))
    pads = data.draw(st.tuples(*[st.tuples(st.integers(low, 3), st.integers(low, 3))] * rank))
    value = 1.5 if mode == "zeros" else 0.0
    layer = L.Pad(pads, mode, value)
    assume(fits(layer, shape))
    flat = [end for pair in reversed(pads) for end in pair]
    more = {"value": value} if mode == "zeros" else {}
    like_torch(case(layer, (shape,), seed), lambda x: F.pad(x, flat, mode=MODES[mode], **more))


@SOME
@given(st.data(), SEEDS)
def test_padding_crops_one_side_and_replicates_the_other(data, seed):
    """PyTorch's border is computed first and cut after."""
    mode = data.draw(st.sampled_from(["reflect", "replicate", "circular"]))
    shape = data.draw(images(2))
    pads = data.draw(st.tuples(*[st.tuples(st.integers(-2, 2), st.integers(-2, 2))] * 2))
    layer = L.Pad(pads, mode)
    assume(fits(layer, shape))
    grown = [max(0, end) for pair in reversed(pads) for end in pair]
    cut = [min(0, end) for pair in reversed(pads) for end in pair]
    like_torch(case(layer, (shape,), seed), lambda x: F.pad(F.pad(x, grown, mode=MODES[mode]), cut))


@pytest.mark.parametrize("margins", [1, ((1, 2), (0, 3)), ((0, 0), (2, 0))])
def test_crop_removes_the_edges(margins):
    layer = L.Crop(margins)
    (top, bottom), (left, right) = layer.margins * 2 if len(layer.margins) == 1 else layer.margins
    like_torch(case(layer, ((3, 7, 8),)), lambda x: x[:, :, top : 7 - bottom, left : 8 - right])


@pytest.mark.parametrize(
    ("layer", "index"),
    [
        (L.Slice(0, 1), slice(1, None)),
        (L.Slice(1, 2, 6, 3), slice(2, 6, 3)),
        (L.Slice(2, 0, 7, 2), slice(0, 7, 2)),
    ],
)
def test_slice_takes_every_step(layer, index):
    like_torch(case(layer, ((3, 7, 8),)), lambda x: x[(slice(None),) * (layer.axis + 1) + (index,)])


def test_flatten_and_reshape_keep_the_order():
    like_torch(case(L.Flatten(), ((3, 4, 5),)), lambda x: x.flatten(1))
    like_torch(case(L.Reshape((5, -1, 2)), ((3, 4, 5),)), lambda x: x.reshape(2, 5, 6, 2))


@pytest.mark.parametrize("order", [(2, 0, 1), (1, 2, 0), (0, 2, 1)])
def test_permute_moves_the_axes(order):
    like_torch(case(L.Permute(order), ((3, 4, 5),)), lambda x: x.permute(0, *(axis + 1 for axis in order)))


@pytest.mark.parametrize("factor", [1, 2, 3])
def test_pixel_shuffle_is_pytorchs(factor):
    one = case(L.PixelShuffle(factor), ((4 * factor**2, 5, 7),))
    like_torch(one, lambda x: F.pixel_shuffle(x, factor))


@pytest.mark.parametrize("groups", [1, 2, 3, 6])
@pytest.mark.parametrize("shape", [(6, 5), (6, 5, 7)])
def test_channel_shuffle_matches_pytorch(shape, groups):
    """PyTorch's channel_shuffle has no gradient on some builds, so its definition is written out."""

    def function(x):
        return x.unflatten(1, (groups, -1)).transpose(1, 2).flatten(1, 2)

    one = case(L.ChannelShuffle(groups), (shape,))
    with torch.no_grad():
        x = torch.tensor(one.inputs[0].copy())
        assert torch.equal(function(x), F.channel_shuffle(x, groups))
    like_torch(one, function)
