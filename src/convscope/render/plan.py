"""Execution plans as tables and JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from ..engines.native.codegen.target import Target
from ..engines.native.plan import KernelCall, Plan, PlanKind, PlanSection, PlanStep, Role
from ..engines.native.runtime.memory_planner import busiest_moment, by_lifetime
from ..text.language import Message
from ..text.lists import counted, listed, shortened
from ..text.numbers import memory
from ..text.table import Cell, Column, Table

_COLUMNS = (
    Column(Message("layer"), 0, right=False, least=16),
    Column(Message("step"), 0, right=False, least=16),
    Column(Message("kernel"), 3, right=False, least=14),
    Column("MACs", 1),
    Column(Message("memory"), 1, form=memory),
    Column(Message("why"), 2, right=False, least=20),
)
_LONGER = {
    Role.PARAMETER: Message("parameters"),
    Role.FROZEN: Message("frozen parameters"),
    Role.GRADIENT: Message("gradients"),
    Role.STATE: Message("optimizer state"),
    Role.STATISTIC: Message("running statistics"),
    Role.PREPARED: Message("transformed weights"),
}
"""Names of the memory that persists between steps."""
_ONCE = PlanSection.PREPARE
"""The section that runs only after parameters have changed, not for every batch."""


_TITLES: dict[str, Message] = {
    PlanKind.TRAINING: Message("training"),
    PlanKind.UPDATE: Message("update"),
    PlanKind.INFERENCE: Message("inference"),
}
_SECTIONS = {
    PlanSection.PREPARE: Message("prepare, once"),
    PlanSection.FORWARD: Message("forward"),
    PlanSection.LOSS: Message("loss"),
    PlanSection.BACKWARD: Message("backward"),
    PlanSection.NORM: Message("norm"),
    PlanSection.UPDATE: Message("update"),
}
_PURPOSES = {
    "forward": Message("forward"),
    "backward": Message("backward"),
    "inference": Message("inference"),
    "update": Message("update"),
    "weights": Message("weights"),
    "input gradient": Message("input gradient"),
    "weight gradient": Message("weight gradient"),
    "bias gradient": Message("bias gradient"),
    "forward and gradient": Message("forward and gradient"),
    "sum of gradients": Message("sum of gradients"),
    "norm of the gradients": Message("norm of the gradients"),
}


def target_text(target: Target) -> Message:
    """Return the processor that code is generated for."""
    return Message(
        "{cpu} tuned for {tuning}, vectors of {width} floats, {registers} registers",
        cpu=target.cpu,
        tuning=target.tuning,
        width=target.width,
        registers=target.registers,
    )


def purpose_text(purpose: str) -> str:
    """Return what a step computes, as a message if it is one of the common purposes."""
    return _PURPOSES.get(purpose, purpose)


def plan_table(plan: Plan, batch: int) -> Table:
    """Return a plan's steps for a batch as a table, with the totals of each section and the memory."""
    rows: list[list[Cell]] = []
    for section, steps in plan.sections.items():
        if steps:
            rows.append(_section(section, steps, batch))
        rows += [_row(step, batch) for step in steps]
    every_time = [step for section, steps in plan.sections.items() if section != _ONCE for step in steps]
    totals = _sums(Message("total"), every_time, batch)
    grows = any(buffer.per_image for step in plan.steps for buffer in step.buffers)
    name, target = _TITLES.get(plan.title, plan.title), target_text(plan.target)
    title = (
        Message("{plan}, batch {batch}: {target}", plan=name, batch=batch, target=target)
        if grows
        else Message("{plan}: {target}", plan=name, target=target)
    )
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
    return _sums(Message("· {section}", section=_SECTIONS[PlanSection(name)]), steps, batch)


def _sums(name: str, steps: Sequence[PlanStep], batch: int) -> list[Cell]:
    return [name, counted(len(steps), "step"), "", _macs(steps, batch) or "", _traffic(steps, batch), ""]


def _row(step: PlanStep, batch: int) -> list[Cell]:
    described = _described(step, batch)
    macs = described["macs"] or ""
    return [step.layer, _short(step), described["kernel"], macs, described["bytes"], step.reason]


def _short(step: PlanStep) -> str:
    """Return a step's purpose, with the layers fused into it after a "+", without their common prefix."""
    if not step.fused:
        return purpose_text(step.purpose)
    shared = step.layer[: step.layer.rfind(".") + 1]
    named = listed(name.removeprefix(shared) for name in step.fused)
    if step.purpose == "forward":
        return f"+ {named}"
    return Message("{purpose} + {layers}", purpose=purpose_text(step.purpose), layers=named)


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
        Message(
            "memory: read and written by the step. +: fused into the step. MACs: of direct convolution. {count:,} "
            "different kernel(s).",
            count=len(plan.kernels),
        )
    ]
    if any(buffer.per_image for buffer in plan.buffers(Role.ACTIVATION)):
        notes.append(
            Message(
                "activations: {allocated} allocated, {peak} in use at the peak, {unshared} without buffer "
                "sharing.",
                allocated=memory(4 * by_lifetime(plan, batch).floats),
                peak=memory(4 * busiest_moment(plan, batch)),
                unshared=memory(_bytes(plan, Role.ACTIVATION, batch)),
            )
        )
    lasting = [
        Message("{size} of {name}", size=memory(own), name=name)
        for role, name in _LONGER.items()
        if (own := _bytes(plan, role, batch))
    ]
    if lasting:
        notes.append(Message("persistent: {parts}.", parts=listed(lasting)))
    return (*notes, *_on_reference(plan))


def _on_reference(plan: Plan) -> list[Message]:
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
    return [Message("on the reference implementation, in Python: {layers}.", layers=shortened(names, 6))]


def _bytes(plan: Plan, role: Role, batch: int) -> int:
    return 4 * sum(buffer.floats(batch) for buffer in plan.buffers(role))
