"""The processor that code is generated for."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import llvmlite
import llvmlite.binding as llvm


@dataclass(frozen=True)
class Target:
    """An instruction set, as LLVM names it, with what a kernel generator needs to know of it.

    Units:    `width` floats in a vector; `registers` vector registers
    """

    triple: str
    cpu: str
    features: str
    width: int
    registers: int

    @property
    def is_x86(self) -> bool:
        """Say whether x86's control register for floating point is there."""
        return self.triple.startswith(("x86_64", "i686"))

    @property
    def is_arm(self) -> bool:
        """Say whether ARM's control register for floating point is there."""
        return self.triple.startswith(("aarch64", "arm64"))

    @property
    def key(self) -> str:
        """Return a text that differs where generated code may differ."""
        version = ".".join(map(str, llvm.llvm_version_info))
        parts = (self.triple, self.cpu, self.features, str(self.width), str(self.registers), version)
        return "|".join((*parts, llvmlite.__version__))

    @cached_property
    def machine(self) -> Any:
        """Return LLVM's code generator for this processor."""
        _initialise()
        found = llvm.Target.from_triple(self.triple)
        return found.create_target_machine(
            cpu=self.cpu, features=self.features, opt=3, reloc="default", codemodel="jitdefault", jit=True
        )

    def __str__(self) -> str:
        return f"{self.cpu}, vectors of {self.width} floats, {self.registers} registers"


@lru_cache
def host() -> Target:
    """Return the processor this process runs on."""
    _initialise()
    features = llvm.get_host_cpu_features()
    width, registers = 4, 16
    if platform.machine().lower() in ("aarch64", "arm64"):
        registers = 32
    elif features.get("avx512f") and features.get("avx512vl") and features.get("avx512dq"):
        width, registers = 16, 32
    elif features.get("avx2") and features.get("fma"):
        width = 8
    triple = llvm.get_process_triple()
    return Target(triple, llvm.get_host_cpu_name(), features.flatten(), width, registers)


def narrowed(kind: str) -> Target:
    """Return the host with a smaller instruction set: "avx2" or "sse2"; for tests and for comparison."""
    triple = host().triple
    if kind == "avx2":
        return Target(triple, "haswell", "", 8, 16)
    if kind == "sse2":
        return Target(triple, "x86-64", "", 4, 16)
    raise ValueError(f"narrowed.kind must be avx2 or sse2; got {kind!r}")


def foreign(kind: str) -> Target:
    """Return a processor that this process need not run on: its code can be made and read, not run."""
    if kind == "neon":
        return Target("aarch64-unknown-linux-gnu", "neoverse-n1", "", 4, 32)
    raise ValueError(f"foreign.kind must be neon; got {kind!r}")


@lru_cache
def _initialise() -> None:
    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
