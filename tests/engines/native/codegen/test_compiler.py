"""Object code on disk: found again, damaged, foreign, written by several processes at once."""

from __future__ import annotations

import multiprocessing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from convscope.engines.native.codegen import compiler as objects
from convscope.engines.native.codegen.compiler import Loader, symbol
from convscope.engines.native.codegen.object_cache import object_folder
from convscope.engines.native.codegen.target import host_cpu, named

from ..assembly import X86_64
from ..test_threads import AddItem


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CONVSCOPE_CACHE", str(tmp_path))
    return tmp_path / "objects"


def compilations(loader: Loader, kernel: AddItem) -> int:
    """Return how many kernels had to be compiled; the function must work either way."""
    seen: list[str] = []
    address = loader.addresses([kernel], lambda done, count, name: seen.append(name))[kernel]
    import ctypes

    x = np.zeros((2, host_cpu().width * kernel.count), np.float32)
    table = np.array([x.ctypes.data], np.int64)
    run = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64, ctypes.c_int64)(address)
    run(table.ctypes.data, 0, 2, 0)
    assert (x == 1).all()
    return len([name for name in seen if name])


def test_compiled_code_is_read_from_the_cache(folder: Path) -> None:
    """A second loader finds the file; the first does not even look."""
    first, kernel = Loader(host_cpu()), AddItem(2)
    assert compilations(first, kernel) == 1
    assert compilations(first, kernel) == 0
    assert compilations(Loader(host_cpu()), kernel) == 0
    assert [file.suffix for file in folder.iterdir()] == [".o"]


@pytest.mark.parametrize("damage", [b"", b"not an object file", None])
def test_damaged_object_file_is_recompiled(folder: Path, damage: bytes | None) -> None:
    """Empty, foreign, or with one byte turned: never loaded, never an error."""
    kernel = AddItem(3)
    compilations(Loader(host_cpu()), kernel)
    (file,) = folder.iterdir()
    whole = file.read_bytes()
    turned = bytearray(whole)
    turned[len(turned) // 2] ^= 1
    file.write_bytes(bytes(turned) if damage is None else damage)
    assert compilations(Loader(host_cpu()), kernel) == 1
    assert file.read_bytes() == whole


def test_symbol_depends_on_everything_that_changes_the_code(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another setting, another processor, another one to schedule for, another generator: another name."""
    names = {symbol(AddItem(1), host_cpu()), symbol(AddItem(2), host_cpu()), symbol(AddItem(1), named(X86_64))}
    names.add(symbol(AddItem(1), replace(host_cpu(), tuning="another")))
    monkeypatch.setattr(objects, "generator_hash", lambda: "another text")
    assert len(names | {symbol(AddItem(1), host_cpu())}) == 5


def test_read_only_folder_only_disables_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file stands where the folder should be."""
    (tmp_path / "taken").write_text("")
    monkeypatch.setenv("CONVSCOPE_CACHE", str(tmp_path / "taken"))
    assert compilations(Loader(host_cpu()), AddItem(4)) == 1


def test_cache_can_be_disabled(monkeypatch: pytest.MonkeyPatch) -> None:
    """CONVSCOPE_CACHE=off keeps nothing."""
    monkeypatch.setenv("CONVSCOPE_CACHE", "off")
    assert object_folder() is None
    assert compilations(Loader(host_cpu()), AddItem(5)) == 1


def _compile(_number: int) -> int:
    return compilations(Loader(host_cpu()), AddItem(6))


def test_concurrent_processes_compile_the_same_kernels(folder: Path) -> None:
    """Each gets working code, and one sound file is left."""
    with multiprocessing.get_context("spawn").Pool(3) as processes:
        done = processes.map(_compile, range(3))
    assert all(count <= 1 for count in done)
    assert [file.suffix for file in folder.iterdir()] == [".o"]
    assert compilations(Loader(host_cpu()), AddItem(6)) == 0
