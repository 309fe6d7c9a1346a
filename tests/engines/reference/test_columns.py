"""im2col and col2im: their shapes, their order, and that they are adjoint."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import assume, given
from hypothesis import strategies as st

from convscope.engines.reference.layers import col2im, im2col
from convscope.errors import BadShape
from engines.reference.settings_of import RANKS, SEEDS, SOME, axes, images


def test_alexnet_first_layer_is_one_matrix_product():
    """227×227×3 under 96 kernels of 11×11, stride 4: (96, 363) @ (363, 3025) is 96 maps of 55×55."""
    rng = np.random.default_rng(1)
    image = rng.normal(size=(1, 3, 227, 227))
    kernels = rng.normal(size=(96, 3, 11, 11))
    columns = im2col(image, 11, stride=4)
    rows = kernels.reshape(96, -1)
    assert columns.shape == (363, 3025)
    assert rows.shape == (96, 363)
    maps = (rows @ columns).reshape(1, 96, 55, 55)
    expected = F.conv2d(torch.tensor(image), torch.tensor(kernels), stride=4).numpy()
    np.testing.assert_allclose(maps, expected, rtol=1e-9, atol=1e-10)


def test_columns_of_a_small_image_by_hand():
    """Rows are channel by channel and tap by tap, columns image by image and window by window."""
    image = np.arange(18.0).reshape(1, 2, 3, 3)
    expected = [
        [0, 1, 3, 4],
        [1, 2, 4, 5],
        [3, 4, 6, 7],
        [4, 5, 7, 8],
        [9, 10, 12, 13],
        [10, 11, 13, 14],
        [12, 13, 15, 16],
        [13, 14, 16, 17],
    ]
    np.testing.assert_array_equal(im2col(image, 2), expected)
    both = im2col(np.concatenate([image, image + 100]), 2)
    np.testing.assert_array_equal(both, np.concatenate([expected, np.array(expected) + 100], axis=1))


@SOME
@given(st.data(), SEEDS)
def test_columns_match_pytorch_unfold(data, seed):
    """In PyTorch an image's columns stand one matrix behind the other."""
    shape = (3, *data.draw(images(2)))
    kernel, stride, padding, dilation = (data.draw(axes(2, *ends)) for ends in ((1, 4), (1, 3), (0, 2), (1, 2)))
    reach = [d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True)]
    assume(all(r <= n + 2 * p for r, n, p in zip(reach, shape[2:], padding, strict=True)))
    x = np.random.default_rng(seed).normal(size=shape)
    unfolded = F.unfold(torch.tensor(x), kernel, dilation, padding, stride).numpy()
    columns = im2col(x, kernel, stride, padding, dilation)
    np.testing.assert_array_equal(columns, np.concatenate(list(unfolded), axis=1))
    folded = F.fold(torch.tensor(unfolded), shape[2:], kernel, dilation, padding, stride).numpy()
    np.testing.assert_allclose(col2im(columns, shape, kernel, stride, padding, dilation), folded, rtol=1e-12)


@SOME
@given(st.data(), RANKS, SEEDS)
def test_col2im_is_the_adjoint_of_im2col(data, rank, seed):
    """⟨im2col(x), y⟩ = ⟨x, col2im(y)⟩ over 1 to 3 axes with uneven padding."""
    shape = (3, *data.draw(images(rank)))
    kernel, stride = data.draw(axes(rank, 1, 3)), data.draw(axes(rank, 1, 3))
    padding = data.draw(st.tuples(*[st.tuples(st.integers(0, 2), st.integers(0, 2))] * rank))
    rng = np.random.default_rng(seed)
    x = rng.normal(size=shape)
    columns = im2col(x, kernel, stride, padding)
    y = rng.normal(size=columns.shape)
    back = col2im(y, shape, kernel, stride, padding)
    assert (columns * y).sum() == pytest.approx((x * back).sum(), rel=1e-9, abs=1e-9)


def test_kernel_larger_than_the_image_is_rejected():
    with pytest.raises(BadShape) as error:
        im2col(np.zeros((1, 2, 3, 4)), 5)
    assert str(error.value) == (
        "im2col.kernel_size must fit into the padded image 3×4 "
        "(got kernel_size=(5, 5), padding=((0, 0), (0, 0))). Use a smaller one. [im2col-size]"
    )


def test_image_without_batch_axis_is_rejected():
    with pytest.raises(BadShape) as error:
        im2col(np.zeros((3, 4)), 2)
    assert str(error.value) == (
        "im2col.x must be images with 1 to 3 spatial axes, (n, c, h, w) (got x=3×4). "
        "Put batch and channels in front. [im2col-rank]"
    )


def test_columns_of_other_images_are_rejected():
    with pytest.raises(BadShape) as error:
        col2im(np.zeros((8, 5)), (1, 2, 3, 3), 2)
    assert str(error.value) == (
        "col2im.columns must be 8×4 for images 1×2×3×3 (got columns=8×5). Use the settings given to im2col. "
        "[col2im-size]"
    )
