"""Labeled images to train on."""

from .arrays import ArraySource
from .dataset import Source
from .folder import FolderSource
from .load import DATA_NAMES, load_data
from .splits import SPLITS, Split, Subset, held_out, missing_classes, refuse_missing_classes
from .transforms import Augmentation, parse_augmentation

__all__ = [
    "DATA_NAMES",
    "SPLITS",
    "ArraySource",
    "Augmentation",
    "FolderSource",
    "Source",
    "Split",
    "Subset",
    "held_out",
    "load_data",
    "missing_classes",
    "parse_augmentation",
    "refuse_missing_classes",
]
