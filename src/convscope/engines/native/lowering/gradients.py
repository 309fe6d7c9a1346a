"""Reverse-mode differentiation over a plan: backward passes and the gradients they pass on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from ....network import Node
from ....text.language import Message
from ..codegen.kernel import Kernel
from ..kernels.merge.merges import ReluGradient, SumKernel
from ..kernels.update.reductions import Accumulate, ChannelSums
from ..layout import Blocked
from ..plan import Amount, Buffer, FallbackStep, Operand, Value
from ..runtime.fallback import FallbackContext
from ..runtime.parameters import Parameters
from .plan_builder import PlanBuilder

SLICES = 16
"""Parts of a sum over the batch, so that as many threads can share it."""

WriteBackward = Callable[["Gradient"], None]
"""Adds a layer's backward pass to the plan, from the gradient of its output."""


@dataclass(frozen=True)
class Gradient:
    """A gradient of a value, in the value's layout.

    `masked` if the ReLU that produced the value has been differentiated already. Then `sums` may hold its sums
    over each channel, in `parts` parts.
    """

    buffer: Buffer
    masked: bool = False
    sums: Buffer | None = None
    parts: int = 0


class GradientTape:
    """Backward passes of the layers lowered so far, and the gradients that reach each value.

    Outside training nothing is recorded.
    """

    def __init__(self, builder: PlanBuilder, parameters: Parameters, training: bool) -> None:
        self._builder, self._parameters, self._training = builder, parameters, training
        self._backward: list[Callable[[], None]] = []
        self._contributions: dict[str, list[Gradient]] = {}
        self._parameter_gradients: set[str] = set()

    # recording

    def record(self, write: Callable[[], None]) -> None:
        """Record how a layer's backward pass is written. The last one recorded is written first."""
        if self._training:
            self._backward.append(write)

    def backward(self, result: Value, relu_of: str = "") -> Callable[[WriteBackward], None]:
        """Decorate a function that writes a layer's backward pass, given the gradient of its result.

        Nothing is written if no gradient reaches the result. With `relu_of`, the name of the layer, the gradient
        is that of the input of the ReLU fused into the layer, if there is one.
        """

        def register(write: WriteBackward) -> None:
            def run() -> None:
                gradient = self.through_relu(result, relu_of) if relu_of else self.gradient(result)
                if gradient is not None:
                    write(gradient)

            self.record(run)

        return register

    def backward_by(
        self,
        kernel: Kernel,
        layer: str,
        x: Value,
        y: Value,
        names: tuple[str, str] = ("dy", "dx"),
        purpose: str = "input gradient",
        reason: str = "",
        /,
        **operands: Operand,
    ) -> None:
        """Record a backward pass that is one kernel: from the gradient of `y` to that of `x`, by argument name."""

        @self.backward(y)
        def write(gradient: Gradient) -> None:
            if x.differentiable:
                with self.input_gradient(x) as dx:
                    given = {names[0]: gradient.buffer, names[1]: dx}
                    self._builder.call(kernel, layer, purpose, reason, **given, **operands)

    def write_backward(self) -> None:
        """Write the recorded backward passes."""
        for write in reversed(self._backward):
            write()
        self._backward.clear()

    def mark(self) -> int:
        """Return the current state for `restore`."""
        return len(self._backward)

    def restore(self, mark: int) -> None:
        """Undo what has been recorded since `mark`."""
        del self._backward[mark:]

    # gradients of values

    def contribute(self, value: Value, gradient: Gradient) -> None:
        """Add to the gradient of a value. Only the gradients of differentiable values are used."""
        if value.differentiable:
            self._contributions.setdefault(value.key, []).append(gradient)

    def contributions(self, value: Value) -> list[Gradient]:
        """Return the terms of a value's gradient, for kernels that add them while reading."""
        return self._contributions.get(value.key, [])

    def gradient(self, value: Value) -> Gradient | None:
        """Return a value's gradient, summed if several layers read the value; None if no gradient reaches it."""
        terms = self.contributions(value)
        if len(terms) < 2:
            return terms[0] if terms else None
        builder = self._builder
        total = self.gradient_buffer(value)
        operands: dict[str, Operand | int] = {f"x{index}": term.buffer for index, term in enumerate(terms)}
        reason = Message("{count} layers read it", count=len(terms))
        kernel = SumKernel(len(terms), relu=False)
        # Plain arrays need not fill their last vector; their memory does.
        floats = Amount(value.layout.floats, builder.lanes - 1)
        builder.call(kernel, value.key, "sum of gradients", reason, **operands, y=total, floats=floats)
        summed = Gradient(total, masked=all(term.masked for term in terms))
        self._contributions[value.key] = [summed]
        return summed

    def through_relu(self, value: Value, layer: str) -> Gradient | None:
        """Return the gradient of a ReLU's input if the value is the ReLU's output, else the value's gradient."""
        gradient = self.gradient(value)
        if gradient is None or not value.rectified or gradient.masked:
            return gradient
        dx = self._builder.buffer(f"gradient before {value.key}'s ReLU", per_image=value.layout.floats)
        operands = {"y": value.buffer, "dy": gradient.buffer, "dx": dx}
        self._builder.call(ReluGradient(), layer, Message("ReLU backward"), floats=value.floats, **operands)
        return Gradient(dx, masked=True)

    def gradient_buffer(self, value: Value) -> Buffer:
        """Return a new buffer for a term of a value's gradient."""
        return self._builder.buffer(f"gradient of {value.key}", per_image=value.layout.floats)

    @contextmanager
    def input_gradient(self, source: Value) -> Iterator[Buffer]:
        """Provide a buffer for a layer's contribution to the gradient of one of its inputs."""
        buffer = self.gradient_buffer(source)
        yield buffer
        self.contribute(source, Gradient(buffer))

    # gradients of parameters

    @contextmanager
    def parameter_gradient(self, node: Node, name: str) -> Iterator[Buffer]:
        """Provide the buffer of a parameter's gradient. Gradients of shared parameters are summed.

        The gradient of a frozen parameter is discarded: kernels that compute it with another one still write it.
        """
        builder, full = self._builder, f"{node.parameters_of}.{name}"
        if name in node.frozen:
            yield builder.buffer(f"unused gradient of {full}", fixed=self._parameters.buffers[full].fixed)
            return
        total = self._parameters.gradient(full)
        if self.is_first_gradient(full):
            yield total
            return
        own = builder.buffer(f"gradient of {full}", fixed=total.fixed)
        yield own
        if total.fixed % builder.lanes == 0:
            builder.call(
                Accumulate(), node.name, Message("shared parameter"), x=own, out=total, floats=total.fixed
            )
            return

        def add(context: FallbackContext) -> None:
            context.memory(total)[...] += context.memory(own)

        reason = Message("{size} floats do not fill whole vectors", size=total.fixed)
        builder.add(FallbackStep(add, (own, total), node.name, Message("shared parameter"), reason))

    def is_first_gradient(self, name: str) -> bool:
        """Say whether nothing has been written to a parameter's gradient yet, and note that it has now."""
        new = name not in self._parameter_gradients
        self._parameter_gradients.add(name)
        return new

    def sum_channels(self, gradient: Gradient, value: Value, out: Buffer, layer: str) -> None:
        """Sum a gradient over images and positions, channel by channel: the gradient of a bias."""
        builder = self._builder
        if gradient.sums is not None:
            builder.sum_parts(gradient.sums, gradient.parts, out, layer, "bias gradient")
            return
        layout = value.layout
        assert isinstance(layout, Blocked)
        parts = builder.buffer(f"parts of {layer}.bias's gradient", fixed=SLICES * out.fixed)
        kernel = ChannelSums(layout.channels, layout.height, layout.width, layout.lanes, SLICES)
        builder.call(kernel, layer, "bias gradient", dy=gradient.buffer, parts=parts)
        builder.sum_parts(parts, SLICES, out, layer, "bias gradient")
