"""The native engine on this machine: speed compared with peers, first call, memory of a training step, rounding.

Arguments select parts by name. By default all are printed.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile

import numpy as np

import convscope as cs
from convscope.bench import networks, passes
from convscope.cli import main as convscope
from convscope.engines.native.runtime.memory_planner import busiest_moment, by_lifetime
from convscope.engines.native.runtime.program import NativeProgram
from convscope.notation import parse_yaml
from timing import machine

PARTS = ("speed", "first call", "memory", "rounding")
TRAINING = tuple(case for case in networks.CASES if case.training)

_FIRST = """
import json, sys, time
start = time.perf_counter()
import numpy as np
import convscope as cs
imported = time.perf_counter()
model = cs.Model(sys.argv[1], engine="native")
model.train_step(np.zeros((64, 1, 28, 28), np.float32), np.zeros(64, np.int64))
print(json.dumps([imported - start, time.perf_counter() - imported]))
"""

_PEAK = """
import ctypes
import gc

def resident(name):
    with open("/proc/self/status") as file:
        return 1024 * next(int(line.split()[1]) for line in file if line.startswith(name))

def own_memory():
    # What was freed goes back to the system, and the peak is counted from here on.
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")
    return resident("VmRSS")
"""

_STEPS = {
    "ours": _PEAK
    + """
import sys
from convscope.bench import networks
case = [case for case in networks.CASES if case.training][int(sys.argv[1])]
small = networks.prepared(case._replace(batch=1))
small.model.train_step(small.x, small.labels)
before = own_memory()
model, x, labels = networks.prepared(case)
for _ in range(3):
    model.train_step(x, labels)
print(resident("VmHWM") - before)
""",
    "PyTorch": _PEAK
    + """
import sys
import torch
from convscope.bench import networks, peers
case = [case for case in networks.CASES if case.training][int(sys.argv[1])]
small = networks.prepared(case._replace(batch=1))
peers.training_step(torch, small.model, small.x, small.labels, sys.argv[2])()
model, x, labels = networks.prepared(case)
before = own_memory()
step = peers.training_step(torch, model, x, labels, sys.argv[2])
for _ in range(3):
    step()
print(resident("VmHWM") - before)
""",
}
"""How far a process's memory grows when a network is built and trained for three steps; Linux only.

A step with one image goes before: it brings in what a process has once, as libraries and generated code."""


def first_call() -> None:
    """Time the first training step of the digits CNN in new processes, where nothing and where all is compiled."""
    _printed(_FIRST, networks.DIGITS)  # Python's own cache is there from now on
    with tempfile.TemporaryDirectory() as folder:
        for name in ("empty cache", "warm cache"):
            imported, seconds = json.loads(_printed(_FIRST, networks.DIGITS, CONVSCOPE_CACHE=folder))
            print(f"{name}: first training step of the digits CNN after {seconds:.2f} s, import {imported:.2f} s")


def memory() -> None:
    """Compare what a training step needs: by plan, and as the process's peak grows, beside PyTorch's."""
    for number, case in enumerate(TRAINING):
        network = parse_yaml(case.model) if "\n" in case.model else cs.load(case.model)
        model = cs.Model(network, engine="native")
        model.compile(cs.SGD(lr=0.01, momentum=0.9))
        program = model.program
        assert isinstance(program, NativeProgram)
        plan = program.plan("training")
        activations, least = by_lifetime(plan, case.batch).floats, busiest_moment(plan, case.batch)
        lasting = 3 * program.arrays.floats  # parameters, gradients, momentum
        ours = int(_printed(_STEPS["ours"], str(number)))
        theirs = {
            layout: int(_printed(_STEPS["PyTorch"], str(number), layout))
            for layout in ("contiguous_format", "channels_last")
        }
        best = min(theirs, key=theirs.__getitem__)
        print(
            f"{case.title}, batch {case.batch}: planned {_mib(4 * (activations + lasting))} (activations "
            f"{_mib(4 * activations)}, {_mib(4 * least)} at the busiest moment; parameters, gradients, momentum "
            f"{_mib(4 * lasting)}); measured {_mib(ours)}, PyTorch {best} {_mib(theirs[best])}, "
            f"{ours / theirs[best]:.2f}× its memory"
        )


def rounding() -> None:
    """Compare passes of convolutions with float64: the root of the mean squared error, beside PyTorch's."""
    import torch

    print("root mean squared error relative to the result's root mean square, in units of 1e-7; in brackets the")
    print("largest error relative to the largest value")
    for case in passes.CASES:
        ways = {"fast": passes.passes_of(case), "strict": passes.passes_of(case, strict=True)}
        given = {name: torch.from_numpy(array) for name, array in ways["fast"].given().items()}
        exact = _torch_passes(torch, {name: array.double() for name, array in given.items()}, case)
        single = _torch_passes(torch, given, case)
        for purpose in passes.PASSES:
            if purpose == "input gradient" and case.channels < ways["fast"].shape.lanes:
                continue
            errors = {"PyTorch": single[purpose]} | {name: own.result(purpose) for name, own in ways.items()}
            texts = [f"{name} {_error(found, exact[purpose])}" for name, found in errors.items()]
            print(f"{case!s:<28} {purpose:<16} {', '.join(texts)}")


def _torch_passes(torch, given, case: passes.Case) -> dict[str, np.ndarray]:
    x, dy, weight, bias = (given[name] for name in ("x", "dy", "weight", "bias"))
    stride, padding = [case.stride] * 2, [case.padding] * 2
    forward = torch.nn.functional.conv2d(x, weight, bias, stride, padding)
    settings = (stride, padding, [1, 1], False, [0, 0], 1)
    gradients = torch.ops.aten.convolution_backward(dy, x, weight, [case.filters], *settings, [True, True, False])
    found = (forward, gradients[0], gradients[1])
    return {name: array.numpy() for name, array in zip(passes.PASSES, found, strict=True)}


def _error(found: np.ndarray, exact: np.ndarray) -> str:
    wrong = found - exact
    share = np.sqrt((wrong**2).mean() / (exact**2).mean())
    return f"{1e7 * share:.1f} ({np.abs(wrong).max() / np.abs(exact).max():.1e})"


def _printed(code: str, *arguments: str, **settings: str) -> str:
    """Run Python in a new process and return what it prints."""
    command = [sys.executable, "-c", code, *arguments]
    environment = {**os.environ, **settings}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # users' Python keeps what it has compiled
    done = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    return done.stdout.decode()


def _mib(count: float) -> str:
    return f"{count / 2**20:.1f} MiB"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"any of: {', '.join(PARTS)}")
    parser.add_argument("--seconds", type=float, default=1.0, help="seconds per row of the speed table (1)")
    chosen = parser.parse_args()
    wanted = chosen.parts or PARTS
    if set(wanted) - set(PARTS):
        parser.error(f"PART must be any of {', '.join(PARTS)}; got {', '.join(wanted)}")
    print(f"the native engine; {machine()}")
    rest = {"first call": first_call, "memory": memory, "rounding": rounding}
    for part in wanted:
        print(f"\n{part}")
        if part in rest:
            rest[part]()
        elif code := convscope(["bench", "--seconds", str(chosen.seconds)]):
            sys.exit(code)


if __name__ == "__main__":
    main()
