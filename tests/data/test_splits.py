"""Splits of datasets."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convscope.data import ArrayDataset, Subset, holdout_mask, missing_classes, refuse_missing_classes
from convscope.errors import BadData

WHOLE = ArrayDataset(np.arange(6 * 2 * 3, dtype=np.uint8).reshape(6, 1, 2, 3), [0, 1, 1, 0, 2, 2], ["a", "b", "c"])


def test_subset_has_the_images_at_its_indices():
    part = Subset(WHOLE, np.array([0, 5, 3]))
    assert (len(part), part.classes, part.image_shape) == (3, ("a", "b", "c"), (1, 2, 3))
    assert part.labels.tolist() == [0, 2, 0]
    x, labels = part.batch(np.array([1, 2]))
    np.testing.assert_array_equal(x, WHOLE.batch(np.array([5, 3]))[0])
    assert labels.tolist() == [2, 0]


def test_empty_subset_is_refused():
    message = "A part of the data must have at least one image (got none). Hold out less. [data-empty]"
    with pytest.raises(BadData, match=f"^{re.escape(message)}$"):
        Subset(WHOLE, np.array([], int))


@given(st.lists(st.integers(0, 6), min_size=1, max_size=300), st.floats(0.01, 0.5))
def test_holdout_is_stratified(labels, share):
    """Each class contributes its fraction, at least one of two images. The result is deterministic."""
    labels = np.array(labels)
    marked = holdout_mask(labels, share)
    np.testing.assert_array_equal(marked, holdout_mask(labels, share))
    for label in set(labels.tolist()):
        own = marked[labels == label]
        if len(own) == 1:
            assert not own.any()
        else:
            assert 1 <= own.sum() < len(own)
            assert abs(own.sum() - share * len(own)) <= max(0.5, 1 - share * len(own)) + 1e-9


def test_holdout_is_spread_over_the_file():
    """Adjacent images are not selected together, since the order of a file is often meaningful."""
    marked = holdout_mask(np.zeros(100, int), 0.2)
    assert set(np.diff(np.flatnonzero(marked))) == {5}


def test_missing_classes_are_reported():
    part = Subset(WHOLE, np.array([1, 2]))
    assert missing_classes(WHOLE) == ()
    assert missing_classes(part) == ("a", "c")
    message = (
        "Validation data must have images of every class (got none of a, c; 2 of 3 classes). Add at least one "
        "image of each, or leave the class out of training. [classes-missing]"
    )
    with pytest.raises(BadData, match=f"^{re.escape(message)}$"):
        refuse_missing_classes(part)
    refuse_missing_classes(WHOLE)
