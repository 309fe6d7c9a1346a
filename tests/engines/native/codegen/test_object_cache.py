"""The folder of compiled code: private, bounded, and only what belongs there is read."""

from __future__ import annotations

import hashlib
import os
import stat
import subprocess
import sys
import time
import warnings
from pathlib import Path

import pytest

from convscope.engines.native.codegen import compiler as objects
from convscope.engines.native.codegen import object_cache as cache
from convscope.engines.native.codegen.compiler import DIGEST_BYTES, Loader, symbol
from convscope.engines.native.codegen.object_cache import LIMIT, CacheFolder, cache_limit
from convscope.engines.native.codegen.target import host_cpu
from convscope.errors import BadSetting

from ..test_threads import AddItem
from .test_compiler import compilations

needs_owners = pytest.mark.skipif(not hasattr(os, "geteuid"), reason="the system knows no owners")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CONVSCOPE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(cache, "_refused", set())
    return tmp_path / "cache" / "objects"


def file_of(folder: Path, kernel: AddItem) -> Path:
    return folder / f"{symbol(kernel, host_cpu())}.o"


# private


@needs_owners
def test_cache_folder_is_private(folder: Path) -> None:
    compilations(Loader(host_cpu()), AddItem(2))
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(file_of(folder, AddItem(2)).stat().st_mode) == 0o600


@needs_owners
@pytest.mark.parametrize("mode", [0o720, 0o702, 0o1777])
def test_cache_folder_writable_by_others_is_not_used(folder: Path, mode: int) -> None:
    """Nothing is read or written; one warning says so, however many kernels are looked for."""
    compilations(Loader(host_cpu()), AddItem(2))
    folder.chmod(mode)
    with pytest.warns(RuntimeWarning) as told:
        found = [compilations(Loader(host_cpu()), kernel) for kernel in (AddItem(2), AddItem(3))]
    assert found == [1, 1]
    assert [str(one.message) for one in told] == [
        f"The cache of compiled code in {str(folder)!r} is not used, as it can be changed by others, as its mode {mode:o} "
        "allows. Make the folder private (chmod 700), or set CONVSCOPE_CACHE to another one."
    ]
    assert [file.name for file in folder.iterdir()] == [file_of(folder, AddItem(2)).name]


@needs_owners
def test_cache_folder_of_another_user_is_not_used(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compilations(Loader(host_cpu()), AddItem(2))
    owner = folder.stat().st_uid
    monkeypatch.setattr(os, "geteuid", lambda: owner + 1)
    with pytest.warns(RuntimeWarning, match=f"can be changed by user {owner}, who owns it. Make"):
        assert compilations(Loader(host_cpu()), AddItem(2)) == 1


@needs_owners
def test_cached_file_writable_by_others_is_recompiled(folder: Path) -> None:
    compilations(Loader(host_cpu()), AddItem(2))
    file_of(folder, AddItem(2)).chmod(0o666)
    assert compilations(Loader(host_cpu()), AddItem(2)) == 1
    assert compilations(Loader(host_cpu()), AddItem(2)) == 0


# only whole regular files with the function

LOOK = """
from engines.native.codegen.test_compiler import compilations
from engines.native.test_threads import AddItem
from convscope.engines.native.codegen.compiler import Loader
from convscope.engines.native.codegen.target import host_cpu

print(compilations(Loader(host_cpu()), AddItem(2)))
print(compilations(Loader(host_cpu()), AddItem(2)))
"""


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no named pipes")
@pytest.mark.parametrize("kind", ["pipe", "link to a device", "link to itself", "folder"])
def test_non_regular_cache_entry_is_recompiled(folder: Path, kind: str) -> None:
    """Without waiting: in a process of its own, since opening a pipe waits for ever."""
    compilations(Loader(host_cpu()), AddItem(2))
    file = file_of(folder, AddItem(2))
    file.unlink()
    match kind:
        case "pipe":
            os.mkfifo(file)
        case "folder":
            file.mkdir()
        case "link to a device":
            file.symlink_to("/dev/zero")
        case _:
            file.symlink_to(file)
    tests = str(Path(__file__).parents[3])
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([tests, *sys.path])}
    done = subprocess.run(
        [sys.executable, "-c", LOOK], capture_output=True, text=True, timeout=60, env=environment, check=False
    )
    again = "1" if kind == "folder" else "0"
    assert (done.stdout.split(), done.stderr) == (["1", again], "")
    assert file.is_dir() if kind == "folder" else stat.S_ISREG(file.lstat().st_mode)


