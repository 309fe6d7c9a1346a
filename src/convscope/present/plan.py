"""An engine's plan as a table."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from ..engines.native.memory import busiest_moment, by_lifetime
from ..engines.native.plan import Call, Plan, Role, Step
from .grid import Cell, Column, Table
from .numbers import memory

_COLUMNS = (
    Column("layer", 0, right=False, least=16),
    Column("step", 1, right=False, least=14),
    Column("kernel", 0, right=False, least=14),
    Column("MACs", 3),
    Column("reads and writes", 4, form=memory),
    Column("why", 2, right=False, least=14),
)


def plan_table(plan: Plan, batch: int) -> Table:
    """Return a plan's steps for a batch, and what memory they take."""
    rows: list[list[Cell]] = []
    for section, steps in plan.sections.items():
        if steps:
            rows.append([f"· {section}", "", "", "", "", ""])
        rows += [_row(step, batch) for step in steps]
    return Table(_COLUMNS, rows, title=f"{plan.title}, batch {batch}: {plan.target}", notes=_notes(plan, batch))


def plan_document(plan: Plan, batch: int) -> dict[str, Any]:
    """Return a plan for JSON."""
    steps = [
        {"section": section, **_described(step, batch)}
        for section, steps in plan.sections.items()
        for step in steps
    ]
    return {
        "title": plan.title,
        "target": str(plan.target),
        "batch": batch,
        "steps": steps,
        "activation_bytes": 4 * by_lifetime(plan, batch).floats,
        "least_activation_bytes": 4 * busiest_moment(plan, batch),
        "unshared_activation_bytes": _unshared(plan, batch),
    }


def _row(step: Step, batch: int) -> list[Cell]:
    described = _described(step, batch)
    macs = described["macs"] or ""
    return [step.layer, step.purpose, described["kernel"], macs, described["bytes"], step.reason]


def _described(step: Step, batch: int) -> dict[str, Any]:
    touched = 4 * sum(buffer.floats(batch) for buffer in dict.fromkeys(step.buffers))
    common = {"layer": step.layer, "purpose": step.purpose, "reason": step.reason, "bytes": touched}
    if not isinstance(step, Call):
        return {**common, "kernel": "reference", "settings": {}, "macs": 0, "items": 0}
    kernel = step.kernel
    return {
        **common,
        "kernel": type(kernel).__name__,
        "settings": asdict(kernel),
        "macs": kernel.macs(batch),
        "items": kernel.items(batch),
    }


def _notes(plan: Plan, batch: int) -> tuple[str, ...]:
    own = by_lifetime(plan, batch).floats
    kernels = len(plan.kernels)
    on_reference = sorted({step.layer for step in plan.steps if not isinstance(step, Call)})
    least = busiest_moment(plan, batch)
    notes = [
        f"activations: {memory(4 * own)}; at the busiest moment {memory(4 * least)} are needed, "
        f"{memory(_unshared(plan, batch))} without sharing; {kernels} different kernels."
    ]
    if on_reference:
        few = ", ".join(on_reference[:6]) + (", …" if len(on_reference) > 6 else "")
        notes.append(f"in Python: {few}.")
    return tuple(notes)


def _unshared(plan: Plan, batch: int) -> int:
    return 4 * sum(buffer.floats(batch) for buffer in plan.buffers(Role.ACTIVATION))
