"""Datasets of image files in class folders."""

import os
import re
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest

from convscope.data import FolderDataset, load_data
from convscope.errors import BadData, BadFile, MissingExtra
from convscope.images import read_image

Image = pytest.importorskip("PIL.Image")

SIZE = (7, 5)  # rows, columns


def color(seed, size=SIZE):
    return np.random.default_rng(seed).integers(0, 256, (*size, 3), np.uint8)


def save(path, pixels, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, **options)
    return path


@pytest.fixture
def animals(tmp_path):
    """Two classes of color images, written in arbitrary order."""
    for seed, name in ((3, "dog/b.png"), (1, "cat/z.png"), (2, "cat/A.PNG"), (4, "dog/a.bmp"), (5, "dog/c.png")):
        save(tmp_path / name, color(seed), format=name[-3:].upper())
    (tmp_path / "cat" / "notes.txt").write_text("no image")
    (tmp_path / "cat" / "._z.png").write_text("hidden")
    (tmp_path / ".hidden").mkdir()
    return tmp_path


def refused(message, error, make):
    with pytest.raises(error, match=f"^{re.escape(message)}$"):
        make()


def test_images_are_sorted_by_name(animals):
    """By class, then by file. Hidden files and other types are ignored."""
    source = FolderDataset(animals)
    assert source.classes == ("cat", "dog")
    assert [file.name for file in source.files] == ["A.PNG", "z.png", "a.bmp", "b.png", "c.png"]
    assert source.labels.tolist() == [0, 0, 1, 1, 1]
    assert (len(source), source.image_shape) == (5, (3, *SIZE))
    x, labels = source.batch(np.array([3, 1]))
    assert labels.tolist() == [1, 0]
    for image, seed in zip(x, (3, 1), strict=True):
        np.testing.assert_allclose(image, color(seed).transpose(2, 0, 1) / 255, rtol=1e-6)


def test_pixels_are_read_on_access(animals, monkeypatch):
    """Only the images of a batch are read: a folder may be larger than the memory."""
    from convscope.data import folder

    source = FolderDataset(animals)
    read = []

    def noted(path, *settings):
        read.append(path.name)
        return read_image(path, *settings)

    monkeypatch.setattr(folder, "read_image", noted)
    source.batch(np.array([4, 0]))
    assert read == ["c.png", "A.PNG"]


def test_gray_images_have_one_channel(tmp_path):
    """Only if all are gray; one color image makes all of them color. `channels` overrides this."""
    save(tmp_path / "a" / "1.png", color(1)[..., 0])
    save(tmp_path / "b" / "2.png", color(2)[..., 0])
    assert FolderDataset(tmp_path).image_shape == (1, *SIZE)
    save(tmp_path / "b" / "3.png", color(3))
    assert FolderDataset(tmp_path).image_shape == (3, *SIZE)
    gray = FolderDataset(tmp_path, channels=1)
    expected = color(3) @ np.array([0.299, 0.587, 0.114]) / 255
    np.testing.assert_allclose(gray.batch(np.array([2]))[0][0, 0], expected, atol=0.6 / 255)


@pytest.mark.parametrize("size", [(8, 5), (7, 6)])
def test_mixed_sizes_are_refused_or_resized(animals, size):
    odd = save(animals / "dog" / "d.png", color(9, size))
    refused(
        f"Images must be of one size (got 7×5 in '{animals}/cat/A.PNG' and {size[0]}×{size[1]} in '{odd}'). "
        "Pass a size to resize them to. [image-sizes]",
        BadData,
        lambda: FolderDataset(animals),
    )
    assert load_data(animals, resize=(4, 6)).image_shape == (3, 4, 6)
    assert load_data(animals, resize=9).image_shape == (3, 9, 9)


