"""Load datasets by name or path, and single images as network inputs."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np

from ..errors import BadData, BadFile, BadShape, suggest
from ..images import ImageSource, read_image
from ..layers.base import show_shape
from ..layers.connection import Shape
from ..text.lists import listed
from .arrays import ArrayDataset, as_images, load_npz_part
from .dataset import SPLITS, Dataset, Images, Split, Subset, holdout_mask, refuse_missing_classes
from .datasets import KNOWN_DATASETS, PublishedDataset, digits, find_files
from .folder import FolderDataset, Size, other_size
from .transforms import resize_dataset

DATA_NAMES = ("digits", *KNOWN_DATASETS)
"""Datasets that are available by name."""

HELD_OUT_SHARE = 0.1
"""Default fraction of the training images for validation, if a dataset has no validation part."""

_MOST_HELD_OUT = 0.5
_PART_FOLDERS = {"train": ("train", "training"), "validation": ("validation", "val", "valid"), "test": ("test",)}

Part = Callable[[str], Dataset | None]


def load_data(
    name: str | os.PathLike[str],
    split: Split = "train",
    data_dir: str | os.PathLike[str] | None = None,
    *,
    hold_out: float = HELD_OUT_SHARE,
    resize: int | Size | None = None,
    channels: int | None = None,
    skip_corrupt: bool = False,
) -> Dataset:
    """Return one part of a dataset.

    Args:
        name: "digits", "mnist", "fashion-mnist", "cifar10", a folder of images or an .npz file. A folder has class
            folders, or the folders train, validation and test with class folders in them.
        split: "train", "validation" or "test".
        data_dir: The folder of the dataset's files. Missing files are downloaded there.
        hold_out: The fraction of each class that is split off the training images for validation, if the dataset
            has no validation part. The split is deterministic; 0 disables it.
        resize: The side of a square or (h, w), in pixels, to which images are resized.
        channels: 1 or 3, to which images are converted.
        skip_corrupt: For folders: whether to leave out damaged images.

    Raises:
        BadData: [data-name], [data-split], [data-option], [classes-missing], and those of the dataset.
        BadFile: [data-missing], [file-damaged], and those of the dataset.
        MissingExtra: If a library is missing.

    >>> len(load_data("digits", "train")), len(load_data("digits", "validation")), len(load_data("digits", "test"))
    (1295, 143, 359)
    """
    if split not in SPLITS:
        raise BadData(
            "{setting} must be one of {known} (got {got!r}). [data-split]",
            setting="load_data.split",
            known=listed(SPLITS),
            got=split,
        )
    if not 0 <= hold_out <= _MOST_HELD_OUT:
        raise BadData(
            "{setting} must be from 0 to {most} (got {got!r}). It is the fraction of the training images to "
            "validate on. [data-option]",
            setting="load_data.hold_out",
            most=_MOST_HELD_OUT,
            got=hold_out,
        )
    text = os.fspath(name)
    folder = None if data_dir is None else Path(data_dir)
    part = _parts(text, folder, _size(resize), _channels(channels), skip_corrupt)
    return resize_dataset(_split(part, split, hold_out, text), _channels(channels), _size(resize))


def _size(resize: int | Size | None) -> Size | None:
    if resize is None:
        return None
    size = (resize, resize) if isinstance(resize, int) else tuple(resize)
    if len(size) != 2 or not all(1 <= side <= 10_000 for side in size):
        raise BadData(
            "{setting} must be one side or (h, w), each from 1 to 10,000 pixels (got {got!r}). Use for example "
            "64. [data-option]",
            setting="load_data.resize",
            got=resize,
        )
    return size


def _channels(channels: int | None) -> int | None:
    if channels not in (None, 1, 3):
        raise BadData(
            "{setting} must be 1 (gray) or 3 (color) (got {got!r}). [data-option]",
            setting="load_data.channels",
            got=channels,
        )
    return channels


def _parts(text: str, data_dir: Path | None, resize: Size | None, channels: int | None, skip: bool) -> Part:
    """Return the function that loads a part of the dataset. It returns None if there is no such part."""
    key = text.strip().lower().replace("_", "-")
    path = Path(text)
    if key == "digits":
        return digits
    if key in KNOWN_DATASETS:
        return lambda part: _original(KNOWN_DATASETS[key], part, data_dir)
    if os.path.isdir(path):
        return lambda part: _folder(path, part, resize, channels, skip)
    if os.path.isfile(path) and path.suffix.lower() == ".npz":
        return lambda part: load_npz_part(path, part)
    if os.path.isfile(path):
        raise BadFile(
            "{setting} must be a folder or an .npz file (got {got!r}). Write it with np.savez. [data-kind]",
            setting="load_data.name",
            got=text,
        )
    raise BadData(
        "{setting} must be a known dataset, a folder of images per class, or an .npz file (got {got!r}). {hint} "
        "[data-name]",
        setting="load_data.name",
        got=text,
        hint=suggest(key, DATA_NAMES),
    )


def _original(original: PublishedDataset, part: str, data_dir: Path | None) -> Dataset | None:
    if part == "validation":
        return None
    x, labels = original.read(find_files(original, part, data_dir), part)
    return ArrayDataset(x, labels, original.classes)


def _folder(path: Path, part: str, resize: Size | None, channels: int | None, skip: bool) -> Dataset | None:
    """Return the folder of a part. Without such folders the whole folder is the training part."""
    train = _part_folder(path, "train")
    if part == "train":
        return FolderDataset(train or path, None, resize, channels, skip)
    own = _part_folder(path, part) if train else None
    if own is None or train is None:
        return None
    training = FolderDataset(train, None, resize, channels, skip)
    c, h, w = training.image_shape
    source = FolderDataset(own, training.classes, resize, c, skip)
    if source.image_shape != training.image_shape:
        raise other_size((h, w), train.name, source.image_shape[1:], own.name)
    return source


def _part_folder(path: Path, part: str) -> Path | None:
    return next((path / name for name in _PART_FOLDERS[part] if os.path.isdir(path / name)), None)


def _split(part: Part, split: str, hold_out: float, name: str) -> Dataset:
    if split == "test":
        test = part("test")
        if test is None:
            raise BadData(
                "{name!r} has no test part. Add a folder test/ (or x_test and y_test), or evaluate on "
                "the validation part. [data-split]",
                name=name,
            )
        return test
    validation = part("validation")
    if validation is not None:
        if split == "train":
            return _whole(part)
        refuse_missing_classes(validation)
        return validation
    training = _whole(part)
    if hold_out == 0:
        if split == "train":
            return training
        raise BadData(
            "{name!r} has no validation part, and hold_out is 0. Hold out some training images. [data-split]",
            name=name,
        )
    marked = holdout_mask(training.labels, hold_out)
    if split == "train":
        return Subset(training, np.flatnonzero(~marked))
    held = Subset(training, np.flatnonzero(marked))
    refuse_missing_classes(held)
    return held


def _whole(part: Part) -> Dataset:
    training = part("train")
    assert training is not None  # every dataset has a training part
    return training


def read_input(path: ImageSource, input_shape: Shape, invert: bool = False) -> Images:
    """Read an image file and convert it to a network's input shape, as in training.

    `invert` swaps dark and light: for pencil on paper, if the network learned light digits on a dark background.

    Shapes:   input_shape (c, h, w), c 1 or 3 → (c, h, w)
    Units:    0…1
    Raises:   BadShape [image-input]; BadFile [image-missing], [image-file], [image-pixels]; MissingExtra
    """
    if len(input_shape) != 3 or input_shape[0] not in (1, 3):
        raise BadShape(
            "Image files need a network with 1 or 3 input channels (got an input of {got}). Pass an array to "
            "Model.predict. [image-input]",
            got=show_shape(input_shape),
        )
    channels, height, width = input_shape
    pixels = as_images(read_image(path, channels, (height, width)))
    return np.ascontiguousarray(1 - pixels) if invert else pixels
