"""Opening regular files only, without blocking, with and without POSIX flags."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from convscope.files import regular as files


def outcome(code: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Run code in another process, since opening a pipe may block forever."""
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


OPEN = """
import sys
from convscope.files.regular import open_regular

try:
    with open_regular(sys.argv[1], follow=sys.argv[2] == "follow") as file:
        print(file.read())
except OSError as error:
    print(type(error).__name__, error.strerror)
"""


@pytest.mark.parametrize("follow", ["follow", "stay"])
def test_open_regular_with_a_file_reads_its_bytes(tmp_path: Path, follow: str) -> None:
    (tmp_path / "file").write_bytes(b"\r\n\x1a\0")
    assert outcome(OPEN, tmp_path / "file", follow).stdout == "b'\\r\\n\\x1a\\x00'\n"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no named pipes")
def test_open_regular_with_a_pipe_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert outcome(OPEN, tmp_path / "pipe", "follow").stdout == "OSError not a regular file\n"


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="the system has no such device")
def test_open_regular_with_a_device_is_refused() -> None:
    assert outcome(OPEN, "/dev/zero", "follow").stdout == "OSError not a regular file\n"


def test_open_regular_with_a_folder_or_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OSError, match=r"directory|denied"):
        files.open_regular(tmp_path)
    with pytest.raises(FileNotFoundError):
        files.open_regular(tmp_path / "nothing")


@pytest.mark.skipif(not hasattr(os, "O_NOFOLLOW"), reason="the system cannot refuse links")
def test_open_regular_with_a_link_follows_it_only_if_asked(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"1")
    (tmp_path / "link").symlink_to("file")
    with files.open_regular(tmp_path / "link") as file:
        assert file.read() == b"1"
    with pytest.raises(OSError, match="symbolic links"):
        files.open_regular(tmp_path / "link", follow=False)


def test_open_regular_without_posix_flags_still_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC"):
        monkeypatch.delattr(os, name, raising=False)
    (tmp_path / "file").write_bytes(b"12")
    with files.open_regular(tmp_path / "file", follow=False) as file:
        assert file.read() == b"12"


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="the system knows no owners")
def test_make_private_sets_the_mode_of_a_new_folder_only(tmp_path: Path) -> None:
    old = tmp_path / "old"
    old.mkdir()
    old.chmod(0o755)
    for folder in (tmp_path / "a" / "new", old):
        files.make_private(folder)
    assert stat.S_IMODE((tmp_path / "a" / "new").stat().st_mode) == 0o700
    assert stat.S_IMODE(old.stat().st_mode) == 0o755


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="the system knows no owners")
@pytest.mark.parametrize(
    ("mode", "who"),
    [
        (0o700, None),
        (0o755, None),
        (0o775, "others, as its mode 775 allows"),
        (0o707, "others, as its mode 707 allows"),
        (0o1777, "others, as its mode 1777 allows"),
    ],
)
def test_who_else_writes_reads_the_mode(tmp_path: Path, mode: int, who: str | None) -> None:
    tmp_path.chmod(mode)
    assert files.who_else_writes(tmp_path) == who


def test_who_else_writes_names_another_owner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    owner = tmp_path.stat().st_uid
    monkeypatch.setattr(os, "geteuid", lambda: owner + 1, raising=False)
    assert files.who_else_writes(tmp_path) == f"user {owner}, who owns it"
    monkeypatch.delattr(os, "geteuid")
    assert files.who_else_writes(tmp_path) is None
