"""Datasets in memory."""

import doctest
import re

import numpy as np
import pytest

from convscope.data import ArrayDataset, arrays, dataset, load, transforms
from convscope.errors import BadData

BYTES = np.arange(5 * 2 * 3 * 4, dtype=np.uint8).reshape(5, 2, 3, 4)
LABELS = np.array([0, 2, 1, 2, 0])


def refused(message, x=BYTES, labels=LABELS, classes=None):
    with pytest.raises(BadData, match=f"^{re.escape(message)}$"):
        ArrayDataset(x, labels, classes)


def test_bytes_are_scaled_to_one():
    """255 is 1, in float32, in the order asked for."""
    source = ArrayDataset(BYTES + np.uint8(136), LABELS)
    x, labels = source.batch(np.array([4, 1, 4]))
    assert x.dtype == np.float32
    assert labels.dtype == np.int64
    assert labels.tolist() == [0, 2, 0]
    assert x[0, -1, -1, -1] == 1.0
    np.testing.assert_allclose(x[1], (BYTES[1] + 136.0) / 255, rtol=1e-6)


def test_floating_point_values_are_unchanged():
    """Floating-point images are not scaled again."""
    source = ArrayDataset(BYTES.astype(np.float64) - 60, LABELS)
    x, _ = source.batch(np.array([0]))
    assert x.dtype == np.float32
    np.testing.assert_array_equal(x[0], BYTES[0] - 60.0)


def test_dataset_attributes():
    source = ArrayDataset(BYTES, LABELS, ["cat", "dog", "eel", "fox"])
    assert (len(source), source.image_shape) == (5, (2, 3, 4))
    assert source.classes == ("cat", "dog", "eel", "fox")
    np.testing.assert_array_equal(source.labels, LABELS)


def test_batch_is_a_copy():
    """Writing into a batch does not change the data."""
    source = ArrayDataset(BYTES.astype(np.float32), LABELS)
    source.batch(np.array([1]))[0][:] = -1
    assert source.batch(np.array([1]))[0].min() >= 0


def test_wrong_rank_is_refused():
    refused(
        "x must have 4 axes (n, c, h, w) (got x=5×3×4). Use x[:, None] for gray images. [data-rank]",
        x=BYTES[:, 0],
    )
    refused(
        "x must have 4 axes (n, c, h, w) (got x=5×24). Reshape it to one image per row. [data-rank]",
        x=BYTES.reshape(5, 24),
    )


@pytest.mark.parametrize("dtype", ["int64", "bool", "complex64", "object", "int8"])
def test_wrong_dtype_is_refused(dtype):
    refused(
        f"x must contain bytes (uint8, 0…255) or floating-point numbers (got dtype={dtype}). Scale it and use "
        "x.astype('float32'). [data-type]",
        x=np.zeros((5, 2, 3, 4), dtype),
    )


def test_empty_array_is_refused():
    refused(
        "x must contain at least one image with at least one pixel (got x=0×2×3×4). Check where the images "
        "come from. [data-empty]",
        x=BYTES[:0],
        labels=LABELS[:0],
    )
    refused(
        "x must contain at least one image with at least one pixel (got x=5×2×0×4). Check where the images "
        "come from. [data-empty]",
        x=BYTES[:, :, :0],
    )


@pytest.mark.parametrize(("value", "shown"), [(np.nan, "nan"), (-np.inf, "-inf"), (1e60, "1e+60")])
def test_non_finite_pixels_are_refused(value, shown):
    """The index is reported. Values beyond float32 count as infinite. The index may be large."""
    x = np.zeros((3000, 1, 3, 4))
    x[2999, 0, 2, 1] = value
    refused(
        f"x must be finite in float32 (got {shown} in image 2999, channel 0, row 2, column 1). Repair or "
        "remove such images. [data-nan]",
        x=x,
        labels=np.zeros(3000, int),
    )


def test_wrong_label_count_is_refused():
    refused(
        "There must be one label per image (got 4 labels for 5 images). Check that both come from the same "
        "split. [label-count]",
        labels=LABELS[:4],
    )


def test_wrong_label_rank_is_refused():
    refused(
        "labels must have 1 axis (n,) (got labels=5×3). Use labels.argmax(1) for one-hot rows. [label-rank]",
        labels=np.eye(3, dtype=int)[LABELS],
    )
    refused(
        "labels must have 1 axis (n,) (got labels=scalar). Pass one integer per image. [label-rank]",
        labels=np.array(3),
    )


@pytest.mark.parametrize("labels", [LABELS.astype(float), np.array(list("abcab"))])
def test_non_integer_labels_are_refused(labels):
    refused(
        f"labels must be integers, indices into the classes (got dtype={labels.dtype}). Use np.unique(labels, "
        "return_inverse=True) to number them. [label-type]",
        labels=labels,
    )


def test_labels_out_of_range_are_refused():
    refused(
        "labels must be from 0 to 1 (got 2 for image 1; 2 of 5 labels are outside). Name every class, and "
        "number them from 0. [label-range]",
        classes=["a", "b"],
    )
    refused(
        "labels must be from 0 to 99999 (got -1 for image 1; 2 of 5 labels are outside). Number the classes "
        "from 0. [label-range]",
        labels=np.array([0, -1, 1, 100_000, 0]),
    )


def test_bad_class_names_are_refused():
    refused(
        "Class names must be unique (got 'a' twice). Name each class once. [class-names]",
        classes=["a", "b", "a"],
    )
    refused("There are no class names. Name each class once. [class-names]", classes=[])


@pytest.mark.parametrize("module", [arrays, transforms, load, dataset], ids=lambda module: module.__name__)
def test_docstring_examples_hold(module):
    found = doctest.testmod(module)
    assert found.attempted > 0
    assert found.failed == 0
