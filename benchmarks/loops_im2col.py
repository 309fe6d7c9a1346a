"""One convolution with plain loops, with im2col and a matrix product, and in PyTorch.

Run:      python benchmarks/loops_im2col.py [--batch 2] [--rounds 7] [--json]
Layer:    32 kernels of 3×3 on 28×28×1, the first layer of a digits network; forward and backward, float32
Method:   the three alternate in one process and one thread, so that a slow moment of the machine affects all of
          them; medians. Only the ratios carry over to other machines. Memory is NumPy's peak in one forward pass.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
import tracemalloc
from collections.abc import Callable
from typing import Any

# Read by the libraries when they are loaded; the loops have one thread, so all get one.
os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")

import numpy as np

from convscope.engines.reference.layers import Algorithm, Context, backward, forward, im2col
from convscope.layers import Conv2d
from timing import machine

LAYER = Conv2d(32, 3, padding=1)
IMAGE = (1, 28, 28)
ALGORITHMS: dict[str, Algorithm] = {"loops": "loops", "im2col": "matrix"}

Pass = Callable[[], Any]


def arrays(batch: int) -> tuple[Any, dict[str, Any], Any]:
    """Return input, parameters and the output's gradient."""
    rng = np.random.default_rng(0)

    def draw(*shape: int) -> Any:
        return rng.normal(size=shape).astype(np.float32)

    parameters = {name: draw(*shape) for name, shape in LAYER.param_shapes(IMAGE).items()}
    return draw(batch, *IMAGE), parameters, draw(batch, *LAYER.output_shape(IMAGE))


def ours(algorithm: Algorithm, x: Any, parameters: dict[str, Any], grad: Any) -> tuple[Pass, Pass]:
    """Return the algorithm's forward and backward pass."""
    context = Context(training=True, algorithm=algorithm)
    return (
        lambda: forward(LAYER, (x,), parameters, context),
        lambda: backward(LAYER, grad, (x,), parameters, context).parameters["weight"],
    )


def pytorchs(x: Any, parameters: dict[str, Any], grad: Any) -> tuple[Pass, Pass]:
    """Return PyTorch's forward and backward pass, the gradient of the input included."""
    import torch
    import torch.nn.functional as F

    tensors = [torch.tensor(array, requires_grad=True) for array in (x, *parameters.values())]
    image, weight, bias = tensors
    output = F.conv2d(image, weight, bias, padding=1)
    above = torch.tensor(grad)

    def run() -> Any:
        with torch.no_grad():
            return F.conv2d(image, weight, bias, padding=1).numpy()

    return run, lambda: torch.autograd.grad(output, tensors, above, retain_graph=True)[1].numpy()


def timed(work: Pass) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def peak_bytes(work: Pass) -> int:
    """Return the most memory that NumPy held at once during the work."""
    tracemalloc.start()
    work()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


def measure(batch: int, rounds: int) -> dict[str, Any]:
    x, parameters, grad = arrays(batch)
    ways = {name: ours(algorithm, x, parameters, grad) for name, algorithm in ALGORITHMS.items()}
    ways["PyTorch"] = pytorchs(x, parameters, grad)
    for step in (0, 1):  # all agree before any is timed; this warms them up, too
        results = [passes[step]() for passes in ways.values()]
        for result in results[:-1]:
            np.testing.assert_allclose(result, results[-1], rtol=1e-3, atol=1e-3)
    times: dict[str, list[list[float]]] = {name: [[], []] for name in ways}
    for done in range(rounds):
        print(f"round {done + 1} of {rounds}", file=sys.stderr)
        for name, passes in ways.items():
            for step in (0, 1):
                times[name][step].append(timed(passes[step]))
    columns = im2col(x, LAYER.kernel_size, LAYER.stride, LAYER.padding)
    return {
        "machine": f"{machine()}, NumPy {np.__version__}, one thread",
        "layer": f"{LAYER.out_channels} kernels {LAYER.kernel_size}, batch {batch} of {IMAGE}",
        "rounds": rounds,
        "seconds": {
            name: {"forward": statistics.median(f), "backward": statistics.median(b)}
            for name, (f, b) in times.items()
        },
        "bytes": {
            "input": x.nbytes,
            "columns": columns.nbytes,
            "peak": {name: peak_bytes(ways[name][0]) for name in ALGORITHMS},
        },
    }


def table(found: dict[str, Any]) -> str:
    total = {name: times["forward"] + times["backward"] for name, times in found["seconds"].items()}
    lines = [
        f"{found['layer']}, float32, median of {found['rounds']} rounds",
        found["machine"],
        "",
        f"{'':10}{'forward':>12}{'backward':>12}{'faster than loops':>20}{'time of PyTorch':>18}",
    ]
    for name, times in found["seconds"].items():
        both = "".join(f"{1e3 * times[step]:>9.2f} ms" for step in ("forward", "backward"))
        faster, slower = total["loops"] / total[name], total[name] / total["PyTorch"]
        lines.append(f"{name:10}{both}{faster:>19,.0f}×{slower:>17,.2f}×")
    sizes = found["bytes"]
    lines += [
        "",
        f"the input has {sizes['input']:,} bytes, its column matrix {sizes['columns']:,}: "
        f"{sizes['columns'] / sizes['input']:.1f}×",
        f"most memory at once in a forward pass: loops {sizes['peak']['loops']:,}, "
        f"im2col {sizes['peak']['im2col']:,}: {sizes['peak']['im2col'] / sizes['peak']['loops']:.1f}×",
    ]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description="plain loops, im2col and PyTorch on one convolution")
    parser.add_argument("--batch", type=int, default=2, help="batch size")
    parser.add_argument("--rounds", type=int, default=7, help="number of rounds")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    given = parser.parse_args()
    found = measure(given.batch, given.rounds)
    print(json.dumps(found) if given.json else table(found))


if __name__ == "__main__":
    main()
