"""Published datasets, read from their original files."""

import gzip
import os
import re
import struct
import tracemalloc
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import numpy as np
import pytest

from convscope.data import load_data
from convscope.data.datasets import CIFAR_ARCHIVE, KNOWN_DATASETS, MNIST, find_files, read_idx
from convscope.errors import BadFile, MissingExtra
from data.original_files import cifar_archive, cifar_members, idx, mnist_files

ALL = (
    "train-images-idx3-ubyte.gz, train-labels-idx1-ubyte.gz, t10k-images-idx3-ubyte.gz, t10k-labels-idx1-ubyte.gz"
)


@pytest.fixture(autouse=True)
def own_places(monkeypatch, tmp_path):
    """Tests use neither the user's folders nor the network."""
    monkeypatch.delenv("CONVSCOPE_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for name, original in KNOWN_DATASETS.items():
        monkeypatch.setitem(KNOWN_DATASETS, name, replace(original, mirrors=("http://127.0.0.1:9/",)))


@pytest.mark.parametrize("pack", [True, False])
@pytest.mark.parametrize("inside", ["", "mnist"])
def test_mnist_files_are_found(tmp_path, monkeypatch, pack, inside):
    """In the folder or its subfolder, compressed or not, from data_dir or the variable."""
    made = mnist_files(tmp_path / "data" / inside, pack)
    given = load_data("mnist", "test", tmp_path / "data")
    monkeypatch.setenv("CONVSCOPE_DATA", str(tmp_path / "data"))
    for source in (given, load_data("MNIST", "test")):
        x, labels = source.batch(np.array([7, 2]))
        np.testing.assert_allclose(x[:, 0], made["t10k"][0][[7, 2]] / 255, rtol=1e-6)
        np.testing.assert_array_equal(labels, [7, 2])
        assert (source.image_shape, source.classes) == ((1, 28, 28), tuple("0123456789"))


def test_data_dir_takes_precedence_over_variable(tmp_path, monkeypatch):
    mnist_files(tmp_path / "one", images=20)
    mnist_files(tmp_path / "two", images=40)
    monkeypatch.setenv("CONVSCOPE_DATA", str(tmp_path / "two"))
    assert len(load_data("mnist", "test", tmp_path / "one")) == 10


def test_train_and_validation_share_no_image(tmp_path):
    """Together they are the training files."""
    mnist_files(tmp_path, images=60)
    whole = load_data("mnist", "train", tmp_path, hold_out=0)
    train, held = (load_data("mnist", part, tmp_path) for part in ("train", "validation"))
    assert (len(whole), len(train), len(held)) == (60, 50, 10)
    images = [source.batch(np.arange(len(source)))[0].tobytes() for source in (train, held, whole)]
    size = len(images[2]) // 60
    sets = [{data[i : i + size] for i in range(0, len(data), size)} for data in images]
    assert not sets[0] & sets[1]
    assert sets[0] | sets[1] == sets[2]


def test_cifar_is_read_from_archive_and_folder(tmp_path):
    """Both the archive and its unpacked folder are read."""
    members = cifar_members()
    (tmp_path / "packed").mkdir()
    cifar_archive(tmp_path / "packed" / CIFAR_ARCHIVE, members)
    unpacked = tmp_path / "unpacked" / "cifar10" / "cifar-10-batches-bin"
    unpacked.mkdir(parents=True)
    for name, content in members.items():
        (unpacked / name).write_bytes(content)
    for folder in ("packed", "unpacked"):
        train = load_data("cifar10", "train", tmp_path / folder, hold_out=0)
        test = load_data("cifar10", "test", tmp_path / folder)
        assert (len(train), len(test), train.image_shape) == (20, 4, (3, 32, 32))
        x, labels = test.batch(np.array([3]))
        record = np.frombuffer(members["test_batch.bin"], np.uint8).reshape(4, 3073)[3]
        assert labels.tolist() == [3]
        np.testing.assert_allclose(x.ravel(), record[1:] / 255, rtol=1e-6)
        assert train.classes[:2] == ("airplane", "automobile")


def test_damaged_cifar_archives_are_reported(tmp_path):
    path = tmp_path / CIFAR_ARCHIVE
    members = cifar_members()
    cifar_archive(path, members | {"test_batch.bin": members["test_batch.bin"][:-1]})
    message = (
        f"'{path}/test_batch.bin' is not an intact file of the binary version of CIFAR-10 (12,291 bytes, not 1 "
        "to 10,000 records of 3,073 bytes). Download cifar-10-binary.tar.gz again. [file-damaged]"
    )
    with pytest.raises(BadFile, match=f"^{re.escape(message)}$"):
        load_data("cifar10", "test", tmp_path)
    cifar_archive(path, {"data_batch_1.bin": members["data_batch_1.bin"]})
    with pytest.raises(BadFile, match=r"CIFAR-10 \(no test_batch\.bin\)\. Download"):
        load_data("cifar10", "test", tmp_path)
    path.write_bytes(b"no archive")
    with pytest.raises(BadFile, match=r"cifar-10-binary\.tar\.gz' is not an intact file .* \[file-damaged\]$"):
        load_data("cifar10", "test", tmp_path)


def test_truncated_idx_files_are_reported(tmp_path):
    """At any length, compressed or not."""
    whole = idx(np.zeros((3, 5, 4), np.uint8))
    for name, content in (("a-ubyte", whole), ("b-ubyte.gz", gzip.compress(whole))):
        path = tmp_path / name
        for length in range(len(content)):
            path.write_bytes(content[:length])
            with pytest.raises(
                BadFile, match=rf"^'{re.escape(str(path))}' (is|must) .*\[(file-damaged|idx-size)\]$"
            ):
                read_idx(path, 3)
        path.write_bytes(content)
        assert read_idx(path, 3).shape == (3, 5, 4)


def test_idx_files_with_other_headers_are_refused(tmp_path):
    path = tmp_path / "labels"
    path.write_bytes(idx(np.zeros(3, np.uint8)))
    message = (
        f"'{path}' is not an IDX file of bytes with 3 axes, by its header. Restore the original file. [idx-header]"
    )
    with pytest.raises(BadFile, match=f"^{re.escape(message)}$"):
        read_idx(path, 3)
    path.write_bytes(idx(np.zeros(3, np.uint8)) + b"more")
    message = f"'{path}' must contain 3 bytes for 3 (got more). Download it again. [idx-size]"
    with pytest.raises(BadFile, match=f"^{re.escape(message)}$"):
        read_idx(path, 1)


def test_idx_file_longer_than_its_header_is_refused(tmp_path):
    """No more is read than the header declares: 200 MB of zeros follow a header for three bytes."""
    path = tmp_path / "labels.gz"
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(struct.pack(">HBBI", 0, 8, 1, 3))
        for _ in range(200):
            file.write(bytes(1 << 20))
    tracemalloc.start()
    try:
        with pytest.raises(
            BadFile, match=r"must contain 3 bytes for 3 \(got more\)\. Download it again\. \[idx-size\]$"
        ):
            read_idx(path, 1)
        assert tracemalloc.get_traced_memory()[1] < 10 << 20
    finally:
        tracemalloc.stop()


class _Files(BaseHTTPRequestHandler):
    """Serves contents by path, and counts the requests."""

    def do_GET(self):
        self.server.asked.append(self.path)
        content = self.server.contents.get(self.path)
        self.send_response(404 if content is None else 200)
        self.send_header("Content-Length", str(len(content or b"")))
        self.end_headers()
        self.wfile.write(content or b"")

    def log_message(self, format, *args):
        pass


@pytest.fixture
def server():
    with ThreadingHTTPServer(("127.0.0.1", 0), _Files) as running:
        running.asked, running.contents = [], {}
        running.url = f"http://127.0.0.1:{running.server_port}"
        thread = Thread(target=running.serve_forever, daemon=True)
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def served(server, contents, mirrors):
    """Return MNIST with this server as mirrors: contents by path, checksums of the first mirror's files."""
    import hashlib

    server.contents = contents
    checksums = {
        name: f"sha256:{hashlib.sha256(contents[f'/right/{name}']).hexdigest()}" for name in MNIST.checksums
    }
    return replace(MNIST, checksums=checksums, mirrors=tuple(f"{server.url}/{mirror}/" for mirror in mirrors))


def right_files(tmp_path):
    made = tmp_path / "made"
    mnist_files(made)
    return {f"/right/{path.name}": path.read_bytes() for path in made.iterdir()}


def test_files_are_downloaded_once(tmp_path, server, monkeypatch):
    """The downloaded files are stored in data_dir and not requested again."""
    monkeypatch.setitem(KNOWN_DATASETS, "mnist", served(server, right_files(tmp_path), ["right"]))
    assert len(load_data("mnist", "test", tmp_path / "data")) == 10
    assert server.asked == ["/right/t10k-images-idx3-ubyte.gz", "/right/t10k-labels-idx1-ubyte.gz"]
    assert sorted(path.name for path in (tmp_path / "data" / "mnist").iterdir()) == [
        "t10k-images-idx3-ubyte.gz",
        "t10k-labels-idx1-ubyte.gz",
    ]
    assert len(load_data("mnist", "test", tmp_path / "data")) == 10
    assert len(server.asked) == 2


def test_mirrors_are_tried_in_turn(tmp_path, server, monkeypatch):
    """The first mirror lacks the file, the second has damaged files, the third is correct."""
    contents = right_files(tmp_path)
    bad = {path.replace("right", "damaged"): content[:-1] for path, content in contents.items()}
    original = served(server, contents | bad, ["absent", "damaged", "right"])
    found = find_files(original, "test", tmp_path / "data")
    assert found["t10k-labels-idx1-ubyte.gz"].read_bytes() == contents["/right/t10k-labels-idx1-ubyte.gz"]
    assert server.asked[:3] == [f"/{m}/t10k-images-idx3-ubyte.gz" for m in ("absent", "damaged", "right")]


def test_missing_files_without_network_are_listed(tmp_path, server, monkeypatch):
    """The message lists the mirrors, the files and their folder. No empty folder is left."""
    contents = right_files(tmp_path)
    bad = {path.replace("right", "damaged"): content[:-1] for path, content in contents.items()}
    original = served(server, contents | bad, ["absent", "damaged"])
    original = replace(original, mirrors=(*original.mirrors, "http://127.0.0.1:9/"))
    data = tmp_path / "data"
    data.mkdir()
    message = (
        f"mnist needs its original files (no t10k-images-idx3-ubyte.gz in {data}, {tmp_path}/cache/convscope), "
        f"and downloading failed from {server.url}/absent/ (HTTP status 404), {server.url}/damaged/ (wrong "
        f"checksum), http://127.0.0.1:9/ (no connection). Put {ALL} into {data}/mnist, or pass their folder as "
        "--data-dir or CONVSCOPE_DATA. [data-missing]"
    )
    with pytest.raises(BadFile, match=f"^{re.escape(message)}$"):
        find_files(original, "test", data)
    assert list(data.iterdir()) == []


def test_missing_pooch_is_reported(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pooch", None)
    message = (
        f"mnist needs its original files (no train-images-idx3-ubyte.gz in {tmp_path}/cache/convscope). Run "
        f"`pip install pooch` to download them, put {ALL} into {tmp_path}/cache/convscope/mnist, or pass their "
        "folder as --data-dir or CONVSCOPE_DATA. [data-missing]"
    )
    with pytest.raises(MissingExtra, match=f"^{re.escape(message)}$"):
        load_data("mnist")


REAL = os.environ.get("CONVSCOPE_DATA")


@pytest.mark.skipif(
    not REAL or not any(Path(REAL).glob("**/train-images-idx3-ubyte*")),
    reason="the real MNIST is looked for in the folder that CONVSCOPE_DATA names",
)
def test_real_mnist_matches_published_numbers(monkeypatch):
    monkeypatch.setenv("CONVSCOPE_DATA", REAL)
    train, test = load_data("mnist", "train", hold_out=0), load_data("mnist", "test")
    assert (len(train), len(test)) == (60_000, 10_000)
    assert np.bincount(test.labels).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    x, _ = train.batch(np.arange(60_000))
    assert x.mean() == pytest.approx(0.1307, abs=5e-5)
    assert x.std() == pytest.approx(0.3081, abs=5e-5)
