"""Execution plans as tables and JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from ..engines.native.plan import KernelCall, Plan, PlanStep, Role, Section
from ..engines.native.runtime.memory_planner import busiest_moment, by_lifetime
from ..text.lists import counted, shortened
from ..text.numbers import memory
from ..text.table import Cell, Column, Table

_COLUMNS = (
    Column("layer", 0, right=False, least=16),
    Column("step", 0, right=False, least=16),
    Column("kernel", 3, right=False, least=14),
    Column("MACs", 1),
    Column("memory", 1, form=memory),
    Column("why", 2, right=False, least=20),
)
_LONGER = {
    Role.PARAMETER: "parameters",
    Role.FROZEN: "frozen parameters",
    Role.GRADIENT: "gradients",
    Role.STATE: "optimizer state",
    Role.STATISTIC: "running statistics",
    Role.PREPARED: "transformed weights",
}
"""Names of the memory that persists between steps."""
_ONCE = Section.PREPARE
"""The section that runs only after parameters have changed, not for every batch."""


def plan_table(plan: Plan, batch: int) -> Table:
    """Return a plan's steps for a batch as a table, with the totals of each section and the memory."""
    rows: list[list[Cell]] = []
    for section, steps in plan.sections.items():
        if steps:
            rows.append(_section(section, steps, batch))
        rows += [_row(step, batch) for step in steps]
    every_time = [step for section, steps in plan.sections.items() if section != _ONCE for step in steps]
    totals = _sums("total", every_time, batch)
    grows = any(buffer.per_image for step in plan.steps for buffer in step.buffers)
    title = f"{plan.title}, batch {batch}: {plan.target}" if grows else f"{plan.title}: {plan.target}"
    return Table(_COLUMNS, rows, totals, title=title, notes=_notes(plan, batch), core=3)


def plan_document(plan: Plan, batch: int) -> dict[str, Any]:
    """Return a plan for JSON."""
    steps = [
        {"section": section, **_described(step, batch)}
        for section, steps in plan.sections.items()
        for step in steps
    ]
    sections = {
        section: {"steps": len(steps), "macs": _macs(steps, batch), "bytes": _traffic(steps, batch)}
        for section, steps in plan.sections.items()
    }
    return {
        "title": plan.title,
        "target": str(plan.target),
        "batch": batch,
        "steps": steps,
        "sections": sections,
        "activation_bytes": 4 * by_lifetime(plan, batch).floats,
        "least_activation_bytes": 4 * busiest_moment(plan, batch),
        "unshared_activation_bytes": _bytes(plan, Role.ACTIVATION, batch),
        "lasting_bytes": {role.value: _bytes(plan, role, batch) for role in _LONGER},
    }


def _section(name: str, steps: Sequence[PlanStep], batch: int) -> list[Cell]:
    heading = f"{name}, once" if name == _ONCE else name
    return _sums(f"· {heading}", steps, batch)


def _sums(name: str, steps: Sequence[PlanStep], batch: int) -> list[Cell]:
    return [name, counted(len(steps), "step"), "", _macs(steps, batch) or "", _traffic(steps, batch), ""]


def _row(step: PlanStep, batch: int) -> list[Cell]:
    described = _described(step, batch)
    macs = described["macs"] or ""
    return [step.layer, _short(step), described["kernel"], macs, described["bytes"], step.reason]


def _short(step: PlanStep) -> str:
    """Return a step's purpose, with the layers fused into it after a "+", without their common prefix."""
    if not step.fused:
        return step.purpose
    shared = step.layer[: step.layer.rfind(".") + 1]
    named = ", ".join(name.removeprefix(shared) for name in step.fused)
    return f"+ {named}" if step.purpose == "forward" else f"{step.purpose} + {named}"


def _described(step: PlanStep, batch: int) -> dict[str, Any]:
    common = {
        "layer": step.layer,
        "purpose": f"{step.purpose} with {', '.join(step.fused)}" if step.fused else step.purpose,
        "reason": step.reason,
        "bytes": _traffic([step], batch),
    }
    if not isinstance(step, KernelCall):
        return {**common, "kernel": "reference", "settings": {}, "macs": 0, "items": 0}
    kernel = step.kernel
    return {
        **common,
        "kernel": type(kernel).__name__,
        "settings": asdict(kernel),
        "macs": kernel.macs(batch),
        "items": kernel.items(batch),
    }


def _macs(steps: Sequence[PlanStep], batch: int) -> int:
    return sum(step.kernel.macs(batch) for step in steps if isinstance(step, KernelCall))


def _traffic(steps: Sequence[PlanStep], batch: int) -> int:
    """Return the bytes of the buffers that the steps read or write, counted once per step."""
    return 4 * sum(buffer.floats(batch) for step in steps for buffer in dict.fromkeys(step.buffers))


def _notes(plan: Plan, batch: int) -> tuple[str, ...]:
    notes = [
        "memory: read and written by the step. +: fused into the step. MACs: of direct convolution. "
        f"{counted(len(plan.kernels), 'different kernel')}."
    ]
    unshared = _bytes(plan, Role.ACTIVATION, batch)
    lasting = [f"{memory(own)} of {name}" for role, name in _LONGER.items() if (own := _bytes(plan, role, batch))]
    parts = [f"persistent: {', '.join(lasting)}."] if lasting else []
    if any(buffer.per_image for buffer in plan.buffers(Role.ACTIVATION)):
        own, least = 4 * by_lifetime(plan, batch).floats, 4 * busiest_moment(plan, batch)
        parts.insert(
            0,
            f"activations: {memory(own)} allocated, {memory(least)} in use at the peak, {memory(unshared)} "
            "without buffer sharing.",
        )
    notes += [" ".join(parts)] if parts else []
    return (*notes, *_on_reference(plan))


def _on_reference(plan: Plan) -> list[str]:
    """Return a note on the layers that run on the reference implementation, in Python."""
    names = list(
        dict.fromkeys(
            step.layer
            for section, steps in plan.sections.items()
            if section != _ONCE
            for step in steps
            if not isinstance(step, KernelCall)
        )
    )
    if not names:
        return []
    return [f"on the reference implementation, in Python: {shortened(names, 6)}."]


def _bytes(plan: Plan, role: Role, batch: int) -> int:
    return 4 * sum(buffer.floats(batch) for buffer in plan.buffers(role))
