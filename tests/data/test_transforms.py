"""Images of arrays brought to another size and color."""

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
def test_resized_as_pillow_does(size):
    """Bilinear and antialiased, larger and smaller, each axis on its own."""
    whole = source()
    x, labels = ResizedDataset(whole, (1, *size)).batch(np.array([2, 0]))
    original, _ = whole.batch(np.array([2, 0]))
    for image, before in zip(x, original, strict=True):
        expected = Image.fromarray(before[0]).resize((size[1], size[0]), Image.Resampling.BILINEAR)
        assert image[0] == pytest.approx(np.asarray(expected), abs=1e-5)
    assert labels.tolist() == [2, 0]
    assert (x.dtype, x.flags.c_contiguous) == (np.float32, True)


def test_rows_of_a_resizing_matrix_sum_to_one():
    """A plain image stays plain."""
    for before, after in ((5, 5), (8, 28), (28, 8), (7, 3)):
        assert resizing_matrix(before, after).sum(axis=1) == pytest.approx(np.ones(after))
    assert np.array_equal(resizing_matrix(5, 5), np.eye(5))


def test_colors_become_gray_by_how_bright_they_look():
    """0.299, 0.587, 0.114 of red, green and blue."""
    red_green_blue = np.eye(3, dtype=np.float32)[:, :, None, None] * np.ones((1, 1, 2, 4), np.float32)
    x, _ = ResizedDataset(ArrayDataset(red_green_blue, [0, 1, 2]), (1, 2, 4)).batch(np.arange(3))
    assert x[:, 0, 1, 3] == pytest.approx([0.299, 0.587, 0.114])


def test_gray_becomes_three_equal_colors():
    """Nothing is added."""
    x, _ = ResizedDataset(source(), (3, 7, 5)).batch(np.arange(2))
    assert np.array_equal(x[:, 0], x[:, 2])
    assert np.array_equal(x[:, 1:2], source().batch(np.arange(2))[0])


def test_what_fits_is_left_alone():
    """No wrapper where nothing changes; a wrapper says what the whole says."""
    whole = source()
    assert resize_dataset(whole) is whole
    assert resize_dataset(whole, 1, (7, 5)) is whole
    changed = resize_dataset(whole, 3)
    assert (changed.image_shape, changed.classes, len(changed)) == ((3, 7, 5), whole.classes, 4)
    assert np.array_equal(changed.labels, whole.labels)


def test_other_channels_are_refused():
    """There is one way from three to one and back, and no other."""
    with pytest.raises(BadData) as caught:
        resize_dataset(source(channels=4), 3)
    assert str(caught.value) == (
        "images can be turned gray (3 to 1 channels) or into colors (1 to 3); got 4 channels where 3 are wanted; "
        "prepare the images. [fit-channels]"
    )


def test_classes_in_another_order():
    """Labels follow the names."""
    whole = source()
    other = relabel(whole, ("c", "x", "b", "a"))
    assert other.labels.tolist() == [3, 2, 0, 3]
    x, labels = other.batch(np.array([1, 2]))
    assert labels.tolist() == [2, 0]
    assert np.array_equal(x, whole.batch(np.array([1, 2]))[0])
    assert (other.classes, other.image_shape, len(other)) == (("c", "x", "b", "a"), (1, 7, 5), 4)
    assert relabel(whole, ["a", "b", "c"]) is whole
    with pytest.raises(BadData, match=r"got b, c beside a; .*\[classes-unknown\]"):
        RelabeledDataset(whole, ("a",))
