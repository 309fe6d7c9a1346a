"""Plans for training and for inference."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from ....layers import Input
from ....network import Network, Node
from ....optim.losses import Objective
from ....text.language import Message
from ..codegen.target import Target
from ..layout import Plain
from ..plan import Plan, PlanSection, Value, gradient_of
from ..runtime.parameters import Parameters
from .fallback import lower_to_reference
from .loss import lower_loss, lower_target
from .lowering import Lowering, Mode, NotLowered, lower

MAX_INPUTS = 128
"""Inputs of one kernel. Its code grows with their count, and its compile time with the square."""


def inference_plan(
    title: str, network: Network, target: Target, mode: Mode, parameters: Parameters, wanted: frozenset[str]
) -> Plan:
    """Return a plan with the sections `PREPARE`, run after parameters have changed, and `FORWARD`."""
    lowering = Lowering(network, target, mode, parameters, wanted)
    with lowering.builder.section(PlanSection.PREPARE):
        pass
    _forward(lowering, wanted)
    return lowering.plan(title)


def training_plan(
    title: str,
    network: Network,
    objective: Objective,
    target: Target,
    mode: Mode,
    parameters: Parameters,
    wanted: frozenset[str],
) -> Plan:
    """Return a plan with the sections `FORWARD`, `LOSS` and `BACKWARD`."""
    lowering = Lowering(network, target, mode, parameters, wanted | {objective.scores})
    _forward(lowering, wanted | {objective.scores})
    with lowering.builder.section(PlanSection.LOSS):
        lower_loss(objective, lowering)
    with lowering.builder.section(PlanSection.BACKWARD):
        lowering.tape.write_backward()
    return lowering.plan(title)


def gradient_plan(
    title: str,
    network: Network,
    target: str,
    compilation: Target,
    mode: Mode,
    parameters: Parameters,
    wanted: frozenset[str],
) -> Plan:
    """Return a plan with the sections `FORWARD`, `LOSS` and `BACKWARD`, for gradients with respect to outputs.

    The gradient of the layer `target` comes from Python. No parameter gets a gradient: `network` is frozen.
    """
    wanted |= {target}
    lowering = Lowering(network, compilation, mode, parameters, wanted)
    _forward(lowering, wanted)
    with lowering.builder.section(PlanSection.LOSS):
        lower_target(target, lowering)
    with lowering.builder.section(PlanSection.BACKWARD):
        lowering.tape.write_backward()
        for name in sorted(wanted):
            value = lowering.values[name]
            gradient = lowering.tape.gradient(value)
            if gradient is not None:
                lowering.builder.keep(gradient_of(name), replace(value, buffer=gradient.buffer))
    return lowering.plan(title)


def _forward(lowering: Lowering, wanted: frozenset[str]) -> None:
    for node in _needed(lowering.network, wanted):
        if node.name in lowering.fused:
            continue
        if isinstance(node.layer, Input):
            layout = Plain(node.output_shape)
            buffer = lowering.builder.buffer(node.name, per_image=layout.floats)
            needs_gradient = lowering.mode.gradients
            lowering.set(node, Value(node.name, buffer, layout, node.output_shape, needs_gradient))
            lowering.keep_value(node.name)
            continue
        before = lowering.mark()
        try:
            if len(node.inputs) > MAX_INPUTS:
                raise NotLowered(Message("more than {limit} inputs", limit=MAX_INPUTS))
            lower(node.layer, node, lowering)
        except NotLowered as refused:
            lowering.restore(before)
            lower_to_reference(node, lowering, refused.reason)
    for name in sorted(wanted):
        lowering.keep_value(name)


def _needed(network: Network, wanted: Iterable[str]) -> list[Node]:
    """Return the layers that the wanted ones depend on, and those with running statistics."""
    needed: set[str] = {node.name for node in network.inputs} | set(wanted)
    for node in reversed(list(network)):
        if node.name in needed or node.facts.buffer_shapes:
            needed.add(node.name)
            needed.update(node.inputs)
    return [node for node in network if node.name in needed]
