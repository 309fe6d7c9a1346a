"""Datasets in NumPy archives."""

import io
import re
import zipfile

import numpy as np
import pytest

from convscope.data import arrays, load_data
from convscope.errors import BadData, BadFile

X = np.arange(6 * 2 * 5 * 4, dtype=np.uint8).reshape(6, 2, 5, 4)
Y = np.array([0, 1, 2, 0, 1, 2])


@pytest.fixture
def path(tmp_path):
    return tmp_path / "data.npz"


def refused(message, path, error=BadFile, split="train"):
    with pytest.raises(error, match=f"^{re.escape(message)}$"):
        load_data(path, split, hold_out=0)


@pytest.mark.parametrize("names", [("x", "y"), ("x_train", "y_train"), ("train_images", "train_labels")])
@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_common_array_names_are_accepted(path, names, save):
    save(path, **dict(zip(names, (X, Y[:, None]), strict=True)))
    source = load_data(path, hold_out=0)
    x, labels = source.batch(np.array([4, 1]))
    np.testing.assert_allclose(x, X[[4, 1]] / 255, rtol=1e-6)
    assert labels.tolist() == [1, 1]


def test_all_three_parts_are_read(path):
    np.savez(
        path, x_train=X, y_train=Y, x_val=X[:3], y_val=Y[:3], x_test=X[:1], y_test=Y[:1], classes=["a", "b", "c"]
    )
    sizes = [len(load_data(path, split)) for split in ("train", "validation", "test")]
    assert sizes == [6, 3, 1]
    assert load_data(path).classes == ("a", "b", "c")


@pytest.mark.parametrize(
    ("x", "shape"),
    [
        (np.zeros((6, 9, 8), np.uint8), (1, 9, 8)),
        (np.zeros((6, 9, 8, 3), np.uint8), (3, 9, 8)),
        (np.zeros((6, 3, 9, 8), np.float32), (3, 9, 8)),
        (np.zeros((6, 3, 9, 3), np.float32), (3, 9, 3)),
    ],
)
def test_axis_orders_are_accepted(path, x, shape):
    """Gray without a channel axis, and channels last. Channels first takes precedence."""
    np.savez(path, x=x, y=Y)
    assert load_data(path, hold_out=0).image_shape == shape


def test_channels_last_images_are_transposed(path):
    np.savez(path, x=np.moveaxis(np.repeat(X, 3, axis=1)[:, :3], 1, -1), y=Y)
    x, _ = load_data(path, hold_out=0).batch(np.array([2]))
    np.testing.assert_allclose(x[0], np.repeat(X[2], 3, axis=0)[:3] / 255, rtol=1e-6)


def test_other_array_names_are_refused(path):
    np.savez(path, images=X, y=Y)
    refused(
        f"'{path}' must contain arrays x and y, or x_train and y_train (and x_test, y_test) (got images, y). "
        "Write it with np.savez(path, x=images, y=labels). [npz-names]",
        path,
    )


def test_object_arrays_are_refused(path):
    """Reading them could run code."""
    np.savez(path, x=X, y=np.array([print] * 6, object))
    refused(
        f"'y.npy' in '{path}' must contain numbers or text (got objects, which could run code). Write it with "
        "np.savez. [npz-objects]",
        path,
    )


def test_file_that_is_not_an_archive_is_refused(path):
    path.write_bytes(b"PK no archive")
    refused(
        f"'{path}' is not a readable NumPy archive (.npz) (File is not a zip file). Write it with np.savez. "
        "[npz-file]",
        path,
    )


def test_damaged_archives_are_reported(path):
    """The archive's own checksum detects a changed byte."""
    np.savez(path, x=X, y=Y)
    content = bytearray(path.read_bytes())
    content[content.index(X.tobytes()) + 77] ^= 1
    path.write_bytes(content)
    refused(
        f"'{path}' is not a readable NumPy archive (.npz) (Bad CRC-32 for file 'x.npy'). Write it with "
        "np.savez. [npz-file]",
        path,
    )


def head(shape):
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(file, {"descr": "|u1", "fortran_order": False, "shape": shape})
    return file.getvalue()


def archive(path, content):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("x.npy", content)
        file.writestr("y.npy", b"\x93NUMPY\x01\x00")