@pytest.mark.parametrize("named", [False, True])
def test_object_file_without_the_function_is_recompiled(folder: Path, named: bool) -> None:
    """Another kernel's code under this one's name, with a right digest; `named` where the text is in it somewhere."""
    wanted, other = AddItem(2), AddItem(3)
    for kernel in (wanted, other):
        compilations(Loader(host_cpu()), kernel)
    whole = file_of(folder, wanted).read_bytes()
    body = file_of(folder, other).read_bytes()[DIGEST_BYTES:]
    body += symbol(wanted, host_cpu()).encode() + b"\0" if named else b""
    file_of(folder, wanted).write_bytes(hashlib.sha256(body).digest() + body)
    assert (objects._read(symbol(wanted, host_cpu())) is not None) == named
    loader = Loader(host_cpu())
    assert compilations(loader, wanted) == 1
    assert compilations(loader, other) == 0
    assert file_of(folder, wanted).read_bytes() == whole


# bounded


def used(folder: Path, sizes_by_age: dict[int, int]) -> dict[int, Path]:
    """Make files of so many bytes, last used so many seconds ago."""
    made = {}
    for age, size in sizes_by_age.items():
        made[age] = folder / f"{age}.o"
        made[age].write_bytes(bytes(size))
        os.utime(made[age], (time.time() - age,) * 2)
    return made


def test_trim_removes_least_recently_used_files(tmp_path: Path) -> None:
    """Down to four fifths of the limit, so that not every new file removes another; other files stay."""
    tmp_path.chmod(0o700)
    made = used(tmp_path, {50: 300, 10: 200, 90: 100, 30: 250, 70: 150})
    (tmp_path / "other.json").write_bytes(bytes(5000))
    trimmed = CacheFolder(tmp_path)
    trimmed.trim(1000, ".o")
    assert all(file.exists() for file in made.values())
    trimmed.trim(999, ".o")  # 100 and 150 go: 750 are left, of 799 at most
    assert {age for age, file in made.items() if file.exists()} == {50, 10, 30}
    assert (tmp_path / "other.json").exists()


def test_reading_a_file_counts_as_use(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    made = used(tmp_path, {50: 300, 10: 200, 90: 100})
    assert CacheFolder(tmp_path).read("90.o") == bytes(100)
    CacheFolder(tmp_path).trim(500, ".o")
    assert {age for age, file in made.items() if file.exists()} == {10, 90}


def test_only_old_temporary_files_are_removed(folder: Path) -> None:
    compilations(Loader(host_cpu()), AddItem(2))
    young, old = folder / ".young.new", folder / ".old.new"
    for file, age in ((young, 60), (old, 3600)):
        file.write_bytes(b"half an object")
        os.utime(file, (time.time() - age,) * 2)
    compilations(Loader(host_cpu()), AddItem(3))
    assert young.exists()
    assert not old.exists()


def test_compiled_code_stays_within_the_limit(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Kernels compiled later push those before out, and work all the same."""
    compilations(Loader(host_cpu()), AddItem(2))
    size = file_of(folder, AddItem(2)).stat().st_size
    limit = 5 * size // 2
    monkeypatch.setenv("CONVSCOPE_CACHE_LIMIT", str(limit))
    for count in range(3, 9):
        assert compilations(Loader(host_cpu()), AddItem(count)) == 1
        assert sum(file.stat().st_size for file in folder.iterdir()) <= limit
    assert compilations(Loader(host_cpu()), AddItem(8)) == 0
    assert compilations(Loader(host_cpu()), AddItem(2)) == 1


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        ("", LIMIT),
        ("0", 0),
        ("1000", 1000),
        ("3k", 3072),
        (" 20 MiB ", 20 << 20),
        ("7MB", 7 << 20),
        ("2G", 2 << 30),
    ],
)
def test_cache_limit_reads_sizes(text: str, limit: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONVSCOPE_CACHE_LIMIT", text)
    assert cache_limit() == limit


@pytest.mark.parametrize("text", ["-1", "many", "1e9", "1.5G", "9" * 5000, "M", "٣"])
def test_cache_limit_rejects_invalid_sizes(text: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONVSCOPE_CACHE_LIMIT", text)
    shown = text if len(text) < 40 else f"{text[:40]}…"
    message = f"CONVSCOPE_CACHE_LIMIT must be a size such as 500M or 2G (got '{shown}'). Unset it for 128M. [cache-limit]"
    with pytest.raises(BadSetting) as refused:
        compilations(Loader(host_cpu()), AddItem(2))
    assert str(refused.value) == message


def test_full_disk_only_disables_the_cache(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing half-written is left behind."""

    def full(source: str, target: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert compilations(Loader(host_cpu()), AddItem(2)) == 1
    assert list(folder.iterdir()) == []
