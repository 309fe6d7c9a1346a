"""Lowering of a network to a plan, one layer at a time."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import singledispatch
from typing import Any

from ....layers import Activation, ReLU
from ....layers.base import Layer
from ....network import Network, Node
from ....text.language import Message
from ..codegen.target import Target
from ..kernels.activation.pointwise import kind_of
from ..layout import Layout
from ..plan import Buffer, Plan, Role, Value
from ..runtime.parameters import ParameterLayout, Parameters
from .gradients import Gradient, GradientTape
from .layouts import LayoutConverter
from .plan_builder import NotLowered, PlanBuilder

__all__ = ["Gradient", "Lowering", "Mode", "NotLowered", "lower"]


@dataclass(frozen=True)
class Mode:
    """What a plan is for: training or inference, with layers fused or with every layer's output kept.

    With `gradients`, layers compute as at inference, and the gradient of every layer's output is computed.
    """

    training: bool
    fused: bool = True
    strict: bool = False
    batch_hint: int = 64
    gradients: bool = False

    @property
    def has_backward(self) -> bool:
        """Return whether the plan has a backward pass."""
        return self.training or self.gradients


class Lowering:
    """The state of a lowering: the plan so far, and the value of each layer."""

    def __init__(
        self, network: Network, target: Target, mode: Mode, parameters: Parameters, wanted: frozenset[str]
    ) -> None:
        self.network, self.mode, self._parameters, self._wanted = network, mode, parameters, wanted
        self.builder = PlanBuilder(target)
        self.tape = GradientTape(self.builder, parameters, mode.has_backward)
        self.layouts = LayoutConverter(self.builder, self.tape)
        self.values: dict[str, Value] = {}
        self.fused: dict[str, None] = {}
        """Layers that are computed by the kernel of an earlier one."""

    @property
    def lanes(self) -> int:
        """Return the floats of a vector."""
        return self.builder.lanes

    # values

    def input_of(self, node: Node, index: int = 0) -> Value:
        """Return an input of a layer."""
        return self.values[node.inputs[index]]

    def new(
        self,
        node: Node,
        layout: Layout,
        sources: tuple[Value, ...],
        rectified: bool = False,
        learned: bool = False,
    ) -> Value:
        """Return a new value for a layer's output; `learned` if it depends on trained parameters of its own."""
        own = learned or bool(node.trained) or self.mode.gradients
        differentiable = own or any(source.differentiable for source in sources)
        buffer = self.builder.buffer(node.name, per_image=layout.floats)
        # Kernels pass on the masked gradient of a rectified value, which is that of the ReLU's input.
        rectified = rectified and not self.mode.gradients
        return self.set(node, Value(node.name, buffer, layout, node.output_shape, differentiable, rectified))

    def set(self, node: Node, value: Value) -> Value:
        """Set the value of a layer's output."""
        self.values[node.name] = value
        return value

    def view(self, node: Node, source: Value, layout: Layout | None = None) -> Value:
        """Make a layer's output a view of its input, in the same layout by default."""
        layout = source.layout if layout is None else layout
        value = replace(source, layout=layout, shape=node.output_shape)
        if self.mode.gradients:  # the input may have other readers, so the two have different gradients
            value = replace(value, key=node.name)

            @self.tape.backward(value)
            def write(gradient: Gradient) -> None:
                self.tape.contribute(source, Gradient(gradient.buffer))

        return self.set(node, value)

    def keep_value(self, name: str) -> None:
        """Make a value readable after the run."""
        self.builder.keep(name, self.values[name])

    # parameters

    def parameter(self, node: Node, name: str, layout: ParameterLayout) -> Buffer:
        """Return the buffer of a layer's parameter.

        Errors:   NotLowered if another layer shares it and needs it in another layout
        """
        return self._array(node, name, layout, Role.FROZEN if name in node.frozen else Role.PARAMETER)

    def statistic(self, node: Node, name: str, layout: ParameterLayout) -> Buffer:
        """Return the buffer of a layer's running statistic."""
        return self._array(node, name, layout, Role.STATISTIC)

    def _array(self, node: Node, name: str, layout: ParameterLayout, role: Role) -> Buffer:
        full = f"{node.parameters_of}.{name}"
        if not self._parameters.agrees(full, layout):
            raise NotLowered(Message("it shares a parameter that another layer needs in another layout"))
        return self._parameters.place(full, layout, role)

    # fusion

    def fusible_successor(self, node: Node, kind: type[Any]) -> Node | None:
        """Return the next layer if it is of this kind, alone reads the output, and may be fused."""
        if not self.mode.fused or node.name in self._wanted:
            return None
        consumers = self.network.consumers(node.name)
        if len(consumers) != 1 or not isinstance(consumers[0].layer, kind):
            return None
        return consumers[0]

    def fusible_activation(self, node: Node) -> Node | None:
        """Return the activation that can be fused into a layer.

        In training only a ReLU, whose gradient can be computed from its output.
        """
        successor = self.fusible_successor(node, ReLU if self.mode.has_backward else Activation)
        return None if successor is None or kind_of(successor.layer) is None else successor

    def fuse(self, node: Node) -> Node:
        """Mark a layer as computed by the kernel of an earlier one."""
        self.fused[node.name] = None
        return node

    def other_term(self, add: Node, own: Node) -> Value | None:
        """Return the other term of a sum of two, if it has been computed and is of the same shape."""
        others = [name for name in add.inputs if name != own.name]
        if len(add.inputs) != 2 or len(others) != 1 or others[0] not in self.values:
            return None
        value = self.values[others[0]]
        return self.layouts.blocked(value) if value.shape == add.output_shape == own.output_shape else None

    # results

    def mark(self) -> tuple[Any, ...]:
        """Return the current state for `restore`."""
        parts = self.builder.mark(), self.tape.mark(), self.layouts.mark()
        return *parts, len(self.values), len(self.fused)

    def restore(self, mark: tuple[Any, ...]) -> None:
        """Undo what has been lowered since `mark`."""
        builder, tape, layouts, values, fused = mark
        self.builder.restore(builder)
        self.tape.restore(tape)
        self.layouts.restore(layouts)
        for entries, count in ((self.values, values), (self.fused, fused)):
            while len(entries) > count:
                entries.popitem()

    def plan(self, title: str) -> Plan:
        """Return the plan."""
        return self.builder.plan(title)


@singledispatch
def lower(layer: Layer, node: Node, lowering: Lowering) -> None:
    """Add a layer's forward pass to the plan, and record its backward pass.

    Errors:   NotLowered if no kernel computes this layer with these settings; the caller undoes what was added
    """
    raise NotLowered(Message("no kernel for {kind}", kind=layer.kind))
