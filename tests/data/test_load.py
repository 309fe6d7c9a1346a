"""Loading datasets by name, and the bundled digits."""

import re
import subprocess
import sys

import numpy as np
import pytest

from convscope.data import DATA_NAMES, load_data
from convscope.errors import BadData, BadFile


def refused(message, *settings, error=BadData, **named):
    with pytest.raises(error, match=f"^{re.escape(message)}$"):
        load_data(*settings, **named)


def test_digits_need_no_download():
    """1,797 images; the test part is a fifth of each class, and no image is in two parts."""
    parts = [load_data("digits", split) for split in ("train", "validation", "test")]
    assert [len(part) for part in parts] == [1295, 143, 359]
    assert all(part.image_shape == (1, 8, 8) and part.classes == tuple("0123456789") for part in parts)
    counts = [np.bincount(part.labels) for part in parts]
    # Counts of the whole set by digit, from its published description.
    assert sum(counts).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    np.testing.assert_allclose(counts[2] / sum(counts), 0.2, atol=0.003)
    x, _ = parts[0].batch(np.arange(1295))
    assert (x.min(), x.max()) == (0, 1)
    assert set(np.unique(x * 16)) == set(range(17))


def test_digits_match_the_published_dataset():
    """The first image is a 0, as printed in the published description; the last is an 8."""
    source = load_data("digits", "train", hold_out=0)
    x, labels = source.batch(np.array([0, len(source) - 1]))
    assert labels.tolist() == [0, 8]
    assert (x[0, 0, :3] * 16).astype(int).tolist() == [
        [0, 0, 5, 13, 9, 1, 0, 0],
        [0, 0, 13, 15, 10, 15, 5, 0],
        [0, 3, 15, 2, 0, 11, 8, 0],
    ]


def test_hold_out_of_zero_keeps_all_images():
    assert len(load_data("digits", "train", hold_out=0)) == 1295 + 143
    refused(
        "'digits' has no validation part, and hold_out is 0. Hold out some training images. [data-split]",
        "digits",
        "validation",
        hold_out=0,
    )


def test_unknown_names_are_reported(tmp_path):
    assert DATA_NAMES == ("digits", "mnist", "fashion-mnist", "cifar10")
    refused(
        "load_data.name must be a known dataset, a folder of images per class, or an .npz file (got 'minst'). "
        "Did you mean mnist? [data-name]",
        "minst",
    )
    path = tmp_path / "data.csv"
    path.write_text("1,2")
    refused(
        f"load_data.name must be a folder or an .npz file (got {str(path)!r}). Write it with np.savez. "
        "[data-kind]",
        path,
        error=BadFile,
    )


def test_options_out_of_range_are_refused():
    refused(
        "load_data.split must be one of train, validation, test (got 'tset'). [data-split]",
        "digits",
        "tset",
    )
    refused(
        "load_data.hold_out must be from 0 to 0.5 (got 0.6). It is the fraction of the training images to "
        "validate on. [data-option]",
        "digits",
        hold_out=0.6,
    )
    for resize in (0, (3, 4, 5), 10_001):
        refused(
            f"load_data.resize must be one side or (h, w), each from 1 to 10,000 pixels (got {resize!r}). Use "
            "for example 64. [data-option]",
            "digits",
            resize=resize,
        )
    refused("load_data.channels must be 1 (gray) or 3 (color) (got 2). [data-option]", "digits", channels=2)


def test_data_imports_nothing_heavy():
    """Pillow, pooch and network modules are imported only for folders and downloads."""
    code = (
        "import sys; from convscope.data import load_data; load_data('digits');"
        "print(sorted({'PIL', 'pooch', 'requests', 'torch', 'matplotlib', 'sklearn'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"


def test_every_kind_of_data_is_resized():
    assert load_data("digits", resize=12).image_shape == (1, 12, 12)
    assert load_data("digits", "test", resize=(10, 14), channels=3).image_shape == (3, 10, 14)
