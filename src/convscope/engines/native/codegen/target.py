"""The processor that code is generated for: its instruction set and its scheduling model.

LLVM's name for the host decides neither by itself. A virtual machine hides instructions that a processor of that
name has; LLVM guesses a name for one that it does not know; and each name brings a scheduling model, under which
the same kernel may need more registers. So code is generated for one of few instruction sets, the largest one
whose features the host was found to have, and scheduled for one of few processors, for all of which tests read the
generated code. LLVM's name only chooses among these; see docs/decisions/0010-native-targets.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import llvmlite
import llvmlite.binding as llvm


@dataclass(frozen=True)
class InstructionSet:
    """An instruction set, by LLVM's name, and the processors that code is scheduled for.

    Units:    `width` floats in a vector; `registers` vector registers
    """

    name: str
    width: int
    registers: int
    needs: tuple[str, ...]
    """Features that the code requires, by LLVM's names."""
    tunings: Mapping[str, tuple[str, ...]]
    """Processors to schedule for, each with beginnings of LLVM's names for others that it stands for.

    The first one is for a host whose name begins like none of these.
    """

    def tuning(self, cpu: str) -> str:
        """Return the processor to schedule for on a host that LLVM gives this name."""
        if cpu in self.tunings:
            return cpu
        stands_for = (own for own, others in self.tunings.items() if cpu.startswith(others))
        return next(stands_for, next(iter(self.tunings)))


V3 = ("avx", "avx2", "bmi", "bmi2", "f16c", "fma", "lzcnt", "movbe", "popcnt", "sse4.2")
V4 = (*V3, "avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl")
X86 = (
    InstructionSet(
        "x86-64-v4",
        width=16,
        registers=32,
        needs=V4,
        tunings={
            "skylake-avx512": (),
            "icelake-server": ("icelake", "rocketlake", "tigerlake"),
            "sapphirerapids": ("emeraldrapids", "graniterapids", "diamondrapids"),
            "znver4": (),
            "znver5": ("znver",),
        },
    ),
    InstructionSet("x86-64-v3", width=8, registers=16, needs=V3, tunings={"haswell": (), "znver3": ("znver",)}),
    InstructionSet("x86-64", width=4, registers=16, needs=(), tunings={"x86-64": ()}),
)
"""Instruction sets of x86-64, largest first. AVX alone, without fused multiply-add, counts as SSE2."""

ARM = (
    InstructionSet(
        "generic",
        width=4,
        registers=32,
        needs=(),
        tunings={"neoverse-n1": (), "cortex-a72": ("cortex-a",), "apple-m1": ("apple-",)},
    ),
)
"""NEON, which every 64-bit ARM has. Wider scalable vectors are not used."""

_X86_NAMES, _ARM_NAMES = ("x86_64", "i686"), ("aarch64", "arm64")


@dataclass(frozen=True)
class Target:
    """The platform, instruction set and scheduling model of generated code, by LLVM's names.

    Units:    `width` floats in a vector; `registers` vector registers
    """

    triple: str
    cpu: str
    tuning: str
    width: int
    registers: int

    @property
    def is_x86(self) -> bool:
        """Say whether x86's control register for floating point is there."""
        return self.triple.startswith(_X86_NAMES)

    @property
    def is_arm(self) -> bool:
        """Say whether ARM's control register for floating point is there."""
        return self.triple.startswith(_ARM_NAMES)

    @property
    def has_fma(self) -> bool:
        """Say whether one instruction multiplies and adds vectors."""
        return self.is_arm or self.width > 4

    @property
    def key(self) -> str:
        """A string that differs whenever generated code may differ."""
        version = ".".join(map(str, llvm.llvm_version_info))
        parts = (self.triple, self.cpu, self.tuning, str(self.width), str(self.registers), version)
        return "|".join((*parts, llvmlite.__version__))

    @cached_property
    def machine(self) -> Any:
        """Return LLVM's code generator for this processor."""
        return self.new_machine()

    def new_machine(self) -> Any:
        """Return a new code generator, for a caller that takes ownership."""
        _initialize()
        found = llvm.Target.from_triple(self.triple)
        return found.create_target_machine(cpu=self.cpu, opt=3, reloc="default", codemodel="jitdefault", jit=True)

    def __str__(self) -> str:
        return f"{self.cpu} tuned for {self.tuning}, vectors of {self.width} floats, {self.registers} registers"


@lru_cache
def host_cpu() -> Target:
    """Return the target for the processor this process runs on."""
    _initialize()
    return target_for(llvm.get_process_triple(), llvm.get_host_cpu_name(), llvm.get_host_cpu_features())


def target_for(triple: str, cpu: str, features: Mapping[str, bool]) -> Target:
    """Return the target for a processor by LLVM's name for it and the features that it was found to have."""
    for instructions in _instruction_sets(triple):
        if all(features.get(feature) for feature in instructions.needs):
            return _target(triple, instructions, instructions.tuning(cpu))
    return Target(triple, cpu, cpu, width=4, registers=16)


def named(tuning: str, triple: str = "") -> Target:
    """Return the target that is scheduled for a processor, whatever this process runs on.

    Args:
        tuning: One of `all_names()`.
        triple: Where the code runs; the host's for code that is to run here, else any Linux of that architecture.

    Raises:
        ValueError: No instruction set is scheduled for a processor of this name.
    """
    for own_triple, sets in (("x86_64-unknown-linux-gnu", X86), ("aarch64-unknown-linux-gnu", ARM)):
        for instructions in sets:
            if tuning in instructions.tunings:
                return _target(triple or own_triple, instructions, tuning)
    raise ValueError(f"named.tuning must be one of {', '.join(all_names())}; got {tuning!r}")


def all_names() -> tuple[str, ...]:
    """Return the processors that code is scheduled for, those of larger instruction sets first."""
    return tuple(tuning for instructions in (*X86, *ARM) for tuning in instructions.tunings)


def names_here() -> tuple[str, ...]:
    """Return those of `all_names()` whose code the processor this process runs on can execute."""
    _initialize()
    features = llvm.get_host_cpu_features()
    return tuple(
        tuning
        for instructions in _instruction_sets(llvm.get_process_triple())
        if all(features.get(feature) for feature in instructions.needs)
        for tuning in instructions.tunings
    )


def _instruction_sets(triple: str) -> tuple[InstructionSet, ...]:
    return X86 if triple.startswith(_X86_NAMES) else ARM if triple.startswith(_ARM_NAMES) else ()


def _target(triple: str, instructions: InstructionSet, tuning: str) -> Target:
    return Target(triple, instructions.name, tuning, instructions.width, instructions.registers)


@lru_cache
def _initialize() -> None:
    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
