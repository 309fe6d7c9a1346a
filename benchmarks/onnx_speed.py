"""ResNet-152 as an ONNX file with its 240 MB of weights: import and report, beside torchinfo on the same network.

Each of our runs opens the file anew, builds the network and computes every row, all totals and both memory peaks.
torchinfo runs its forward pass on the CPU, the real device, and on the meta device, the fastest for it. Warm: one
process, in turn. Whole processes: the command line on the file, printing included, beside a script that builds the
module on the meta device and prints torchinfo's summary.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import torch
import torchinfo

import convscope as cs
from timing import alternately, machine, median_seconds, processes
from torch_network import TorchNetwork

THEIRS = [str(Path(__file__).parent / "torchinfo_cold.py")]


def imported_report(path: Path) -> object:
    """Read the file and compute rows, fields, totals and peaks."""
    report = cs.inspect(cs.from_onnx(path))
    return [(row.params, row.receptive_field.size) for row in report], report.totals


def main() -> None:
    network = cs.load("resnet152")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "resnet152.onnx"
        cs.to_onnx(cs.Model(network), path)
        size = path.stat().st_size / 2**20
        print(f"ResNet-152, {len(network.layers)} layers, a file of {size:.0f} MiB; {machine()}")
        for device in ("cpu", "meta"):
            module = TorchNetwork(network).to(device).eval()
            picture = torch.zeros(1, *network.input_shape, device=device)
            ours, theirs = alternately(
                lambda: imported_report(path),
                lambda module=module, picture=picture: torchinfo.summary(module, input_data=picture, verbose=0),
                runs=15,
            )
            print(
                f"import and report {ours * 1e3:.1f} ms, torchinfo on {device} {theirs * 1e3:.0f} ms, "
                f"ratio {theirs / ours:.1f}×"
            )
        alone = median_seconds(lambda: cs.from_onnx(path), 15)
        print(f"import alone {alone * 1e3:.1f} ms")
        ours, theirs = processes(["-m", "convscope", "inspect", str(path), "--json"], THEIRS, 7)
        print(f"whole process: ours {ours:.2f} s, torchinfo {theirs:.2f} s, ratio {theirs / ours:.1f}×")


if __name__ == "__main__":
    main()
