"""Plans instantiated for one batch size, and their cache.

In an executable, buffers have addresses and calls can run. Activations and scratch are one allocation for all
executables, so memory depends on the largest batch only. Only the argument tables of recent batch sizes are kept.
Weights prepared for inference differ between plans for few and for many images; those of plans out of use are kept
while they are small compared with everything else.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..codegen.compiler import Loader
from ..codegen.kernel import Kernel, argument_names
from ..layout import Floats
from ..plan import (
    Amount,
    Buffer,
    FallbackStep,
    KernelCall,
    Plan,
    PlanKind,
    PlanSection,
    PlanStep,
    Role,
    RuntimeArg,
)
from ..progress import compile_progress
from .memory_planner import aligned, by_lifetime
from .parameters import Arrays
from .threads import RECORD, ThreadPool

Locate = Callable[[Buffer], Floats]
"""Returns the memory of buffers that outlive a run."""

SMALL = 400_000
"""Multiply-adds plus floats moved, below which one thread runs a segment faster than several."""


class Memory:
    """Activations and scratch, shared by all plans of a program, which run one at a time.

    `forget` is called before memory is reallocated, so that references to the old memory can be dropped.
    """

    def __init__(self, new: Callable[[int], Floats], forget: Callable[[], None] = lambda: None) -> None:
        self._new, self._forget = new, forget
        self.activations = new(0)
        self.scratch = new(0)

    @property
    def nbytes(self) -> int:
        """The bytes of both."""
        return self.activations.nbytes + self.scratch.nbytes

    def reserve(self, activations: int, scratch: int) -> None:
        """Grow to at least so many floats."""
        more_activations, more_scratch = activations > len(self.activations), scratch > len(self.scratch)
        if more_activations or more_scratch:
            self._forget()
        # Free the old memory first, as both may not fit.
        if more_activations:
            self.activations = self._new(0)
            self.activations = self._new(activations)
        if more_scratch:
            self.scratch = self._new(0)
            self.scratch = self._new(scratch)


class Segment(NamedTuple):
    """Consecutive kernel calls without Python in between, as records at an address."""

    records: NDArray[Any]
    address: int
    length: int
    alone: bool


class Executable:
    """A plan instantiated for one batch size: argument tables and call records of its sections."""

    def __init__(
        self,
        plan: Plan,
        batch: int,
        addresses: Mapping[Kernel, int],
        memory: Memory,
        locate: Locate,
        pool: ThreadPool,
    ) -> None:
        self.plan, self.batch, self._locate, self._pool = plan, batch, locate, pool
        self._placement = by_lifetime(plan, batch)
        scratch = max((kernel.scratch_floats(plan.target) for kernel in plan.kernels), default=0)
        memory.reserve(self._placement.floats, scratch * pool.threads)
        self._activations, self._scratch = memory.activations, memory.scratch
        self._views: dict[int, tuple[Buffer, Floats]] = {}
        self._runtime_slots: dict[RuntimeArg, list[tuple[int, bool]]] = {}
        calls = [step for step in plan.steps if isinstance(step, KernelCall)]
        names = [argument_names(call.kernel, plan.target) for call in calls]
        self._tables = np.zeros(sum(map(len, names)) + 1, np.int64)
        self._floats = self._tables.view(np.float32)
        starts = np.cumsum([0, *map(len, names)])
        for call, slots, start in zip(calls, names, starts, strict=False):
            for slot, name in enumerate(slots, start):
                self._fill(int(slot), call, name)
        table_addresses = {
            id(call): self._tables.ctypes.data + 8 * int(start) for call, start in zip(calls, starts, strict=False)
        }
        self._sections = {
            name: self._segments(steps, addresses, table_addresses) for name, steps in plan.sections.items()
        }

    def memory(self, buffer: Buffer) -> Floats:
        """Return a buffer's memory: (batch, floats of an image), or (floats,) for a fixed one."""
        view = self._views.get(id(buffer))
        if view is None or view[0] is not buffer:
            view = self._views[id(buffer)] = buffer, self._view(buffer)
        return view[1]

    def _view(self, buffer: Buffer) -> Floats:
        if buffer.role is not Role.ACTIVATION:
            return self._locate(buffer)
        start = self._placement.offsets[buffer]
        flat = self._activations[start : start + buffer.floats(self.batch)]
        return flat if buffer.per_image == 0 else flat.reshape(self.batch, -1)

    @property
    def activation_bytes(self) -> int:
        """The bytes of its activations."""
        return 4 * self._placement.floats

    @property
    def table_bytes(self) -> int:
        """The bytes of its records and argument tables."""
        segments = (one for section in self._sections.values() for one in section if isinstance(one, Segment))
        return self._tables.nbytes + sum(segment.records.nbytes for segment in segments)

    def set_arguments(self, values: Mapping[RuntimeArg, float]) -> None:
        """Set scalar arguments for the next run."""
        for argument, value in values.items():
            for slot, is_float in self._runtime_slots.get(argument, ()):
                if is_float:
                    self._floats[2 * slot] = value
                else:
                    self._tables[slot] = int(value)

    def run(self, section: PlanSection, fallback: Callable[[FallbackStep], None]) -> None:
        """Run a section; `fallback` runs the steps in Python."""
        for segment in self._sections.get(section, ()):
            if isinstance(segment, FallbackStep):
                fallback(segment)
            else:
                self._pool.run_at(segment.address, segment.length, segment.alone)

    def singles(self, section: PlanSection) -> list[tuple[KernelCall, NDArray[Any]]]:
        """Return each kernel call of a section with a list of its own, to time them separately."""
        calls = [step for step in self.plan.sections.get(section, ()) if isinstance(step, KernelCall)]
        found = [one.records for one in self._sections.get(section, ()) if isinstance(one, Segment)]
        records = np.concatenate(found) if found else np.zeros(0, RECORD)
        return [(call, records[place : place + 1]) for place, call in enumerate(calls)]

    def _fill(self, slot: int, call: KernelCall, name: str) -> None:
        if name == "scratch":
            self._tables[slot] = self._scratch.ctypes.data
            return
        operand = call.operands[name]
        if isinstance(operand, Buffer):
            self._tables[slot] = self.memory(operand).ctypes.data
        elif isinstance(operand, RuntimeArg):
            self._runtime_slots.setdefault(operand, []).append((slot, name in call.kernel.reals))
        elif name in call.kernel.reals:
            raise TypeError(f"{type(call.kernel).__name__}.{name} must be a RuntimeArg")
        else:
            assert isinstance(operand, Amount)
            self._tables[slot] = operand.per_image * self.batch + operand.fixed

    def _segments(
        self, steps: Sequence[PlanStep], addresses: Mapping[Kernel, int], tables: Mapping[int, int]
    ) -> list[Segment | FallbackStep]:
        segments: list[Segment | FallbackStep] = []
        waiting: list[KernelCall] = []

        def close() -> None:
            if waiting:
                records = np.zeros(len(waiting), RECORD)
                records["function"] = [addresses[call.kernel] for call in waiting]
                records["table"] = [tables[id(call)] for call in waiting]
                records["items"] = [call.kernel.items(self.batch) for call in waiting]
                alone = self._work(waiting) < SMALL
                segments.append(Segment(records, records.ctypes.data, len(records), alone))
                waiting.clear()

        for step in steps:
            if isinstance(step, KernelCall):
                waiting.append(step)
            else:
                close()
                segments.append(step)
        close()
        return segments

    def _work(self, calls: Sequence[KernelCall]) -> int:
        return sum(
            call.kernel.macs(self.batch) + sum(buffer.floats(self.batch) for buffer in call.buffers)
            for call in calls
        )


