"""Data configurations, and their JSON form."""

import json
import os

import numpy as np
import pytest
from PIL import Image

from convscope.data.config import DataConfig
from convscope.errors import BadData


def test_data_config_survives_json():
    """A published dataset keeps its name."""
    choice = DataConfig("Fashion_MNIST", "sets", 0.2, (9, 7), 3, True)
    document = json.loads(json.dumps(choice.to_dict()))
    assert document["name"] == "Fashion_MNIST"
    assert document["data_dir"] == os.path.join(os.getcwd(), "sets")
    assert DataConfig.from_dict({**document, "data_dir": "sets", "later": 1}) == choice


def test_paths_are_stored_absolute(tmp_path, monkeypatch):
    """The label stays short."""
    monkeypatch.chdir(tmp_path)
    choice = DataConfig("small.npz")
    assert choice.to_dict()["name"] == str(tmp_path / "small.npz")
    assert (choice.label, DataConfig("digits").label) == ("small", "digits")


def test_label_of_a_folder_keeps_its_dots(tmp_path):
    (tmp_path / "pets.v2").mkdir()
    assert DataConfig(str(tmp_path / "pets.v2")).label == "pets.v2"


def test_every_part_is_resized():
    """Also for the digits, which are not a folder."""
    choice = DataConfig("digits", resize=(10, 9), channels=3)
    assert choice.part("train").image_shape == (3, 10, 9)
    name, source = choice.evaluation_part()
    assert (name, source.image_shape, len(source)) == ("test", (3, 10, 9), 359)


def test_dataset_without_test_part_gives_validation(tmp_path):
    x = np.zeros((12, 1, 3, 2), np.float32)
    np.savez(tmp_path / "some.npz", x=x, y=np.arange(12) % 2)
    name, source = DataConfig(str(tmp_path / "some.npz"), hold_out=0.5).evaluation_part()
    assert (name, len(source)) == ("validation", 6)


def test_error_in_test_part_is_not_hidden(tmp_path):
    """The validation part is not used instead."""
    for part, names in (("train", "ab"), ("validation", "ab"), ("test", "abc")):
        for name in names:
            folder = tmp_path / part / name
            folder.mkdir(parents=True)
            Image.new("L", (4, 3)).save(folder / "1.png")
    choice = DataConfig(str(tmp_path))
    assert len(choice.part("validation")) == 2
    with pytest.raises(BadData, match=r"lacks: c\. .*\[folder-unknown\]$"):
        choice.evaluation_part()
