"""Files are written completely or not at all."""

import errno
import os
import stat

import numpy as np
import pytest

import convscope as cs
from convscope.errors import BadFile
from convscope.files.atomic import remove_unfinished, write_atomically, write_durably, write_file
from convscope.training.model_io import read_model_file


def test_text_and_bytes_are_written(tmp_path):
    """Text is encoded as UTF-8."""
    write_file(tmp_path / "a.txt", "感受野 ×\n")
    write_file(str(tmp_path / "b.bin"), b"\x00\xff")
    assert (tmp_path / "a.txt").read_bytes() == "感受野 ×\n".encode()
    assert (tmp_path / "b.bin").read_bytes() == b"\x00\xff"
    assert sorted(os.listdir(tmp_path)) == ["a.txt", "b.bin"]


def test_new_file_has_default_permissions(tmp_path):
    """Temporary files are often readable by their owner only."""
    before = os.umask(0o027)
    try:
        write_file(tmp_path / "a.txt", "a")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a.txt").stat().st_mode) == 0o640


def test_failure_leaves_the_old_file(tmp_path, monkeypatch):
    """The old content stays, and no temporary file is left."""
    path = tmp_path / "a.txt"
    path.write_text("old")

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(BadFile) as caught:
        write_file(path, "new")
    assert str(caught.value) == (
        f"Cannot write {str(path)!r} (no space left on device). Choose an existing folder that you may write "
        "to. [save]"
    )
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["a.txt"]


@pytest.mark.parametrize(
    ("name", "reason"),
    [("missing/a.txt", "no such file or directory"), ("", "it is a folder"), ("f/a", "not a directory")],
)
def test_unwritable_paths_are_reported(tmp_path, name, reason):
    (tmp_path / "f").write_text("a file")
    path = f"{tmp_path}/{name}"
    with pytest.raises(BadFile) as caught:
        write_file(path, "new")
    assert str(caught.value) == (
        f"Cannot write {path!r} ({reason}). Choose an existing folder that you may write to. [save]"
    )


def test_replaced_file_is_kept_under_another_name(tmp_path):
    path = tmp_path / "a"
    write_durably(path, b"one", tmp_path / "before")
    assert not (tmp_path / "before").exists()
    write_durably(path, b"two", tmp_path / "before")
    assert (path.read_bytes(), (tmp_path / "before").read_bytes()) == (b"two", b"one")
    assert sorted(os.listdir(tmp_path)) == ["a", "before"]


def no_space(*arguments):
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_full_disk_leaves_only_the_old_file(tmp_path, monkeypatch, call):
    path = tmp_path / "a"
    write_durably(path, b"one")
    monkeypatch.setattr(os, call, no_space)
    with pytest.raises(BadFile) as caught:
        write_durably(path, b"two")
    assert str(caught.value) == (
        f"Cannot write {str(path)!r} (no space left on device). Files saved earlier are intact. Free disk "
        "space or choose another folder, then resume. [write-failed]"
    )
    assert path.read_bytes() == b"one"
    assert os.listdir(tmp_path) == ["a"]


def test_run_stopped_by_a_full_disk_resumes(tmp_path, monkeypatch):
    """The last checkpoint is intact, and the resumed run is bit-identical."""
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


def test_replaced_file_keeps_its_permissions(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"old")
    path.chmod(0o604)
    write_atomically(path, [b"n", b"ew"])
    assert (path.read_bytes(), stat.S_IMODE(path.stat().st_mode)) == (b"new", 0o604)


def test_unfinished_files_are_removed_and_others_stay(tmp_path, monkeypatch):
    """A killed process has no chance to remove its temporary file."""
    (tmp_path / ".hidden").touch()
    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", no_space)
        patch.setattr("pathlib.Path.unlink", lambda *_, **__: None)
        with pytest.raises(OSError, match="No space left"):
            write_atomically(tmp_path / "a", b"new")
    assert len(os.listdir(tmp_path)) == 2
    remove_unfinished(tmp_path)
    assert os.listdir(tmp_path) == [".hidden"]