def test_resizing_keeps_the_layout(tmp_path):
    """A bright bottom half stays at the bottom, and the mean is kept."""
    pixels = np.zeros((8, 6), np.uint8)
    pixels[4:] = 200
    save(tmp_path / "a" / "1.png", pixels)
    x, _ = FolderDataset(tmp_path, resize=(4, 3)).batch(np.array([0]))
    assert x.shape == (1, 1, 4, 3)
    assert (np.diff(x[0, 0].mean(axis=1)) >= 0).all()
    assert x.mean() == pytest.approx(100 / 255, abs=1 / 255)


def test_exif_orientation_is_applied(tmp_path):
    """Orientation 6 swaps height and width."""
    exif = Image.Exif()
    exif[0x0112] = 6  # turn a quarter clockwise to see it upright
    pixels = color(1)
    save(tmp_path / "a" / "1.png", pixels, exif=exif)
    source = FolderDataset(tmp_path)
    assert source.image_shape == (3, SIZE[1], SIZE[0])
    x, _ = source.batch(np.array([0]))
    np.testing.assert_allclose(x[0].transpose(1, 2, 0), np.rot90(pixels, -1) / 255, rtol=1e-6)


def test_truncated_images_are_reported(animals):
    """Before training starts. With skip_corrupt they are left out and listed."""
    path = animals / "dog" / "b.png"
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(BadFile, match=rf"^'{re.escape(str(path))}' is a damaged image file .* \[image-file\]$"):
        FolderDataset(animals)
    whole = FolderDataset(animals, skip_corrupt=True)
    assert whole.skipped == (str(path),)
    assert [file.name for file in whole.files] == ["A.PNG", "z.png", "a.bmp", "c.png"]
    assert whole.labels.tolist() == [0, 0, 1, 1]


def test_corrupt_images_are_reported_on_creation(animals):
    path = animals / "cat" / "z.png"
    path.write_bytes(b"hello")
    message = (
        f"'{path}' is a damaged image file (unknown image format). Repair or remove it, or pass --skip-corrupt "
        "(in Python skip_corrupt=True). [image-file]"
    )
    refused(message, BadFile, lambda: FolderDataset(animals))
    whole = FolderDataset(animals, skip_corrupt=True)
    assert whole.skipped == (str(path),)
    assert whole.labels.tolist() == [0, 1, 1, 1]


def test_folder_of_corrupt_images_is_refused(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "1.png").write_bytes(b"")
    refused(
        f"'{tmp_path}' has no readable image (damaged: 1). Download the images again. [folder-empty]",
        BadData,
        lambda: FolderDataset(tmp_path, skip_corrupt=True),
    )


@pytest.mark.parametrize("sides", [(40_000, 40_000), (10_001, 10_000)])
def test_decompression_bombs_are_refused(tmp_path, sides):
    """By their headers, before decompression."""

    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    head = struct.pack(">IIBBBBB", *sides, 8, 2, 0, 0, 0)
    path = tmp_path / "a" / "1.png"
    path.parent.mkdir()
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", b"") + chunk(b"IEND", b""))
    refused(
        f"'{path}' has more than 100,000,000 pixels. Resize or remove it. [image-pixels]",
        BadFile,
        lambda: FolderDataset(tmp_path),
    )


def test_folder_without_classes_is_refused(tmp_path):
    save(tmp_path / "1.png", color(1))
    refused(
        f"'{tmp_path}' has no subfolders. Create a folder of images for each class. [folder-classes]",
        BadData,
        lambda: load_data(tmp_path),
    )


def test_folder_without_images_is_refused(tmp_path):
    (tmp_path / "a").mkdir()
    refused(
        f"'{tmp_path}' has no images in its class folders (no file ending in .bmp, .gif, .jpeg, .jpg, .pbm, "
        ".pgm, .png, .ppm, .tif, .tiff, .webp). Add images. [folder-empty]",
        BadData,
        lambda: FolderDataset(tmp_path),
    )


def test_missing_folder_is_reported():
    refused(
        "'nowhere/at/all' is not a readable folder (no such file or directory). Check the path. [folder-missing]",
        BadFile,
        lambda: FolderDataset(Path("nowhere/at/all")),
    )


