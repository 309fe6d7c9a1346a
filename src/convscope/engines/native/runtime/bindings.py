"""Least-recently-used cache of bound plans, and the memory that they share.

Memory follows the largest batch so far, whatever other sizes came: activations and scratch are one piece for all
plans; of the tables only those of the last sizes are kept. Weights prepared for inference differ between plans for
a few images and for many. Those of other plans are kept as long as they are small beside everything else.
"""

from __future__ import annotations

from collections import OrderedDict

from ..codegen.compiler import Loader
from ..plan import Buffer, Plan, Role
from ..progress import compile_progress
from .arrays import Arrays
from .executable import Executable, Memory
from .memory_planner import aligned
from .threads import Pool

MOST_BOUND = 16
"""Executables kept: a training with validation and an observed step uses seven."""
SPARE = 0.05
"""Share of a program's memory that prepared weights of plans not in use may take."""

PlanKey = tuple[str, int]
"""A plan's title, and the batch it is made for."""


class Bindings:
    """Plans of a program, bound to memory for the batch sizes that came last."""

    def __init__(self, loader: Loader, pool: Pool, arrays: Arrays) -> None:
        self._loader, self._pool, self._arrays = loader, pool, arrays
        self._bound: OrderedDict[tuple[PlanKey, int], Executable] = OrderedDict()
        self._memory = Memory(aligned, self._bound.clear)
        self._prepared: OrderedDict[PlanKey, frozenset[Buffer]] = OrderedDict()
        self._prepared_for: dict[PlanKey, int] = {}

    @property
    def nbytes(self) -> int:
        """Return the bytes of everything that lives longer than a call."""
        return self._memory.nbytes + self._arrays.nbytes + sum(bound.table_bytes for bound in self._bound.values())

    def get(self, key: PlanKey, plan: Plan, batch: int) -> Executable:
        """Return a plan bound to memory for a batch size; its code is generated where that is new."""
        known = self._bound.get((key, batch))
        if known is None:
            with compile_progress() as progress:
                addresses = self._loader.addresses(plan.kernels, progress)
            self._make_room(key, plan)
            known = Executable(plan, batch, addresses, self._memory, self._arrays.locate, self._pool)
            self._bound[key, batch] = known
            if len(self._bound) > MOST_BOUND:
                self._bound.popitem(last=False)
        self._bound.move_to_end((key, batch))
        if key in self._prepared:
            self._prepared.move_to_end(key)
        return known

    def is_prepared(self, key: PlanKey) -> bool:
        """Say whether a plan's prepared weights are those of the arrays as they are now."""
        return self._prepared_for.get(key) == self._arrays.version

    def set_prepared(self, key: PlanKey) -> None:
        """Note that a plan's prepared weights are made of the arrays as they are now."""
        self._prepared_for[key] = self._arrays.version

    def _make_room(self, key: PlanKey, plan: Plan) -> None:
        """Note a plan's prepared weights; those of plans not used for longest go where they take too much."""
        own = frozenset(plan.buffers(Role.PREPARED))
        if not own:
            return
        self._prepared[key] = own
        self._prepared.move_to_end(key)
        used = self._memory.nbytes + self._arrays.nbytes
        for other in list(self._prepared)[:-1]:
            kept = {buffer for buffers in self._prepared.values() for buffer in buffers} - own
            if 4 * sum(buffer.fixed for buffer in kept) <= SPARE * used:
                break
            self._drop(other)

    def _drop(self, key: PlanKey) -> None:
        gone = self._prepared.pop(key)
        self._prepared_for.pop(key, None)
        for bound in [bound for bound in self._bound if bound[0] == key]:
            del self._bound[bound]
        self._arrays.release(gone.difference(*self._prepared.values()))
