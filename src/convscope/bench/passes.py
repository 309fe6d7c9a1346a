"""Passes of single convolutions, as the native engine plans them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from ..engines.native.codegen.compiler import this_loader
from ..engines.native.kernels.common.shapes import ConvolutionShape
from ..engines.native.layout import Blocked
from ..engines.native.lowering.convolution import convolution_shape
from ..engines.native.lowering.lowering import Gradient, Lowering, Mode, lower
from ..engines.native.plan import Plan, PlanSection, Value
from ..engines.native.runtime.executable import Executable, Memory
from ..engines.native.runtime.memory_planner import aligned
from ..engines.native.runtime.parameters import Arrays
from ..engines.native.runtime.threads import pool
from ..layers import Conv
from ..network import Network
from ..notation import parse

SOURCE, CONVOLUTION = "input", "convolution"
"""Names of the two layers of the network that holds one convolution."""
PASSES = ("forward", "input gradient", "weight gradient")
INFERENCE = "inference"


class Case(NamedTuple):
    """A convolution: images, channels, side, filters, kernel, stride, padding."""

    batch: int
    channels: int
    side: int
    filters: int
    kernel: int
    stride: int
    padding: int

    def __str__(self) -> str:
        sizes = f"{self.batch}×{self.channels}×{self.side}²→{self.filters}"
        return f"{sizes}, {self.kernel}×{self.kernel} s{self.stride}"


CASES = (
    Case(64, 1, 28, 32, 3, 1, 1),
    Case(64, 32, 14, 64, 3, 1, 1),
    Case(16, 64, 56, 64, 3, 1, 1),
    Case(16, 128, 28, 128, 3, 1, 1),
    Case(16, 256, 14, 256, 3, 1, 1),
    Case(16, 512, 7, 512, 3, 1, 1),
    Case(1, 64, 56, 64, 3, 1, 1),
    Case(1, 256, 14, 256, 3, 1, 1),
    Case(1, 3, 224, 64, 7, 2, 3),
    Case(16, 256, 14, 1024, 1, 1, 0),
    Case(1, 3, 227, 96, 11, 4, 0),
    Case(1, 96, 27, 256, 5, 1, 2),
)
"""Convolutions of common networks, from first to last layers."""


@dataclass
class Passes:
    """Passes of a compiled convolution."""

    shape: ConvolutionShape
    bound: Executable
    arrays: Arrays

    def work(self, purpose: str) -> Callable[[], object]:
        """Return the work of one pass: all its kernels, with those for the weights."""
        section = PlanSection.FORWARD if purpose in ("forward", INFERENCE) else PlanSection.BACKWARD
        named = "forward" if purpose == INFERENCE else purpose
        calls = self.bound.singles(section)
        chosen = [record for call, record in calls if call.purpose.startswith(named)]
        if purpose == INFERENCE:
            chosen = chosen[-1:]  # weights are transformed once, before
        records = np.concatenate(chosen)
        threads = pool(this_loader())
        return lambda: threads.run(records)

    def given(self) -> dict[str, np.ndarray]:
        """Return the inputs of the passes in plain layout: "x", "dy", "weight", "bias"."""
        names = {name.rpartition(".")[2]: name for name in self.arrays.parameter_shapes}
        arrays = {short: self.arrays.read(name) for short, name in names.items()}
        return {"x": self._seen(SOURCE), "dy": self._seen("dy"), **arrays}

    def result(self, purpose: str) -> np.ndarray:
        """Run a pass and return its result in plain layout."""
        self.work(purpose)()
        if purpose == "forward":
            return self._seen(CONVOLUTION)
        if purpose == "weight gradient":
            return self.arrays.gradient(f"{CONVOLUTION}.weight")
        value = self.bound.plan.values[SOURCE]
        (place,) = {
            buffer
            for call in self.bound.plan.steps
            for buffer in call.buffers
            if buffer.name == f"gradient of {SOURCE}"
        }
        return value.layout.unpack(self.bound.memory(place)).reshape(-1, *value.shape)

    def _seen(self, name: str) -> np.ndarray:
        value = self.bound.plan.values[name]
        return np.array(value.layout.unpack(self.bound.memory(value.buffer))).reshape(-1, *value.shape)

    def kernels(self, purpose: str) -> str:
        """Return the names of the pass's kernels."""
        steps = self.bound.plan.steps
        names = [type(call.kernel).__name__ for call in steps if call.purpose.startswith(purpose)]  # type: ignore[union-attr]
        return ", ".join(names)


def passes_of(case: Case, strict: bool = False) -> Passes:
    """Return the passes of a convolution with a bias, as in a training step."""
    convolution = f"conv {case.filters} {case.kernel} s{case.stride} p{case.padding}"
    network = parse(f"input {case.channels}x{case.side}x{case.side} | {CONVOLUTION}: {convolution}")
    return passes_of_network(network, case.batch, strict)


def passes_of_network(network: Network, batch: int, strict: bool = False) -> Passes:
    """Return the passes of a network that is one convolution."""
    arrays = Arrays(network, ())
    loader = this_loader()
    plan, shape = _plan(network, arrays, strict, batch)
    arrays.settle(training=True)
    draw = np.random.default_rng(0)
    for name, sizes in arrays.parameter_shapes.items():
        arrays.write(name, draw.normal(size=sizes).astype(np.float32) * 0.05)
    threads = pool(loader)
    bound = Executable(plan, batch, loader.addresses(plan.kernels), Memory(aligned), arrays.locate, threads)
    for value in plan.values.values():
        memory = bound.memory(value.buffer)
        sizes = (batch, *value.shape)
        memory[...] = value.layout.pack(draw.normal(size=sizes).astype(np.float32))
    return Passes(shape, bound, arrays)


def _plan(network: Network, arrays: Arrays, strict: bool, batch: int) -> tuple[Plan, ConvolutionShape]:
    """Lower the convolution with a differentiable input and an external output gradient."""
    loader = this_loader()
    source, node = network
    assert isinstance(node.layer, Conv)
    shape = convolution_shape(node.layer, node, loader.target.width)
    mode = Mode(training=True, strict=strict, batch_hint=batch)
    lowering = Lowering(network, loader.target, mode, arrays.layouts, frozenset({node.name}))
    for part in _values(lowering, source.name, source.output_shape):
        lowering.values[part.key] = part
        lowering.keep_value(part.key)
    lower(node.layer, node, lowering)
    lowering.keep_value(node.name)
    result = lowering.values[node.name]
    incoming = Value(
        "dy", lowering.builder.buffer("dy", per_image=result.layout.floats), result.layout, result.shape
    )
    lowering.values["dy"] = incoming
    lowering.keep_value("dy")
    with lowering.builder.section(PlanSection.BACKWARD):
        lowering.tape.contribute(result, Gradient(incoming.buffer))
        lowering.tape.write_backward()
    return lowering.plan("passes"), shape


def _values(lowering: Lowering, name: str, shape: tuple[int, ...]) -> Iterator[Value]:
    """Yield the input in the layout of a preceding layer: blocked, or plain for images."""
    from ..engines.native.layout import Plain

    channels, height, width = shape
    small = channels < lowering.lanes
    layout = Plain(shape) if small else Blocked(channels, height, width, lowering.lanes)
    made = Value(name, lowering.builder.buffer(name, per_image=layout.floats), layout, shape)
    yield replace(made, differentiable=not small)
