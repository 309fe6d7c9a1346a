"""A choice of data is kept with a run and read again."""

import json
import os

import numpy as np
import pytest
from PIL import Image

from convscope.data.config import DataConfig
from convscope.errors import BadData


def test_to_json_and_back():
    """A known set keeps its name."""
    choice = DataConfig("Fashion_MNIST", "sets", 0.2, (9, 7), 3, True)
    document = json.loads(json.dumps(choice.to_dict()))
    assert document["name"] == "Fashion_MNIST"
    assert document["data_dir"] == os.path.join(os.getcwd(), "sets")
    assert DataConfig.from_dict({**document, "data_dir": "sets", "later": 1}) == choice


def test_paths_hold_from_any_folder(tmp_path, monkeypatch):
    """They are kept whole; their label is short."""
    monkeypatch.chdir(tmp_path)
    choice = DataConfig("small.npz")
    assert choice.to_dict()["name"] == str(tmp_path / "small.npz")
    assert (choice.label, DataConfig("digits").label) == ("small", "digits")


def test_every_part_is_fitted():
    """The digits are no folder, and are resized all the same."""
    choice = DataConfig("digits", resize=(10, 9), channels=3)
    assert choice.part("train").image_shape == (3, 10, 9)
    name, source = choice.held_back()
    assert (name, source.image_shape, len(source)) == ("test", (3, 10, 9), 359)


def test_a_set_without_a_test_part_gives_its_validation_part(tmp_path):
    """And says which it is."""
    x = np.zeros((12, 1, 3, 2), np.float32)
    np.savez(tmp_path / "some.npz", x=x, y=np.arange(12) % 2)
    name, source = DataConfig(str(tmp_path / "some.npz"), hold_out=0.5).held_back()
    assert (name, len(source)) == ("validation", 6)


def test_a_test_part_with_a_mistake_is_not_passed_over(tmp_path):
    """The validation part would do, but the mistake must be told."""
    for part, names in (("train", "ab"), ("validation", "ab"), ("test", "abc")):
        for name in names:
            folder = tmp_path / part / name
            folder.mkdir(parents=True)
            Image.new("L", (4, 3)).save(folder / "1.png")
    choice = DataConfig(str(tmp_path))
    assert len(choice.part("validation")) == 2
    with pytest.raises(BadData, match=r"got c; .*\[folder-unknown\]$"):
        choice.held_back()
