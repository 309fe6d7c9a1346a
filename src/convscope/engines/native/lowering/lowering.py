"""A network on its way to a plan: what its layers have become so far."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from ....layers.connection import Shape
from ....network import Network, Node
from ..codegen.kernel import Kernel
from ..codegen.target import Target
from ..kernels.merge.merges import Sum
from ..kernels.merge.packing import Pack, Unpack
from ..kernels.update.reductions import Accumulate, SumParts
from ..layout import Blocked, Layout, Plain
from ..plan import Amount, Buffer, FallbackStep, KernelCall, Operand, Plan, PlanStep, Role, Section, Value
from ..runtime.fallback import FallbackContext
from ..runtime.parameters import ParameterLayout, Parameters


@dataclass(frozen=True)
class Gradient:
    """A gradient of a value, in the value's own layout.

    `masked` where the ReLU that the value came out of has been taken into account; then `sums` may hold its sums
    by channel, in so many parts.
    """

    buffer: Buffer
    masked: bool = False
    sums: Buffer | None = None
    parts: int = 0


class NotLowered(Exception):
    """No kernel does this; the text says why, and the layer runs on the reference."""


@dataclass(frozen=True)
class Mode:
    """What a plan is for: training or inference, with kernels joined or every layer's output kept."""

    training: bool
    fused: bool = True
    strict: bool = False
    batch_hint: int = 64