def test_missing_pillow_is_reported(animals, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "PIL", None)
    refused(
        "Reading image files needs Pillow, which is not installed. Run `pip install pillow`. [data-extra]",
        MissingExtra,
        lambda: FolderDataset(animals),
    )


def test_changed_image_size_is_reported(animals):
    source = FolderDataset(animals)
    path = save(animals / "cat" / "z.png", color(1, (9, 9)))
    refused(
        f"'{path}' has changed its size since the folder was loaded. Load the folder again. [image-sizes]",
        BadData,
        lambda: source.batch(np.array([1])),
    )


def parts(folder, **classes):
    for at, (where, names) in enumerate(classes.items()):
        for name in names:
            save(folder / where / name / "1.png", color(at))


def test_part_folders_are_read(tmp_path):
    """train, val and test, with the classes of train."""
    parts(tmp_path, train=["a", "b", "c"], val=["a", "b", "c"], test=["b"])
    for split, labels in (("train", [0, 1, 2]), ("validation", [0, 1, 2]), ("test", [1])):
        source = load_data(tmp_path, split)
        assert (source.classes, source.labels.tolist()) == (("a", "b", "c"), labels)


def test_validation_without_a_class_is_refused(tmp_path):
    parts(tmp_path, train=["a", "b", "c"], validation=["b"])
    refused(
        "Validation data must have images of every class (got none of a, c; 2 of 3 classes). Add at least one "
        "image of each, or leave the class out of training. [classes-missing]",
        BadData,
        lambda: load_data(tmp_path, "validation"),
    )


def test_validation_with_an_extra_class_is_refused(tmp_path):
    parts(tmp_path, train=["a", "b"], validation=["a", "b", "B", "d"])
    refused(
        f"'{tmp_path}/validation' has classes that the training part lacks: B, d. Name the folders as in "
        "training. [folder-unknown]",
        BadData,
        lambda: load_data(tmp_path, "validation"),
    )


def test_parts_of_different_sizes_are_refused(tmp_path):
    parts(tmp_path, train=["a"])
    save(tmp_path / "test" / "a" / "1.png", color(1, (4, 6)))
    refused(
        "Images must be of one size (got 7×5 in 'train' and 4×6 in 'test'). Pass a size to resize them to. "
        "[image-sizes]",
        BadData,
        lambda: load_data(tmp_path, "test"),
    )


def test_folder_without_parts_holds_out_validation(animals):
    """There is no test part."""
    train, held = load_data(animals), load_data(animals, "validation")
    assert (train.labels.tolist(), held.labels.tolist()) == ([0, 1, 1], [0, 1])
    refused(
        f"'{animals}' has no test part. Add a folder test/ (or x_test and y_test), or evaluate on the validation "
        "part. [data-split]",
        BadData,
        lambda: load_data(animals, "test"),
    )


def test_system_empty_and_hidden_folders_are_ignored(animals):
    """Such as __MACOSX, empty folders and .ipynb_checkpoints."""
    (animals / "__MACOSX" / "cat").mkdir(parents=True)
    (animals / "__MACOSX" / "cat" / "._z.png").write_bytes(b"\0\5\x16\7")
    (animals / "fish").mkdir()
    (animals / "fish" / "Thumbs.db").write_bytes(b"")
    save(animals / ".ipynb_checkpoints" / "a.png", color(1))
    save(animals / "dog" / "@eaDir" / "a.png", color(1))
    source = FolderDataset(animals)
    assert source.classes == ("cat", "dog")
    assert source.left_out == ("__MACOSX", "fish")
    assert len(source) == 5
    assert load_data(animals, "validation").left_out == ("__MACOSX", "fish")


