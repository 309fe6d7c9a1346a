"""Datasets of labeled images."""

from .arrays import ArrayDataset
from .dataset import SPLITS, Dataset, Split, Subset, holdout_mask, missing_classes, refuse_missing_classes
from .folder import FolderDataset
from .load import DATA_NAMES, load_data
from .transforms import Augmentation, parse_augmentation

__all__ = [
    "DATA_NAMES",
    "SPLITS",
    "ArrayDataset",
    "Augmentation",
    "Dataset",
    "FolderDataset",
    "Split",
    "Subset",
    "holdout_mask",
    "load_data",
    "missing_classes",
    "parse_augmentation",
    "refuse_missing_classes",
]
