"""From a kernel to a function in memory: generated, compiled, kept on disk.

An object file is kept under a name that is the hash of all that decides it: the kernel's fields, the processor,
LLVM's version and the text of the generators. Its first 32 bytes are the SHA-256 of the rest, so a damaged or
foreign file is seen and made anew. Files appear by renaming, so that processes
which compile the same kernel at once do no harm.
"""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

import llvmlite.binding as llvm

from .kernel import Kernel, generate
from .target import Target, host

DIGEST_BYTES = 32
Progress = Callable[[int, int, str], None]
"""Told (kernels done, kernels in all, the name of the one at hand) before each compilation."""


def cache_folder() -> Path | None:
    """Return where object files are kept: CONVSCOPE_CACHE, or the user's cache.

    None where it is set to "off", and where a user is meant who has no home.
    """
    try:
        return _wished_folder()
    except RuntimeError:
        return None


def _wished_folder() -> Path | None:
    named = os.environ.get("CONVSCOPE_CACHE")
    if named is not None:
        return None if named.lower() in ("off", "0", "") else Path(named).expanduser() / "objects"
    if sys.platform == "darwin":
        base = Path("~/Library/Caches").expanduser()
    elif sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA", "~/AppData/Local")).expanduser()
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")).expanduser()
    return base / "convscope" / "objects"


@lru_cache
def generator_hash() -> str:
    """Return the hash of the text of everything that generates code."""
    here = Path(__file__).parent
    folders = (here / "vector", here / "kernels")
    files = [
        here / "kernel.py",
        here / "target.py",
        *(file for folder in folders for file in sorted(folder.rglob("*.py"))),
    ]
    total = hashlib.sha256()
    for file in files:
        total.update(file.name.encode() + b"\0" + file.read_bytes())
    return total.hexdigest()


def symbol(kernel: Kernel, target: Target) -> str:
    """Return the name of a kernel's function: its kind and a hash of all that decides its code."""
    text = f"{kernel!r}|{target.key}|{generator_hash()}"
    return f"{type(kernel).__name__}_{hashlib.sha256(text.encode()).hexdigest()[:24]}"


def assembled(kernel: Kernel, target: Target) -> str:
    """Return a kernel's assembly text, for reading and for tests."""
    return str(target.machine.emit_assembly(_parsed(kernel, target, symbol(kernel, target))))


def compiled(kernel: Kernel, target: Target) -> bytes:
    """Return a kernel's object file, generated anew."""
    return bytes(target.machine.emit_object(_parsed(kernel, target, symbol(kernel, target))))


def _parsed(kernel: Kernel, target: Target, name: str) -> Any:
    module = llvm.parse_assembly(generate(kernel, target, name))
    module.verify()
    return module


class Loader:
    """Functions in this process's memory, each loaded once."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self._lock = threading.RLock()
        self._engine: Any = None
        self._addresses: dict[str, int] = {}

    def addresses(self, kernels: Sequence[Kernel], progress: Progress | None = None) -> dict[Kernel, int]:
        """Return the address of each kernel's function; what is not on disk yet is compiled."""
        with self._lock:
            names = {kernel: symbol(kernel, self.target) for kernel in kernels}
            new = {name: kernel for kernel, name in names.items() if name not in self._addresses}
            found = {name: _read(name) for name in new}
            missing = [name for name, data in found.items() if data is None]
            for number, name in enumerate(missing):
                if progress is not None:
                    progress(number, len(missing), type(new[name]).__name__)
                data = compiled(new[name], self.target)
                _keep(name, data)
                found[name] = data
            if missing and progress is not None:
                progress(len(missing), len(missing), "")
            self._load(list(found), [data for data in found.values() if data is not None])
            return {kernel: self._addresses[name] for kernel, name in names.items()}

    def functions(self, names: Sequence[str], source: str) -> dict[str, int]:
        """Compile a module given as LLVM IR, once, and return the addresses of functions in it."""
        with self._lock:
            if any(name not in self._addresses for name in names):
                module = llvm.parse_assembly(source)
                module.verify()
                self._load(names, [bytes(self.target.machine.emit_object(module))])
            return {name: self._addresses[name] for name in names}

    def _load(self, names: Sequence[str], objects: Sequence[bytes]) -> None:
        if self._engine is None:
            empty = llvm.parse_assembly("")
            empty.triple = self.target.triple
            # The engine takes its machine over, so it gets one of its own.
            self._engine = llvm.create_mcjit_compiler(empty, self.target.new_machine())
        for data in objects:
            self._engine.add_object_file(llvm.ObjectFileRef.from_data(data))
        self._engine.finalize_object()
        for name in names:
            self._addresses[name] = self._engine.get_function_address(name)


_THIS: Loader | None = None
_MAKING = threading.Lock()


def this_loader() -> Loader:
    """Return the loader for the processor this process runs on: one, whichever thread asks first."""
    global _THIS
    with _MAKING:
        if _THIS is None:
            _THIS = Loader(host())
        return _THIS


def _read(name: str) -> bytes | None:
    """Return an object file from disk, or None where there is no sound one."""
    folder = cache_folder()
    if folder is None:
        return None
    try:
        data = (folder / f"{name}.o").read_bytes()
    except OSError:
        return None
    body = data[DIGEST_BYTES:]
    return body if hashlib.sha256(body).digest() == data[:DIGEST_BYTES] else None


def _keep(name: str, data: bytes) -> None:
    """Write an object file; a folder that cannot be written costs speed and nothing else."""
    folder = cache_folder()
    if folder is None:
        return
    with suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=folder, prefix=".new-")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(hashlib.sha256(data).digest() + data)
            os.replace(temporary, folder / f"{name}.o")
        except OSError:
            Path(temporary).unlink(missing_ok=True)
