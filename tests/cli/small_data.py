"""A small set of images that can be learned: three classes by brightness, nothing square, nothing equal."""

import numpy as np
from PIL import Image

from convscope.training.model_io import read_model_file

SHAPE = (1, 6, 5)
NETWORK = "input 1x6x5 | conv 4 3x2 same | relu | maxpool 2 | flatten | dense 3"
CLASSES = ("ash", "bone", "coal")


def images(count, seed=3):
    """Return (n, 1, 6, 5) bytes and their labels."""
    generator = np.random.default_rng(seed)
    labels = np.arange(count) % 3
    x = generator.normal(40, 12, (count, *SHAPE)) + 75 * labels[:, None, None, None]
    return np.clip(x, 0, 255).astype(np.uint8), labels


def write_npz(path, train=62, test=23):
    """Write an archive with a training and a test part, classes named."""
    x, y = images(train)
    x_test, y_test = images(test, seed=4)
    np.savez(path, x_train=x, y_train=y, x_test=x_test, y_test=y_test, classes=np.array(CLASSES))
    return path


def same_run(one, two):
    """Assert that two runs hold the same bits: parameters, optimizer state, position, log."""
    assert (one / "log.jsonl").read_bytes() == (two / "log.jsonl").read_bytes()
    for name in ("last.safetensors", "best.safetensors"):
        arrays, words = read_model_file(one / name)
        others, other_words = read_model_file(two / name)
        assert words == other_words, name
        assert arrays.keys() == others.keys(), name
        for array in arrays:
            assert arrays[array].tobytes() == others[array].tobytes(), f"{name}: {array}"


def write_folder(folder, each=7):
    """Write a folder of images in one folder per class."""
    x, labels = images(3 * each)
    for at, (image, label) in enumerate(zip(x, labels, strict=True)):
        place = folder / CLASSES[label]
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image[0]).save(place / f"{at}.png")
    return folder
