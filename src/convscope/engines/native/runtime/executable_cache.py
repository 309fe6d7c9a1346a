"""Least-recently-used cache of executables, and the memory that they share.

Activations and scratch are one allocation for all executables, so memory depends on the largest batch only. Only
the argument tables of recent batch sizes are kept. Weights prepared for inference differ between plans for few and
for many images; those of plans out of use are kept while they are small compared with everything else.
"""

from __future__ import annotations

from collections import OrderedDict

from ..codegen.compiler import Loader
from ..plan import Buffer, Plan, PlanKind, Role
from ..progress import compile_progress
from .executable import Executable, Memory
from .memory_planner import aligned
from .parameters import Arrays
from .threads import ThreadPool

MAX_EXECUTABLES = 16
"""Cached executables. Training with validation and an observed step uses seven."""
SPARE = 0.05
"""Largest share of a program's memory for prepared weights of plans that are not in use."""

PlanKey = tuple[PlanKind, int]
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
