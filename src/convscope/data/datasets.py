"""The well-known sets, read from their original files: which files, how to know them, where to fetch them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from . import cifar, idx

ReadImages = Callable[[Mapping[str, Path], str], tuple[NDArray[Any], NDArray[Any]]]


@dataclass(frozen=True)
class Original:
    """One published data set.

    `checksums` are of the files as published, by name; a file of the user's own is checked by its content instead,
    for it may have been compressed again. `stand_ins` are other names under which a file may lie. `mirrors` are
    tried in turn.
    """

    name: str
    classes: tuple[str, ...]
    checksums: Mapping[str, str]
    mirrors: tuple[str, ...]
    read: ReadImages
    stand_ins: Mapping[str, tuple[str, ...]]

    def files(self, part: str) -> tuple[str, ...]:
        """Return the names of the files that the part "train" or "test" is read from."""
        own = {"train": "train", "test": "t10k"}[part]
        return tuple(name for name in self.checksums if name.startswith(own)) or tuple(self.checksums)


_IDX = (
    "train-images-idx3-ubyte.gz",
    "train-labels-idx1-ubyte.gz",
    "t10k-images-idx3-ubyte.gz",
    "t10k-labels-idx1-ubyte.gz",
)
_UNPACKED = {name: (name.removesuffix(".gz"),) for name in _IDX}

MNIST = Original(
    name="mnist",
    classes=tuple("0123456789"),
    checksums=dict(
        zip(
            _IDX,
            (
                "md5:f68b3c2dcbeaaa9fbdd348bbdeb94873",
                "md5:d53e105ee54ea40749a09fcbcd1e9432",
                "md5:9fb629c4189551a2d022fa330f9573f3",
                "md5:ec29112dd5afa0611ce80d1b7f02629c",
            ),
            strict=True,
        )
    ),
    mirrors=(
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
    ),
    read=idx.read_images,
    stand_ins=_UNPACKED,
)

FASHION_MNIST = Original(
    name="fashion-mnist",
    classes=(
        "T-shirt/top",
        "Trouser",
        "Pullover",
        "Dress",
        "Coat",
        "Sandal",
        "Shirt",
        "Sneaker",
        "Bag",
        "Ankle boot",
    ),
    checksums=dict(
        zip(
            _IDX,
            (
                "md5:8d4fb7e6c68d591d4c3dfef9ec88bf0d",
                "md5:25c81989df183df01b3e8a0aad5dffbe",
                "md5:bef4ecab320f06d8554ea6380940ec79",
                "md5:bb300cfdad3c16e7a12a480ee83cd310",
            ),
            strict=True,
        )
    ),
    mirrors=(
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
        "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
    ),
    read=idx.read_images,
    stand_ins=_UNPACKED,
)

CIFAR10 = Original(
    name="cifar10",
    classes=("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"),
    checksums={cifar.ARCHIVE: "sha256:c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd"},
    mirrors=(
        "https://www.cs.toronto.edu/~kriz/",
        "https://storage.googleapis.com/s4tf-hosted-binaries/datasets/CIFAR10/",
    ),
    read=cifar.read_images,
    stand_ins={cifar.ARCHIVE: (cifar.FOLDER,)},
)

ORIGINALS = {original.name: original for original in (MNIST, FASHION_MNIST, CIFAR10)}
