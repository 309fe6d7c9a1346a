"""Assembly of a plan: buffers, steps and sections."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ....text.language import Message
from ..codegen.kernel import Kernel
from ..codegen.target import Target
from ..kernels.update.reductions import SumParts
from ..plan import Amount, Buffer, KernelCall, Operand, Plan, PlanSection, PlanStep, Role, Value


class NotLowered(Exception):
    """No kernel computes a layer, for a reason. The layer runs on the reference implementation instead."""

    def __init__(self, reason: Message) -> None:
        super().__init__(reason)
        self.reason = reason


class PlanBuilder:
    """The steps of a plan so far. Steps are added to the current section."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self.random: list[str] = []
        """Layers that draw random numbers."""
        self._sections: dict[PlanSection, list[PlanStep]] = {}
        self._section = PlanSection.FORWARD
        self._kept: dict[str, Value] = {}
        self._buffer_counts: dict[str, int] = {}

    @property
    def lanes(self) -> int:
        """Return the floats of a vector."""
        return self.target.width

    @contextmanager
    def section(self, section: PlanSection) -> Iterator[None]:
        """Add steps to a section. The section exists afterwards, even without steps."""
        before, self._section = self._section, section
        self._sections.setdefault(section, [])
        try:
            yield
        finally:
            self._section = before

    def add(self, step: PlanStep) -> None:
        """Add a step to the current section."""
        self._sections.setdefault(self._section, []).append(step)

    def call(
        self,
        kernel: Kernel,
        layer: str,
        purpose: str,
        reason: str = "",
        fused: tuple[str, ...] = (),
        /,
        **operands: Operand | int,
    ) -> None:
        """Add a call of a kernel. The batch size is filled in."""
        given: dict[str, Operand] = {
            name: Amount(fixed=operand) if isinstance(operand, int) else operand
            for name, operand in operands.items()
        }
        if "batch" in kernel.numbers:
            given.setdefault("batch", Amount(per_image=1))
        missing = {*kernel.pointers, *kernel.numbers, *kernel.reals} - set(given)
        if missing:
            raise KeyError(f"{type(kernel).__name__} of {layer} lacks {', '.join(sorted(missing))}")
        self.add(KernelCall(kernel, given, layer, purpose, reason, fused))

    def sum_parts(self, parts: Buffer, count: int, out: Buffer, layer: str, purpose: str) -> None:
        """Add the parts of a sum over the batch."""
        self.call(
            SumParts(count),
            layer,
            purpose,
            Message("{count} parts", count=count),
            parts=parts,
            out=out,
            floats=out.fixed,
        )

    def buffer(self, name: str, per_image: int = 0, fixed: int = 0, role: Role = Role.ACTIVATION) -> Buffer:
        """Return a new buffer. Its name is made unique."""
        count = self._buffer_counts[name] = self._buffer_counts.get(name, 0) + 1
        return Buffer(name if count == 1 else f"{name} ({count})", role, per_image, fixed)

    def keep(self, name: str, value: Value) -> None:
        """Make a value readable after the run."""
        self._kept[name] = value

    def mark(self) -> tuple[Any, ...]:
        """Return the current state for `restore`. Lengths suffice, as nothing is ever replaced."""
        return {section: len(steps) for section, steps in self._sections.items()}, len(self.random)

    def restore(self, mark: tuple[Any, ...]) -> None:
        """Undo what has been added since `mark`."""
        lengths, random = mark
        for section, steps in self._sections.items():
            del steps[lengths.get(section, 0) :]
        del self.random[random:]

    def plan(self, title: str) -> Plan:
        """Return the plan."""
        sections = {section: tuple(steps) for section, steps in self._sections.items()}
        kept = frozenset(value.buffer for value in self._kept.values())
        return Plan(title, self.target, sections, dict(self._kept), kept, tuple(self.random))
