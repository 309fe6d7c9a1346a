"""The optimizer's step: one kernel over all parameters."""

from __future__ import annotations

from functools import singledispatch

from ....errors import BadSetting
from ....optim.optimizers import SGD, Adam, AdamW, Optimizer
from ....text.language import Message
from ...common.updates import state_slots
from ..codegen.kernel import Kernel
from ..codegen.target import Target
from ..kernels.update.optimizers import AdamUpdate, SgdUpdate, SquaredNorm
from ..layout import Plain
from ..plan import (
    Amount,
    Buffer,
    KernelCall,
    Operand,
    Plan,
    PlanKind,
    PlanSection,
    PlanValue,
    Role,
    RuntimeArg,
    Value,
)
from ..runtime.parameters import WHOLE

PARTS = 16
"""Parts of the squared norm of the gradients."""


def update_plan(optimizer: Optimizer, floats: int, target: Target) -> Plan:
    """Return the plan of an optimizer's step: sections `NORM`, the squared norm in parts, and `UPDATE`."""
    weight, gradient = Buffer(WHOLE, Role.PARAMETER, fixed=floats), Buffer(WHOLE, Role.GRADIENT, fixed=floats)
    squares = Buffer(PlanValue.SQUARES, Role.ACTIVATION, fixed=PARTS)
    size = Amount(fixed=floats)
    norm = KernelCall(
        SquaredNorm(PARTS),
        {"gradient": gradient, "parts": squares, "floats": size},
        "all",
        "norm of the gradients",
    )
    operands: dict[str, Operand] = {"weight": weight, "gradient": gradient, "floats": size}
    for slot in state_slots(optimizer):
        operands[slot] = Buffer(slot, Role.STATE, fixed=floats)
    kernel = update_kernel(optimizer)
    operands |= {name: RuntimeArg(name) for name in kernel.reals}
    update = KernelCall(kernel, operands, "all", "update", Message("all parameters, contiguous"))
    values: dict[str, Value] = {PlanValue.SQUARES: Value(PlanValue.SQUARES, squares, Plain((PARTS,)), (PARTS,))}
    sections = {PlanSection.NORM: (norm,), PlanSection.UPDATE: (update,)}
    return Plan(PlanKind.UPDATE, target, sections, values, frozenset({squares}))


@singledispatch
def update_kernel(optimizer: Optimizer) -> Kernel:
    """Return the kernel that updates parameters."""
    raise BadSetting(
        "The native engine has no kernel for the optimizer {optimizer}. Use SGD, Adam or AdamW. [no-update]",
        optimizer=type(optimizer).__name__,
    )


@update_kernel.register
def _(optimizer: SGD) -> Kernel:
    return SgdUpdate(optimizer.momentum, optimizer.nesterov, optimizer.weight_decay)


@update_kernel.register
def _(optimizer: Adam) -> Kernel:
    return AdamUpdate(*optimizer.betas, optimizer.eps, optimizer.weight_decay, decoupled=False)


@update_kernel.register
def _(optimizer: AdamW) -> Kernel:
    return AdamUpdate(*optimizer.betas, optimizer.eps, optimizer.weight_decay, decoupled=True)


def update_arguments(optimizer: Optimizer, lr: float, scale: float, step: int) -> dict[RuntimeArg, float]:
    """Return the scalar arguments of an update. Steps count from 0; gradients are multiplied by `scale`."""
    values = {"lr": lr, "scale": scale}
    if isinstance(optimizer, Adam | AdamW):
        beta1, beta2 = optimizer.betas
        values["first_correction"] = 1 / (1 - beta1 ** (step + 1))
        values["second_correction"] = 1 / (1 - beta2 ** (step + 1)) ** 0.5
    return {RuntimeArg(name): value for name, value in values.items()}
