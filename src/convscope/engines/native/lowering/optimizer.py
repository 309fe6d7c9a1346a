"""The update: one kernel over all parameters in a row."""

from __future__ import annotations

from functools import singledispatch

from ....errors import BadSetting
from ....optim.optimizers import SGD, Adam, AdamW, Optimizer
from ...common.updates import state_slots
from ..codegen.kernel import Kernel
from ..codegen.target import Target
from ..kernels.update.optimizers import AdamUpdate, SgdUpdate, SquaredNorm
from ..layout import Plain
from ..plan import Amount, Buffer, Call, Operand, Plan, Role, RuntimeArg, Value
from ..runtime.arrays import WHOLE
from .loss import SQUARES

PARTS = 16
"""Parts of the gradients' squared norm."""


def update_plan(optimizer: Optimizer, floats: int, target: Target) -> Plan:
    """Return a plan with the sections "norm", the squares of all gradients in parts, and "update"."""
    weight, gradient = Buffer(WHOLE, Role.PARAMETER, fixed=floats), Buffer(WHOLE, Role.GRADIENT, fixed=floats)
    squares = Buffer(SQUARES, Role.ACTIVATION, fixed=PARTS)
    size = Amount(fixed=floats)
    norm = Call(
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
    update = Call(kernel, operands, "all", "update", "all parameters in a row")
    values = {SQUARES: Value(SQUARES, squares, Plain((PARTS,)), (PARTS,))}
    return Plan("update", target, {"norm": (norm,), "update": (update,)}, values, frozenset({squares}))


@singledispatch
def update_kernel(optimizer: Optimizer) -> Kernel:
    """Return the kernel that moves parameters."""
    raise BadSetting(
        f"{type(optimizer).__name__}.update must be known to train with it; got no kernel for it; "
        "use SGD, Adam or AdamW. [no-update]"
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


def given_numbers(optimizer: Optimizer, lr: float, step: int) -> dict[str, float]:
    """Return what the update is given anew at a step that counts from 0."""
    numbers = {"lr": lr}
    if isinstance(optimizer, Adam | AdamW):
        beta1, beta2 = optimizer.betas
        numbers["first_correction"] = 1 / (1 - beta1 ** (step + 1))
        numbers["second_correction"] = 1 / (1 - beta2 ** (step + 1)) ** 0.5
    return numbers