@dataclass
class Lowering:
    """Steps and values so far; one section is open at a time."""

    network: Network
    target: Target
    mode: Mode
    parameters: Parameters
    wanted: frozenset[str]
    values: dict[str, Value] = field(default_factory=dict)
    sections: dict[Section, list[PlanStep]] = field(default_factory=dict)
    kept: set[Buffer] = field(default_factory=set)
    absorbed: dict[str, None] = field(default_factory=dict)
    random: list[str] = field(default_factory=list)
    _readable: list[str] = field(default_factory=list)
    _section: Section = Section.FORWARD
    _backward: list[Callable[[], None]] = field(default_factory=list)
    _contributions: dict[str, list[Gradient]] = field(default_factory=dict)
    _parameter_gradients: set[str] = field(default_factory=set)
    _names: dict[str, int] = field(default_factory=dict)

    @property
    def lanes(self) -> int:
        """Return the floats of a vector."""
        return self.target.width

    # steps

    @contextmanager
    def section(self, name: Section) -> Iterator[None]:
        """Let steps go to a section."""
        before, self._section = self._section, name
        self.sections.setdefault(name, [])
        try:
            yield
        finally:
            self._section = before

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
        """Add a call of a kernel. The batch size need not be given."""
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

    def add(self, step: PlanStep) -> None:
        """Add a step to the open section."""
        self.sections.setdefault(self._section, []).append(step)

    def buffer(self, name: str, per_image: int = 0, fixed: int = 0, role: Role = Role.ACTIVATION) -> Buffer:
        """Return new memory under a name of its own."""
        number = self._names[name] = self._names.get(name, 0) + 1
        return Buffer(name if number == 1 else f"{name} ({number})", role, per_image, fixed)

    # values

    def input_of(self, node: Node, position: int = 0) -> Value:
        """Return what a layer reads."""
        return self.values[node.inputs[position]]

    def new(
        self,
        node: Node,
        layout: Layout,
        sources: tuple[Value, ...],
        rectified: bool = False,
        learned: bool = False,
    ) -> Value:
        """Return a value for a layer's output in memory of its own; `learned` where trained arrays are in it."""
        own = learned or bool(node.trained)
        differentiable = own or any(source.differentiable for source in sources)
        made = self.buffer(f"{node.name}", per_image=layout.floats)
        value = Value(node.name, made, layout, node.output_shape, differentiable, rectified)
        return self.set(node, value)

    def set(self, node: Node, value: Value) -> Value:
        """Say what a layer's output is."""
        self.values[node.name] = value
        return value

    def view(self, node: Node, source: Value) -> Value:
        """Let a layer's output be its input, seen in another shape."""
        return self.set(node, replace(source, shape=node.output_shape))

    def canonical(self, shape: Shape) -> Blocked:
        """Return how an array of this shape lies in blocks: a vector, a row, or an image.

        Errors:   NotLowered for other ranks
        """
        if len(shape) > 3 or not shape:
            raise NotLowered(f"{len(shape)} axes")
        channels, height, width = (*shape[:1], *(1 for _ in range(3 - len(shape))), *shape[1:])
        return Blocked(channels, height, width, self.lanes)

    def blocked(self, value: Value) -> Value:
        """Return the value in blocks as its shape asks for."""
        wanted = self.canonical(value.shape)
        return value if value.layout == wanted else self.converted(value, wanted)

    def elementwise(self, value: Value) -> Value:
        """Return the value in any blocks: views of other shapes will do."""
        return value if isinstance(value.layout, Blocked) else self.blocked(value)

    def plain(self, value: Value) -> Value:
        """Return the value as arrays from outside lie."""
        wanted = Plain(value.shape)
        return value if value.layout == wanted else self.converted(value, wanted)

    def converted(self, value: Value, layout: Layout) -> Value:
        """Return the value in another layout; its gradient finds the way back."""
        key = f"{value.key} as {layout}"
        if key in self.values:
            return self.values[key]
        if isinstance(value.layout, Blocked) and isinstance(layout, Blocked):
            plain = replace(self.converted(value, Plain(value.shape)), shape=value.shape)
            return self.converted(plain, layout)
        made = replace(value, key=key, buffer=self.buffer(key, per_image=layout.floats), layout=layout)
        self.values[key] = made
        self._convert(value.buffer, value.layout, made.buffer, layout, value.key, "layout")

        def back() -> None:
            gradient = self.gradient(made)
            if gradient is None:
                return
            into = self.buffer(f"gradient of {value.key}", per_image=value.layout.floats)
            self._convert(gradient.buffer, layout, into, value.layout, value.key, "layout of the gradient")
            self.contribute(value, Gradient(into))

        self.on_backward(back)
        return made

    def _convert(self, x: Buffer, one: Layout, y: Buffer, other: Layout, layer: str, purpose: str) -> None:
        if isinstance(other, Blocked):
            pack = Pack(other.channels, other.height, other.width, other.lanes)
            self.call(pack, layer, purpose, "blocks of channels", x=x, y=y)
        else:
            assert isinstance(one, Blocked)
            unpack = Unpack(one.channels, one.height, one.width, one.lanes)
            self.call(unpack, layer, purpose, "as seen from outside", x=x, y=y)

    def reshaped(self, value: Value, shape: Shape) -> Value:
        """Return a plain value in another shape: the same memory."""
        return replace(value, layout=Plain(shape), shape=shape)

    def follower(self, node: Node, kind: type[Any]) -> Node | None:
        """Return the layer after this one where it may be computed together with it: it alone reads the output."""
        if not self.mode.fused or node.name in self.wanted:
            return None
        consumers = self.network.consumers(node.name)
        if len(consumers) != 1 or not isinstance(consumers[0].layer, kind):
            return None
        return consumers[0]

    def absorb(self, node: Node) -> Node:
        """Say that a layer is computed along with one before it."""
        self.absorbed[node.name] = None
        return node

    def other_term(self, add: Node, own: Node) -> Value | None:
        """Return the other value of a sum of two, where it is there already and of the same shape."""
        others = [name for name in add.inputs if name != own.name]
        if len(add.inputs) != 2 or len(others) != 1 or others[0] not in self.values:
            return None
        value = self.values[others[0]]
        return self.blocked(value) if value.shape == add.output_shape == own.output_shape else None

    # gradients

    def on_backward(self, write: Callable[[], None]) -> None:
        """Remember how a layer's backward pass is written; the last one remembered is written first."""
        if self.mode.training:
            self._backward.append(write)

    def write_backward(self) -> None:
        """Write the backward passes of all layers."""
        for write in reversed(self._backward):
            write()
        self._backward.clear()

    def contribute(self, value: Value, gradient: Gradient) -> None:
        """Add to the gradient of a value."""
        self._contributions.setdefault(value.key, []).append(gradient)

    def contributions(self, value: Value) -> list[Gradient]:
        """Return the gradients that add up to a value's, for kernels that add while they read."""
        return self._contributions.get(value.key, [])

    def gradient(self, value: Value) -> Gradient | None:
        """Return a value's gradient, summed where several layers read the value; None where none arrives."""
        arrived = self.contributions(value)
        if len(arrived) < 2:
            return arrived[0] if arrived else None
        total = self.buffer(f"gradient of {value.key}", per_image=value.layout.floats)
        terms: dict[str, Operand | int] = {f"x{place}": term.buffer for place, term in enumerate(arrived)}
        reason = f"{len(arrived)} layers read it"
        kernel = Sum(len(arrived), relu=False)
        # Arrays as they are outside need not fill their last vector; their memory does.
        floats = Amount(value.layout.floats, self.lanes - 1)
        self.call(kernel, value.key, "sum of gradients", reason, **terms, y=total, floats=floats)
        summed = Gradient(total, masked=all(term.masked for term in arrived))
        self._contributions[value.key] = [summed]
        return summed

    def parameter(self, node: Node, name: str, layout: ParameterLayout) -> Buffer:
        """Return where a layer's parameter lies.

        Errors:   NotLowered where another layer that shares it needs it in another order
        """
        full = f"{node.parameters_of}.{name}"
        return self._array(full, layout, Role.FROZEN if name in node.frozen else Role.PARAMETER)

    def statistic(self, node: Node, name: str, layout: ParameterLayout) -> Buffer:
        """Return where a layer's running statistic lies."""
        return self._array(f"{node.parameters_of}.{name}", layout, Role.STATISTIC)

    def _array(self, full: str, layout: ParameterLayout, role: Role) -> Buffer:
        if not self.parameters.agrees(full, layout):
            raise NotLowered("it shares a parameter that lies in another order")
        return self.parameters.place(full, layout, role)

    @contextmanager
    def parameter_gradient(self, node: Node, name: str) -> Iterator[Buffer]:
        """Give the memory that a parameter's gradient is to be written to; shared parameters' gradients add up.

        A frozen parameter's goes nowhere: kernels that compute it along with another have to write it somewhere.
        """
        full = f"{node.parameters_of}.{name}"
        if name in node.frozen:
            yield self.buffer(f"unused gradient of {full}", fixed=self.parameters.buffers[full].fixed)
            return
        place = self.parameters.gradient(full)
        if self.first_gradient(full):
            yield place
            return
        own = self.buffer(f"gradient of {full}", fixed=place.fixed)
        yield own
        if place.fixed % self.lanes == 0:
            self.call(Accumulate(), node.name, "shared parameter", x=own, out=place, floats=place.fixed)
            return

        def add(hand: FallbackContext) -> None:
            hand.memory(place)[...] += hand.memory(own)

        reason = f"{place.fixed} floats fill no vector"
        self.add(FallbackStep(add, (own, place), node.name, "shared parameter", reason))

    def first_gradient(self, name: str) -> bool:
        """Say whether nothing has been written to a parameter's gradient so far; from now on it has."""
        new = name not in self._parameter_gradients
        self._parameter_gradients.add(name)
        return new

    def sum_parts(self, parts: Buffer, count: int, out: Buffer, layer: str, purpose: str) -> None:
        """Add up parts of a sum over the batch."""
        self.call(SumParts(count), layer, purpose, f"{count} parts", parts=parts, out=out, floats=out.fixed)

    # results

    def mark(self) -> tuple[Any, ...]:
        """Return where writing stands, to go back to: lengths alone, as values are only ever added."""
        lengths = {name: len(steps) for name, steps in self.sections.items()}
        return lengths, len(self.values), len(self._backward), len(self.absorbed), len(self.random)

    def restore(self, mark: tuple[Any, ...]) -> None:
        """Undo what has been written since."""
        lengths, values, backward, absorbed, random = mark
        _shorten(self.values, values)
        _shorten(self.absorbed, absorbed)
        for name, steps in self.sections.items():
            del steps[lengths.get(name, 0) :]
        del self._backward[backward:]
        del self.random[random:]

    def keep_value(self, name: str) -> None:
        """Let a layer's output be readable after the run."""
        self.kept.add(self.values[name].buffer)
        self._readable.append(name)

    def plan(self, title: str) -> Plan:
        """Return what has been written."""
        sections = {name: tuple(steps) for name, steps in self.sections.items()}
        values = {name: self.values[name] for name in self._readable}
        return Plan(title, self.target, sections, values, frozenset(self.kept), tuple(self.random))


def _shorten(entries: dict[str, Any], count: int) -> None:
    """Take out what was put in last, until so many are left."""
    while len(entries) > count:
        entries.popitem()
