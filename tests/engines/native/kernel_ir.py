"""Hashes of the plans and of the LLVM IR of every kernel that a set of networks uses.

A refactoring of the native engine must not change the code it generates. Write the hashes before and after, with
the package of each tree on the path, and compare:

    PYTHONPATH=before/src python tests/engines/native/kernel_ir.py > before.txt
    PYTHONPATH=after/src python tests/engines/native/kernel_ir.py > after.txt
    diff before.txt after.txt

A line has the network, the target, the plan and its batch size, the number of steps and of distinct kernels, a hash
of the plan's structure (sections, layers, kernels and the memory behind each argument) and a hash of the IR of its
kernels. The networks are every example layer of the contract tests, random networks, and networks of the zoo that
are named on the command line (`lenet resnet18`). Nothing is compiled or run, so targets other than this processor
are included.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parent)]
import convscope as cs
from convscope import layers as L
from convscope.engines.native.codegen.compiler import Loader
from convscope.engines.native.codegen.kernel import Kernel, generate
from convscope.engines.native.codegen.target import Target, named
from convscope.engines.native.plan import Amount, Buffer, Plan
from convscope.engines.native.runtime.program import NativeProgram
from convscope.engines.protocol import Training
from convscope.errors import ConvscopeError
from convscope.network import Entry, Network
from convscope.optim.losses import default_loss, objective
from convscope.optim.optimizers import SGD, Adam
from layers.examples import EXAMPLES, Shape, example_id

TARGETS = ("znver4", "haswell", "neoverse-n1")
"""Vectors of 16, 8 and 4 floats."""
BATCHES = (1, 8, 64)
TITLES = ("training", "observed", "update", "inference", "every layer")


def example_network(layer: L.Layer, shapes: tuple[Shape, ...]) -> Network:
    """Return a network around one layer, whose inputs have gradients and whose output is classified."""
    entries = []
    for index, shape in enumerate(shapes):
        entries.append(Entry(f"input{index}", L.Input(shape), ()))
        entries.append(Entry(f"prelu{index}", L.PReLU(), (f"input{index}",)))
    sources = tuple(f"prelu{index}" for index in range(len(shapes)))
    entries += [
        Entry("layer", layer, sources),
        Entry("relu", L.ReLU(), ("layer",)),
        Entry("flatten", L.Flatten(), ("relu",)),
        Entry("classes", L.Linear(3), ("flatten",)),
    ]
    return Network(entries, "example")


def networks(draws: int, zoo: list[str]) -> Iterator[tuple[str, Network]]:
    """Return the example networks, random networks of so many seeds, and named ones."""
    for position, (layer, shapes) in enumerate(EXAMPLES):
        if not shapes:
            continue  # an input
        label = f"{position} {example_id((layer, shapes))}"
        try:
            yield label, example_network(layer, shapes)
        except ConvscopeError as error:
            print(f"{label}: no network: {error}")
    if draws:
        from network_draws import drawn_network

        for seed in range(draws):
            yield f"draw {seed}", drawn_network(seed)
    for name in zoo:
        yield name, cs.load(name)


def program_for(network: Network, target: Target, strict: bool, optimizer: Any) -> NativeProgram:
    """Return a network compiled for a target. It can be planned, not run."""
    training = Training(optimizer, objective(network, default_loss(network)))
    pool: Any = None
    return NativeProgram(network, training, 0, strict, Loader(target), pool)


@cache
def ir_hash(kernel: Kernel, target: Target) -> str:
    """Return the hash of a kernel's LLVM IR."""
    return _hash(generate(kernel, target, "kernel"))


def structure_hash(plan: Plan) -> str:
    """Return the hash of a plan's sections, steps and arguments, without the names of buffers."""
    places: dict[Buffer, int] = {}

    def place(buffer: Buffer) -> str:
        index = places.setdefault(buffer, len(places))
        return f"{index}:{buffer.role}:{buffer.per_image}:{buffer.fixed}"

    def argument(operand: Any) -> str:
        if isinstance(operand, Buffer):
            return place(operand)
        return f"{operand.per_image}·n+{operand.fixed}" if isinstance(operand, Amount) else "runtime"

    lines = []
    for section, steps in plan.sections.items():
        for step in steps:
            if hasattr(step, "kernel"):
                operands: Mapping[str, Any] = step.operands
                given = [f"{name}={argument(operands[name])}" for name in sorted(operands)]
                lines.append(f"{section!s} {ir_hash(step.kernel, plan.target)} {step.layer} {' '.join(given)}")
            else:
                lines.append(f"{section!s} Python {step.layer} {' '.join(map(place, step.buffers))}")
    return _hash("\n".join(lines))


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def main() -> None:
    """Print a line for each network, target and plan."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("zoo", nargs="*", help="networks of the zoo to include")
    options.add_argument("--targets", nargs="+", default=TARGETS, help="processors to generate code for")
    options.add_argument("--draws", type=int, default=20, help="number of random networks")
    chosen = options.parse_args()
    every = list(networks(chosen.draws, chosen.zoo))
    for name in chosen.targets:
        target = named(name)
        for position, (label, network) in enumerate(every):
            optimizer = Adam() if position % 2 else SGD(momentum=0.9)
            program = program_for(network, target, position % 7 == 0, optimizer)
            for title in TITLES:
                for batch in BATCHES if title != "update" else BATCHES[:1]:
                    plan = program.plan(title, batch)
                    kernels = plan.kernels
                    code = _hash(" ".join(ir_hash(kernel, target) for kernel in kernels))
                    counts = f"{len(plan.steps)} {len(kernels)}"
                    print(label, name, title, batch, counts, structure_hash(plan), code, sep=" | ", flush=True)


if __name__ == "__main__":
    main()