MAX_EXECUTABLES = 16
"""Cached executables. Training with validation and an observed step uses seven."""
SPARE = 0.05
"""Largest share of a program's memory for prepared weights of plans that are not in use."""


class PlanKey(NamedTuple):
    """What a plan depends on: its kind, a typical batch size, and for gradients the target and the layers."""

    kind: PlanKind
    batch: int
    target: str = ""
    layers: frozenset[str] = frozenset()


"""The kind of a plan, and the batch size it is optimized for."""


class ExecutableCache:
    """Executables of a program's plans for the most recent batch sizes."""

    def __init__(self, loader: Loader, pool: ThreadPool, arrays: Arrays) -> None:
        self._loader, self._pool, self._arrays = loader, pool, arrays
        self._executables: OrderedDict[tuple[PlanKey, int], Executable] = OrderedDict()
        self._memory = Memory(aligned, self._executables.clear)
        self._prepared: OrderedDict[PlanKey, frozenset[Buffer]] = OrderedDict()
        self._prepared_versions: dict[PlanKey, int] = {}

    @property
    def nbytes(self) -> int:
        """The bytes of everything that outlives a call."""
        tables = sum(executable.table_bytes for executable in self._executables.values())
        return self._memory.nbytes + self._arrays.nbytes + tables

    def get(self, key: PlanKey, plan: Plan, batch: int) -> Executable:
        """Return the executable of a plan for a batch size. Kernels that are new are compiled."""
        executable = self._executables.get((key, batch))
        if executable is None:
            with compile_progress() as progress:
                addresses = self._loader.addresses(plan.kernels, progress)
            self._evict_prepared(key, plan)
            executable = Executable(plan, batch, addresses, self._memory, self._arrays.locate, self._pool)
            self._executables[key, batch] = executable
            if len(self._executables) > MAX_EXECUTABLES:
                self._executables.popitem(last=False)
        self._executables.move_to_end((key, batch))
        if key in self._prepared:
            self._prepared.move_to_end(key)
        return executable

    def is_prepared(self, key: PlanKey) -> bool:
        """Say whether a plan's prepared weights are up to date."""
        return self._prepared_versions.get(key) == self._arrays.version

    def set_prepared(self, key: PlanKey) -> None:
        """Note that a plan's prepared weights are up to date."""
        self._prepared_versions[key] = self._arrays.version

    def _evict_prepared(self, key: PlanKey, plan: Plan) -> None:
        """Register a plan's prepared weights, and free those of the least recently used plans if large."""
        own = frozenset(plan.buffers(Role.PREPARED))
        if not own:
            return
        self._prepared[key] = own
        self._prepared.move_to_end(key)
        used = self._memory.nbytes + self._arrays.nbytes
        for other in list(self._prepared)[:-1]:
            spare = {buffer for buffers in self._prepared.values() for buffer in buffers} - own
            if 4 * sum(buffer.fixed for buffer in spare) <= SPARE * used:
                break
            self._drop(other)

    def _drop(self, key: PlanKey) -> None:
        dropped = self._prepared.pop(key)
        self._prepared_versions.pop(key, None)
        for entry in [entry for entry in self._executables if entry[0] == key]:
            del self._executables[entry]
        self._arrays.release(dropped.difference(*self._prepared.values()))
