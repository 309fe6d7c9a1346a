"""Data augmentation."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convscope.data import Augmentation, parse_augmentation
from convscope.data.transforms import crop, flip, rotate, shift
from convscope.errors import BadSetting

X = np.random.default_rng(0).random((40, 2, 7, 5), np.float32)
EVERY = "shift=2,rotate=10,flip=0.5,crop=0.2"


def generator(seed=3):
    return np.random.default_rng(seed)


@pytest.mark.parametrize("text", EVERY.split(","))
def test_same_generator_gives_same_images(text):
    """Another seed gives other images. The input batch and its dtype are unchanged."""
    step = parse_augmentation(text)
    before = X.copy()
    one, again, other = (step(X, generator(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, again)
    assert (one != other).any()
    np.testing.assert_array_equal(X, before)
    assert (one.shape, one.dtype) == (X.shape, np.float32)
    assert one.min() >= 0
    assert one.max() <= 1


def test_shift_is_by_integer_pixels():
    """Every image is one of the 25 that padding by zeros allows, and all of them occur."""
    moved = shift(np.repeat(X[:1], 2000, axis=0), 2, generator())
    padded = np.pad(X[0], ((0, 0), (2, 2), (2, 2)))
    allowed = {padded[:, r : r + 7, c : c + 5].tobytes() for r in range(5) for c in range(5)}
    assert {image.tobytes() for image in moved} == allowed


def test_flip_is_horizontal():
    np.testing.assert_array_equal(flip(X, 1, generator()), X[:, :, :, ::-1])
    np.testing.assert_array_equal(flip(X, 0, generator()), X)
    some = flip(X, 0.5, generator())
    mirrored = [(a == b[:, :, ::-1]).all() for a, b in zip(some, X, strict=True)]
    assert 8 < sum(mirrored) < 32


def test_rotate_is_about_the_center():
    """A rotation by 180 degrees flips both axes; one by 0 changes nothing."""

    class Always:
        def random(self, size, dtype):
            return np.ones(size, dtype)

    np.testing.assert_allclose(rotate(X, 180, Always()), X[:, :, ::-1, ::-1], atol=1e-5)
    np.testing.assert_array_equal(rotate(X, 0, generator()), X)
    square = X[..., :5, :]
    quarter = rotate(square, 90, Always())
    turned = [np.abs(quarter - np.rot90(square, turns, axes=(2, 3))).max() for turns in (1, -1)]
    assert min(turned) < 1e-5


def test_crop_of_a_ramp_is_a_ramp():
    """A linear ramp stays linear: the crop is resized uniformly, and is within the image."""
    ramp = np.broadcast_to(np.arange(20, dtype=np.float32), (30, 1, 9, 20))
    cut = crop(ramp, 0.5, generator())
    steps = np.diff(cut[:, 0, 4], axis=1)[:, 2:-2]
    np.testing.assert_allclose(steps, steps[:, :1] * np.ones(15), atol=2e-5)
    assert 0.5 <= steps.min() < 0.7
    assert 0.8 < steps.max() <= 1
    assert cut.min() >= 0
    assert cut.max() <= 19
    np.testing.assert_allclose(crop(X, 0, generator()), X, atol=1e-6)


@pytest.mark.parametrize("axis", [2, 3])
def test_crop_reaches_every_part(axis):
    """The centers of many crops are spread evenly around the image's center, along both axes."""
    ramp = np.broadcast_to(np.arange(20, dtype=np.float32)[:, None], (3000, 1, 20, 6))
    ramp = ramp if axis == 2 else ramp.swapaxes(2, 3)
    means = crop(ramp, 0.6, generator())[:, 0].mean(axis=(1, 2))
    assert means.mean() == pytest.approx(9.5, abs=0.15)
    assert means.min() < 5
    assert means.max() > 14


@given(st.permutations(EVERY.split(",")), st.integers(0, 4))
def test_augmentation_survives_text(steps, count):
    """The order is kept."""
    text = ",".join(steps[:count])
    augmentation = parse_augmentation(text)
    assert str(augmentation) == text
    assert parse_augmentation(str(augmentation)) == augmentation


def test_empty_augmentation_changes_nothing():
    assert parse_augmentation(" ") == Augmentation()
    assert Augmentation()(X, generator()) is X


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "shift=2,rotat=3",
            "fit.augment has an unknown transformation (got 'rotat'). Did you mean rotate? [augment-name]",
        ),
        (
            "shift=1.5",
            "shift of fit.augment must be an integer from 1 to 1000 (pixels) (got 'shift=1.5'). Write for example "
            "shift=2. [augment-strength]",
        ),
        (
            "rotate=nan",
            "rotate of fit.augment must be a number from 0 to 180 (degrees) (got 'rotate=nan'). "
            "Write for example rotate=10. [augment-strength]",
        ),
        (
            "flip=often",
            "flip of fit.augment must be a probability from 0 to 1 (got 'flip=often'). "
            "Write for example flip=0.5. [augment-strength]",
        ),
        (
            "crop=1",
            "crop of fit.augment must be a fraction of the side from 0 to 0.9 (got 'crop=1'). Write for "
            "example crop=0.2. [augment-strength]",
        ),
    ],
)
def test_invalid_augmentations_are_reported(text, message):
    with pytest.raises(BadSetting, match=f"^{re.escape(message)}$"):
        parse_augmentation(text)
