"""Full report of ResNet-152 compared with torchinfo on the same network: warm, cold, and with exact regions.

Warm: alternating in one process, the network already built on both sides. torchinfo runs its forward pass on the
meta device and on the CPU; both are printed. Both sides compute and print nothing (verbose=0): ours every row
with its field, all totals and both memory peaks. Cold: complete processes as timed by a shell, with model
construction and printing.
"""

from __future__ import annotations

from pathlib import Path

import torch
import torchinfo

import convscope as cs
from convscope.analysis.intervals import intervals
from timing import alternately, machine, median_seconds, processes
from torch_network import TorchNetwork

HERE = Path(__file__).parent
OURS = ["-m", "convscope", "inspect", "resnet152", "--json"]
THEIRS = [str(HERE / "torchinfo_cold.py")]


def full_report(network: cs.Network) -> object:
    """Compute rows, fields, totals and peaks."""
    report = cs.inspect(network)
    return report, report.totals


def main() -> None:
    network = cs.load("resnet152")
    print(f"ResNet-152, {len(network.layers)} layers; {machine()}")
    for device in ("meta", "cpu"):
        module = TorchNetwork(network).to(device).eval()
        image = torch.zeros(1, *network.input_shape, device=device)
        ours, theirs = alternately(
            lambda: full_report(network),
            lambda module=module, image=image: torchinfo.summary(module, input_data=image, verbose=0),
            runs=15,
        )
        print(
            f"warm, torchinfo on {device}: ours {ours * 1e3:.2f} ms, torchinfo {theirs * 1e3:.0f} ms, "
            f"ratio {theirs / ours:.0f}×"
        )
    regions = median_seconds(lambda: intervals(network), 15)
    report = median_seconds(lambda: full_report(network), 15)
    print(
        f"exact regions of every unit of every layer: {regions * 1e3:.2f} ms, {regions / report:.1f}× the report"
    )
    ours, theirs = processes(OURS, THEIRS, 7)
    print(f"cold, whole process: ours {ours:.2f} s, torchinfo {theirs:.2f} s, ratio {theirs / ours:.1f}×")


if __name__ == "__main__":
    main()
