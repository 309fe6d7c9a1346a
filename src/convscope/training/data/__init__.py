"""Labelled pictures to train on.

| file | has |
|---|---|
| `load.py` | `load_data`: the set that a user names, train, validation or test |
| `source.py` | `Source`: what training asks of data |
| `arrays.py` | `ArraySource`: pictures and labels in memory |
| `folder.py` | `FolderSource`: one folder of pictures per class, read by the batch |
| `image_check.py` | which of its files can be read, found out once |
| `npz.py` | arrays in a NumPy archive; `unpacking.py` says how much may come out of a small file |
| `digits.py` | the handwritten digits that come with convscope |
| `originals.py` | MNIST, Fashion-MNIST, CIFAR-10; `fetch.py` finds their files, `idx.py`, `cifar.py` read them |
| `choice.py` | `DataChoice`: which data, as a value that a run keeps |
| `fitted.py`, `relabelled.py` | another source in another size or colour, or with its classes in another order |
| `network_input.py` | `read_input`: one picture file as a network takes it |
| `splits.py` | parts of a set: `Subset`, `held_out`, classes that are missing |
| `augment.py` | shift, flip, crop, rotation: pure functions of a batch and a generator |
"""

from .arrays import ArraySource
from .augment import Augmentation, parse_augmentation
from .folder import FolderSource
from .load import DATA_NAMES, load_data
from .source import Source
from .splits import SPLITS, Split, Subset, held_out, missing_classes, refuse_missing_classes

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