def test_nested_class_folders_are_read(animals):
    """At any depth, after the images of the folder itself. A link to a parent folder is followed once."""
    save(animals / "cat" / "old" / "1990" / "b.png", color(6))
    save(animals / "cat" / "old" / "a.png", color(7))
    save(animals / "cat" / "new" / "c.png", color(8))
    (animals / "cat" / "old" / "loop").symlink_to(animals / "cat")
    source = FolderDataset(animals)
    assert [str(file.relative_to(animals)) for file in source.files] == [
        "cat/A.PNG", "cat/z.png", "cat/new/c.png", "cat/old/a.png", "cat/old/1990/b.png",
        "dog/a.bmp", "dog/b.png", "dog/c.png",
    ]  # fmt: skip
    assert source.labels.tolist() == [0, 0, 0, 0, 0, 1, 1, 1]


def test_nested_folders_match_torchvision_image_folder(animals, tmp_path):
    """By the rule of torchvision's ImageFolder: every file below a class folder that has an image's ending."""
    save(animals / "dog" / "x" / "y" / "d.png", color(6))
    expected = sorted(
        str(Path(root, name))
        for root, _, names in os.walk(animals, followlinks=True)
        for name in names
        if name.lower().endswith((".png", ".bmp")) and not name.startswith(".")
    )
    assert sorted(map(str, FolderDataset(animals).files)) == expected


@pytest.fixture
def reads(monkeypatch, tmp_path_factory):
    """The names of the files that are decoded, with a separate cache."""
    from convscope.data import folder

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
    monkeypatch.delenv("CONVSCOPE_CACHE", raising=False)
    names = []

    def noted(path, *settings):
        names.append(Path(path).name)
        return read_image(path, *settings)

    monkeypatch.setattr(folder, "read_image", noted)
    return names


def grow_old(folder, seconds=3600):
    for path in folder.rglob("*.*"):
        status = path.stat()
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns - seconds * 10**9))


def test_images_are_checked_only_when_they_change(animals, reads):
    grow_old(animals)
    first = FolderDataset(animals)
    assert sorted(reads) == ["A.PNG", "a.bmp", "b.png", "c.png", "z.png"]
    reads.clear()
    second = FolderDataset(animals)
    assert reads == []
    assert (second.files, second.image_shape) == (first.files, first.image_shape)
    path = animals / "dog" / "b.png"
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(BadFile, match=r"b\.png' is a damaged image file"):
        FolderDataset(animals)
    assert reads == ["b.png"]


def test_recently_changed_image_is_not_cached(animals, reads):
    """It may change again within the resolution of the file system's clock."""
    FolderDataset(animals)
    reads.clear()
    FolderDataset(animals)
    assert len(reads) == 5


@pytest.mark.parametrize("content", [b"", b"[]", b'{"reader": 3}', b"\xff"])
def test_damaged_image_cache_is_ignored(animals, reads, content):
    grow_old(animals)
    FolderDataset(animals)
    (store,) = Path(os.environ["XDG_CACHE_HOME"]).rglob("*.json")
    store.write_bytes(content)
    reads.clear()
    FolderDataset(animals)
    assert len(reads) == 5


def test_several_damaged_images_are_counted(animals):
    for name in ("cat/z.png", "dog/b.png", "dog/c.png"):
        (animals / name).write_bytes(b"hello")
    refused(
        f"'{animals}/cat/z.png' is a damaged image file (unknown image format), and 2 more cannot be read. "
        "Repair or remove them, or pass --skip-corrupt (in Python skip_corrupt=True). [image-file]",
        BadFile,
        lambda: FolderDataset(animals),
    )


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no fifos here")
def test_fifo_among_images_does_not_hang(animals):
    os.mkfifo(animals / "cat" / "b.png")
    with pytest.raises(BadFile, match=r"b\.png' is not an image file \(no such file\)"):
        FolderDataset(animals)


def test_name_too_long_for_a_file_is_reported():
    with pytest.raises(BadData, match=r"\[data-name\]$"):
        load_data("x" * 300)
