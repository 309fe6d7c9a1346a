"""Resized, recolored and relabeled datasets."""

import numpy as np
import pytest
from PIL import Image

from convscope.data import ArrayDataset
from convscope.data.transforms import RelabeledDataset, ResizedDataset, relabel, resize_dataset, resizing_matrix
from convscope.errors import BadData


def source(channels=1, count=4, height=7, width=5):
    x = np.random.default_rng(1).random((count, channels, height, width)).astype(np.float32)
    return ArrayDataset(x, np.arange(count) % 3, ("a", "b", "c"))


@pytest.mark.parametrize("size", [(13, 9), (3, 4), (7, 11), (1, 1), (28, 2)])
def test_resizing_matches_pillow(size):
    """Bilinear with antialiasing, up and down, each axis separately."""
    whole = source()
    x, labels = ResizedDataset(whole, (1, *size)).batch(np.array([2, 0]))
    original, _ = whole.batch(np.array([2, 0]))
    for image, before in zip(x, original, strict=True):
        expected = Image.fromarray(before[0]).resize((size[1], size[0]), Image.Resampling.BILINEAR)
        assert image[0] == pytest.approx(np.asarray(expected), abs=1e-5)
    assert labels.tolist() == [2, 0]
    assert (x.dtype, x.flags.c_contiguous) == (np.float32, True)


def test_rows_of_a_resizing_matrix_sum_to_one():
    """A constant image stays constant."""
    for before, after in ((5, 5), (8, 28), (28, 8), (7, 3)):
        assert resizing_matrix(before, after).sum(axis=1) == pytest.approx(np.ones(after))
    assert np.array_equal(resizing_matrix(5, 5), np.eye(5))


def test_gray_conversion_uses_luma_weights():
    """0.299, 0.587, 0.114 of red, green and blue."""
    red_green_blue = np.eye(3, dtype=np.float32)[:, :, None, None] * np.ones((1, 1, 2, 4), np.float32)
    x, _ = ResizedDataset(ArrayDataset(red_green_blue, [0, 1, 2]), (1, 2, 4)).batch(np.arange(3))
    assert x[:, 0, 1, 3] == pytest.approx([0.299, 0.587, 0.114])


def test_gray_becomes_three_equal_channels():
    x, _ = ResizedDataset(source(), (3, 7, 5)).batch(np.arange(2))
    assert np.array_equal(x[:, 0], x[:, 2])
    assert np.array_equal(x[:, 1:2], source().batch(np.arange(2))[0])


def test_matching_dataset_is_returned_unchanged():
    """No wrapper is created if nothing changes. A wrapper passes attributes through."""
    whole = source()
    assert resize_dataset(whole) is whole
    assert resize_dataset(whole, 1, (7, 5)) is whole
    changed = resize_dataset(whole, 3)
    assert (changed.image_shape, changed.classes, len(changed)) == ((3, 7, 5), whole.classes, 4)
    assert np.array_equal(changed.labels, whole.labels)


def test_other_channel_counts_are_refused():
    with pytest.raises(BadData) as caught:
        resize_dataset(source(channels=4), 3)
    assert str(caught.value) == (
        "Cannot convert images from 4 to 3 channels. Only 3 to 1 (gray) and 1 to 3 are supported: convert the "
        "images first. [fit-channels]"
    )


def test_relabel_handles_other_class_orders():
    whole = source()
    other = relabel(whole, ("c", "x", "b", "a"))
    assert other.labels.tolist() == [3, 2, 0, 3]
    x, labels = other.batch(np.array([1, 2]))
    assert labels.tolist() == [2, 0]
    assert np.array_equal(x, whole.batch(np.array([1, 2]))[0])
    assert (other.classes, other.image_shape, len(other)) == (("c", "x", "b", "a"), (1, 7, 5), 4)
    assert relabel(whole, ["a", "b", "c"]) is whole
    with pytest.raises(BadData, match=r"not trained on: b, c \(it knows a\)\. .*\[classes-unknown\]"):
        RelabeledDataset(whole, ("a",))
