"""Pipes and devices in the place of files: one message and exit code 2, without waiting for them."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

import numpy as np
import pytest

import convscope as cs
from convscope.cli import main
from convscope.training.history import read_log

pytestmark = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no named pipes")

NETWORK = "input 1x8x8 | conv 4 3 | relu | flatten | dense 10"


class Waiting(BaseException):
    """No error that anybody handles."""


@pytest.fixture(autouse=True)
def bounded() -> Iterator[None]:
    """End a test that waits, as opening a pipe does."""

    def end(number: int, frame: FrameType | None) -> None:
        raise Waiting

    before = signal.signal(signal.SIGALRM, end)
    signal.alarm(120)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("irregular") / "run"
    draw = np.random.default_rng(0)
    data = draw.normal(size=(12, 1, 8, 8)).astype(np.float32), draw.integers(0, 10, 12)
    cs.Model(NETWORK, engine="reference").fit(data, epochs=1, run=folder, progress=False)
    return folder


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("net.onnx", ["inspect", "net.onnx"]),
        ("net.yaml", ["inspect", "net.yaml"]),
        ("net.json", ["inspect", "net.json"]),
        ("options.yaml", ["train", NETWORK, "--data", "digits", "--config", "options.yaml"]),
        ("data.npz", ["train", NETWORK, "--data", "data.npz"]),
        ("train-images-idx3-ubyte.gz", ["train", NETWORK, "--data", "mnist", "--data-dir", "."]),
        ("train-images-idx3-ubyte", ["train", NETWORK, "--data", "mnist", "--data-dir", "."]),
        ("cifar-10-binary.tar.gz", ["train", NETWORK, "--data", "cifar10", "--data-dir", "."]),
        ("images/train/one/1.png", ["train", NETWORK, "--data", "images"]),
        ("digit.png", ["predict", "run", "digit.png"]),
        ("run/run.json", ["train", "--resume", "run"]),
        ("run/best.safetensors", ["evaluate", "run", "--data", "digits"]),
        ("model.safetensors", ["predict", "model.safetensors", "digit.png"]),
    ],
)
def test_pipe_instead_of_a_file_is_refused(
    name: str,
    arguments: list[str],
    run: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    shutil.copytree(run, tmp_path / "run")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CONVSCOPE_DATA", raising=False)
    pipe = tmp_path / name
    pipe.parent.mkdir(parents=True, exist_ok=True)
    pipe.unlink(missing_ok=True)
    os.mkfifo(pipe)
    (tmp_path / "train-labels-idx1-ubyte.gz").touch()  # not to be fetched
    assert main(arguments) == 2
    told = capsys.readouterr().err
    assert told.startswith("convscope: ")
    assert "Traceback" not in told
    assert Path(name).name in told or str(Path(name).parent) in told


def test_pipe_instead_of_external_data_is_refused(tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    path = tmp_path / "net.onnx"
    cs.to_onnx(cs.Model(NETWORK, engine="reference"), path)
    onnx.save(onnx.load(str(path)), str(path), save_as_external_data=True, location="net.data", size_threshold=0)
    (tmp_path / "net.data").unlink()
    os.mkfifo(tmp_path / "net.data")
    with pytest.raises(cs.errors.BadFile, match=r"net\.data'?\"?: not a regular file"):
        cs.from_onnx(path, parameters=True)


def test_pipe_instead_of_a_log_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "log.jsonl")
    with pytest.raises(cs.errors.BadFile, match=r"log\.jsonl' is not the readable log of a run"):
        list(read_log(tmp_path / "log.jsonl"))
