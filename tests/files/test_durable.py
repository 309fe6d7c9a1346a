"""Files are written whole or not at all."""

import errno
import os

import numpy as np
import pytest

import convscope as cs
from convscope.errors import BadFile
from convscope.files.atomic import write_durably
from convscope.training.model_io import read_model_file


def test_a_file_is_replaced_and_the_old_one_kept(tmp_path):
    path = tmp_path / "a"
    write_durably(path, b"one", tmp_path / "before")
    assert not (tmp_path / "before").exists()
    write_durably(path, b"two", tmp_path / "before")
    assert (path.read_bytes(), (tmp_path / "before").read_bytes()) == (b"two", b"one")
    assert sorted(os.listdir(tmp_path)) == ["a", "before"]


def no_space(*arguments):
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_full_disk_leaves_the_old_file_and_no_other(tmp_path, monkeypatch, call):
    path = tmp_path / "a"
    write_durably(path, b"one")
    monkeypatch.setattr(os, call, no_space)
    with pytest.raises(BadFile) as caught:
        write_durably(path, b"two")
    assert str(caught.value) == (
        f"{str(path)!r} must be a file that can be written; got an error (no space left on device); what was saved "
        "before is intact: make room or choose another folder, then resume. [write-failed]"
    )
    assert path.read_bytes() == b"one"
    assert os.listdir(tmp_path) == ["a"]


def test_a_disk_that_fills_stops_the_run_and_it_goes_on_later(tmp_path, monkeypatch):
    """The error names the file; the checkpoint before is whole, and the resumed run ends as if nothing was."""
    data = (np.random.default_rng(3).normal(size=(12, 1, 3, 2)), np.arange(12) % 2)
    net = "input 1x3x2 | flatten | dense 2"
    whole = cs.Model(net)
    whole.fit(data, epochs=4, batch_size=5, run=tmp_path / "whole", progress=False)
    folder, calls, real = tmp_path / "run", [], os.fsync

    def fills_up(number):
        calls.append(number)
        if len(calls) > 14:
            no_space()
        real(number)

    monkeypatch.setattr(os, "fsync", fills_up)
    with pytest.raises(BadFile, match=r"no space left on device.*\[write-failed\]$"):
        cs.Model(net).fit(data, epochs=4, batch_size=5, run=folder, progress=False)
    monkeypatch.setattr(os, "fsync", real)
    assert 0 < read_model_file(folder / "last.safetensors").metadata["position"]["step"] < 12
    resumed = cs.Model(net)
    resumed.fit(data, resume=folder, progress=False)
    for name in whole.parameters:
        np.testing.assert_array_equal(resumed.parameters[name], whole.parameters[name])
    assert (folder / "log.jsonl").read_bytes() == (tmp_path / "whole" / "log.jsonl").read_bytes()