def test_oversized_header_is_refused(path):
    """No memory is allocated for sizes that the file does not have, or that are too large."""
    archive(path, head((1000, 1000, 1000, 1000)))
    refused(
        f"'x.npy' in '{path}' must contain at most 8 GiB (got 1,000,000,000,000 bytes). Use a folder of "
        "images. [npz-size]",
        path,
    )
    archive(path, head((10, 1, 8, 8)) + b"few")
    refused(
        f"'x.npy' in '{path}' has another length than its header says (got 131 bytes for 640). Write it with "
        "np.savez. [npz-file]",
        path,
    )
    archive(path, b"text")
    refused(f"'x.npy' in '{path}' is not a NumPy array. Write it with np.savez. [npz-file]", path)


def test_arrays_are_checked(path):
    np.savez(path, x=X, y=Y[:5])
    refused(
        "There must be one label per image (got 5 labels for 6 images). Check that both come from the same "
        "split. [label-count]",
        path,
        BadData,
    )


def test_other_header_versions_are_read(path):
    """A header too long for version 1."""
    fields = np.dtype([("a" * 70_000, "u1")])
    with pytest.warns(UserWarning, match="format 2.0"):
        np.savez(path, x=np.zeros(3, fields), y=Y[:3])
    with pytest.raises(BadFile, match=r"\[npz-file\]$"):
        arrays.load_npz_part(path, "train")


def test_decompression_bomb_is_refused_by_headers(path):
    """1.4 MB that would unpack to 1.4 GB; as much is read where the file is as large as what it holds."""
    rows = np.zeros((1, 3, 512, 512), np.uint8)
    member = head((1800, 3, 512, 512))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        with file.open("x.npy", "w") as x:
            x.write(member)
            for _ in range(1800):
                x.write(rows.tobytes())
        with file.open("y.npy", "w") as y:
            np.lib.format.write_array(y, np.zeros(1800, np.int64))
    size, packed = len(member) + 1800 * rows.nbytes, path.stat().st_size
    assert packed < 1_500_000
    with pytest.raises(
        BadFile, match=r"must unpack to at most 250 times its size, or 256 MiB \(.*\[unpacked-size\]$"
    ):
        load_data(path)
    assert size > 1_400_000_000


def npy(array):
    file = io.BytesIO()
    np.lib.format.write_array(file, array)
    return file.getvalue()


def described(shape, descr, fortran=False):
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(file, {"descr": descr, "fortran_order": fortran, "shape": shape})
    return file.getvalue()


def write(path, x, **others):
    with zipfile.ZipFile(path, "w") as file:
        for name, content in {"x": x, "y": npy(Y), **others}.items():
            file.writestr(f"{name}.npy", content)


ABSURD = {
    "10^15 elements": (
        described((10**15,), "|u1"),
        "must contain at most 8 GiB (got 1,000,000,000,000,000 bytes)",
    ),
    "10^15 of nothing": (
        described((10**15,), "|V0"),
        "must contain at most 8 GiB (got 1,000,000,000,000,000 empty elements)",
    ),
    "400 digits": (
        described((10**400,), "|u1"),
        "must contain at most 8 GiB (got far more)",
    ),
    "negative": (described((-6, 2, 5, 4), "|u1") + X.tobytes(), "has an impossible shape (got (-6, 2, 5, 4))"),
    "too long": (npy(X) + b"?", "has another length than its header says (got 369 bytes for 240)"),
    "too short": (npy(X)[:-1], "has another length than its header says (got 367 bytes for 240)"),
    "parentheses": (b"\x93NUMPY\x01\x00\xf0\xff" + 65520 * b"(", "is not a NumPy array"),
    "of the future": (b"\x93NUMPY\x09\x00" + npy(X)[8:], "is not a NumPy array"),
}


@pytest.mark.parametrize(("member", "message"), ABSURD.values(), ids=ABSURD)
def test_absurd_headers_are_refused(path, member, message):
    write(path, member)
    with pytest.raises(BadFile, match=re.escape(f"'x.npy' in '{path}' {message}")):
        load_data(path)


def test_billion_empty_class_names_are_refused(path):
    write(path, npy(X), classes=described((10**9,), "|S0"))
    refused(
        f"'classes.npy' in '{path}' must have at most 100,000 class names (got 1,000,000,000). Write it with "
        "np.savez. [npz-size]",
        path,
    )


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("kind", ["<f4", ">f4", "<f2", ">f8", "|u1"])
def test_memory_order_of_arrays_does_not_matter(path, order, kind):
    """Column-major order, the other byte order, other precisions."""
    np.savez(path, x=np.asarray(X, kind, order=order), y=Y.astype(">i2"))
    x, labels = load_data(path, hold_out=0).batch(np.array([4, 1]))
    np.testing.assert_allclose(x, X[[4, 1]] / (255 if kind == "|u1" else 1), rtol=1e-6)
    assert labels.tolist() == [1, 1]
