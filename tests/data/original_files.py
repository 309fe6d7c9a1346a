"""Small files in the formats of the published datasets."""

import gzip
import io
import struct
import tarfile

import numpy as np


def idx(array):
    """Write bytes as an IDX file."""
    return struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.tobytes()


def mnist_files(folder, pack=True, images=20):
    """Write small files with MNIST's names. Return the images and labels by prefix."""
    folder.mkdir(parents=True, exist_ok=True)
    generator = np.random.default_rng(5)
    made = {}
    for prefix, count in (("train", images), ("t10k", images // 2)):
        x = generator.integers(0, 256, (count, 28, 28), np.uint8)
        y = (np.arange(count) % 10).astype(np.uint8)
        made[prefix] = x, y
        for name, array in (("images-idx3", x), ("labels-idx1", y)):
            path = folder / f"{prefix}-{name}-ubyte{'.gz' if pack else ''}"
            path.write_bytes(gzip.compress(idx(array)) if pack else idx(array))
    return made


def cifar_members(records=4):
    """Return the members of a small CIFAR-10 archive, by name."""
    generator = np.random.default_rng(6)
    names = [*(f"data_batch_{i}.bin" for i in range(1, 6)), "test_batch.bin"]
    return {
        name: np.concatenate(
            [
                (np.arange(records) % 10)[:, None].astype(np.uint8),
                generator.integers(0, 256, (records, 3072), np.uint8),
            ],
            axis=1,
        ).tobytes()
        for name in names
    }


def cifar_archive(path, members):
    """Write members in the layout of the published archive."""
    with tarfile.open(path, "w:gz") as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(f"cifar-10-batches-bin/{name}")
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
