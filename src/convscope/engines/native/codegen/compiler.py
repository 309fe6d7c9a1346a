"""Compilation of kernels to functions in memory, with object files cached on disk.

The name of an object file is a hash of everything the code depends on: the kernel's fields, the processor, LLVM's
version and the source of the generators. Its first 32 bytes are the SHA-256 of the rest. A damaged file, or one
without the kernel's function, is compiled again. See `object_cache` for the folder.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import llvmlite.binding as llvm

from ..runtime.locks import LOADER, MAKING, ForkLock
from .kernel import Kernel, generate
from .object_cache import CacheFolder, cache_limit, object_folder
from .target import Target, host_cpu

DIGEST_BYTES = 32
SUFFIX = ".o"
Progress = Callable[[int, int, str], None]
"""Called with (kernels done, all kernels, name of the current one) before each compilation."""


@lru_cache
def generator_hash() -> str:
    """Return the hash of the source of everything that generates code."""
    here = Path(__file__).parent
    folders = (here.parent / "ir", here.parent / "kernels")
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
    """Return the name of a kernel's function: its class and a hash of everything the code depends on."""
    text = f"{kernel!r}|{target.key}|{generator_hash()}"
    return f"{type(kernel).__name__}_{hashlib.sha256(text.encode()).hexdigest()[:24]}"


def assembled(kernel: Kernel, target: Target) -> str:
    """Return a kernel's assembly, for reading and for tests."""
    return str(target.machine.emit_assembly(_parsed(kernel, target, symbol(kernel, target))))


def compiled(kernel: Kernel, target: Target) -> bytes:
    """Compile a kernel to an object file."""
    return bytes(target.machine.emit_object(_parsed(kernel, target, symbol(kernel, target))))


def _parsed(kernel: Kernel, target: Target, name: str) -> Any:
    module = llvm.parse_assembly(generate(kernel, target, name))
    module.verify()
    return module


class Loader:
    """JIT of this process. Each function is loaded once."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self._lock = ForkLock(LOADER)
        self._engine: Any = None
        self._addresses: dict[str, int] = {}

    def addresses(self, kernels: Sequence[Kernel], progress: Progress | None = None) -> dict[Kernel, int]:
        """Return the address of each kernel's function. Kernels that are not cached are compiled."""
        limit = cache_limit()  # fails before anything is compiled
        with self._lock:
            names = {kernel: symbol(kernel, self.target) for kernel in kernels}
            new = {name: kernel for kernel, name in names.items() if name not in self._addresses}
            self._load({name: data for name in new if (data := _read(name)) is not None})
            missing = [name for name in new if name not in self._addresses]
            compiled_objects = {}
            for number, name in enumerate(missing):
                if progress is not None:
                    progress(number, len(missing), type(new[name]).__name__)
                compiled_objects[name] = compiled(new[name], self.target)
                _cache(name, compiled_objects[name])
            if missing:
                if progress is not None:
                    progress(len(missing), len(missing), "")
                _trim(limit)
            self._load(compiled_objects)
            return {kernel: self._addresses[name] for kernel, name in names.items()}

    def functions(self, names: Sequence[str], source: str) -> dict[str, int]:
        """Compile a module of LLVM IR once, and return the addresses of functions in it."""
        with self._lock:
            if any(name not in self._addresses for name in names):
                module = llvm.parse_assembly(source)
                module.verify()
                self._add([bytes(self.target.machine.emit_object(module))])
                self._find(names)
            return {name: self._addresses[name] for name in names}

    def _load(self, objects: Mapping[str, bytes]) -> None:
        """Load object files, by the name of the function in each. Those without it are ignored."""
        if objects:
            self._add(objects.values())
            self._find(objects)

    def _add(self, objects: Iterable[bytes]) -> None:
        if self._engine is None:
            empty = llvm.parse_assembly("")
            empty.triple = self.target.triple
            # The JIT takes ownership of its target machine.
            self._engine = llvm.create_mcjit_compiler(empty, self.target.new_machine())
        for data in objects:
            self._engine.add_object_file(llvm.ObjectFileRef.from_data(data))
        self._engine.finalize_object()

    def _find(self, names: Iterable[str]) -> None:
        for name in names:
            address = self._engine.get_function_address(name)
            if address:  # 0 if there is no such function
                self._addresses[name] = address


_THIS: Loader | None = None
_MAKING = ForkLock(MAKING)


def this_loader() -> Loader:
    """Return the loader of this process, created at first use."""
    global _THIS
    with _MAKING:
        if _THIS is None:
            _THIS = Loader(host_cpu())
        return _THIS


def _read(name: str) -> bytes | None:
    """Return an object file from the cache; None unless it is intact and has the function."""
    folder = object_folder()
    data = None if folder is None else CacheFolder(folder).read(f"{name}{SUFFIX}")
    if data is None:
        return None
    body = data[DIGEST_BYTES:]
    intact = hashlib.sha256(body).digest() == data[:DIGEST_BYTES]
    return body if intact and name.encode() + b"\0" in body else None  # a symbol's name ends in a zero byte


def _cache(name: str, data: bytes) -> None:
    folder = object_folder()
    if folder is not None:
        CacheFolder(folder).write(f"{name}{SUFFIX}", hashlib.sha256(data).digest() + data)


def _trim(limit: int) -> None:
    folder = object_folder()
    if folder is not None:
        CacheFolder(folder).trim(limit, SUFFIX)
