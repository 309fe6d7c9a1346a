import os
import stat

import pytest

from convscope.errors import BadFile
from convscope.files.atomic import write_file


def test_text_and_bytes(tmp_path):
    """Text is UTF-8, bytes are bytes."""
    write_file(tmp_path / "a.txt", "感受野 ×\n")
    write_file(str(tmp_path / "b.bin"), b"\x00\xff")
    assert (tmp_path / "a.txt").read_bytes() == "感受野 ×\n".encode()
    assert (tmp_path / "b.bin").read_bytes() == b"\x00\xff"
    assert sorted(os.listdir(tmp_path)) == ["a.txt", "b.bin"]


def test_a_new_file_has_the_usual_permissions(tmp_path):
    """Not those of a temporary file, which only its owner may read."""
    before = os.umask(0o027)
    try:
        write_file(tmp_path / "a.txt", "a")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a.txt").stat().st_mode) == 0o640


def test_a_failure_leaves_the_old_file(tmp_path, monkeypatch):
    """Whatever happens before the end, the old content stays, and nothing is left beside it."""
    path = tmp_path / "a.txt"
    path.write_text("old")

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(BadFile) as caught:
        write_file(path, "new")
    assert str(caught.value) == (
        f"the file to save must be one that can be written; got {str(path)!r} (no space left on device); "
        "choose a folder that exists and that you may write to. [save]"
    )
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["a.txt"]


@pytest.mark.parametrize(
    ("name", "reason"),
    [("missing/a.txt", "no such file or directory"), ("", "it is a folder"), ("f/a", "not a directory")],
)
def test_places_that_cannot_be_written(tmp_path, name, reason):
    """The message names the file and why."""
    (tmp_path / "f").write_text("a file")
    path = f"{tmp_path}/{name}"
    with pytest.raises(BadFile) as caught:
        write_file(path, "new")
    assert str(caught.value) == (
        f"the file to save must be one that can be written; got {path!r} ({reason}); "
        "choose a folder that exists and that you may write to. [save]"
    )
