"""Import and report of ResNet-152 from ONNX files with 230 MB of weights, compared with torchinfo.

Two files: one with a node for every layer, and one as PyTorch's exporter writes it, batch normalization merged
into the convolutions. Each of our runs opens the file again, builds the network and computes every row, all totals
and both memory peaks. torchinfo runs its forward pass on the CPU, the real device, and on the meta device. Warm:
alternating in one process. Cold: the command line on the file, including printing, and a script that builds
the module on the meta device and prints torchinfo's summary.
"""

from __future__ import annotations

import tempfile
import warnings
from pathlib import Path

import torch
import torchinfo

import convscope as cs
from timing import alternately, machine, processes
from torch_network import TorchNetwork

THEIRS = [str(Path(__file__).parent / "torchinfo_cold.py")]


def imported_report(path: Path) -> object:
    """Read the file and compute rows, fields, totals and peaks."""
    report = cs.inspect(cs.from_onnx(path))
    return [(row.params, row.receptive_field.size) for row in report], report.totals


def exported_by_pytorch(module: torch.nn.Module, image: torch.Tensor, path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter's own, of what it will be called
        torch.onnx.export(module, (image,), path, dynamo=False)


def main() -> None:
    network = cs.load("resnet152")
    modules = {device: TorchNetwork(network).to(device).eval() for device in ("cpu", "meta")}
    images = {device: torch.zeros(1, *network.input_shape, device=device) for device in modules}
    with tempfile.TemporaryDirectory() as folder:
        whole, folded = Path(folder) / "whole.onnx", Path(folder) / "folded.onnx"
        cs.to_onnx(cs.Model(network), whole)
        exported_by_pytorch(modules["cpu"], images["cpu"], folded)
        print(f"ResNet-152; {machine()}")
        for what, path in (("a node for every layer", whole), ("as PyTorch exports it", folded)):
            print(f"{what}: {len(cs.from_onnx(path).layers)} layers, {path.stat().st_size / 2**20:.0f} MiB")
            for device, module in modules.items():
                ours, theirs = alternately(
                    lambda path=path: imported_report(path),
                    lambda module=module, x=images[device]: torchinfo.summary(module, input_data=x, verbose=0),
                    runs=15,
                )
                print(
                    f"  import and report {ours * 1e3:.1f} ms, torchinfo on {device} {theirs * 1e3:.0f} ms, "
                    f"ratio {theirs / ours:.1f}×"
                )
        ours, theirs = processes(["-m", "convscope", "inspect", str(whole), "--json"], THEIRS, 7)
        print(f"whole process: ours {ours:.2f} s, torchinfo {theirs:.2f} s, ratio {theirs / ours:.1f}×")


if __name__ == "__main__":
    main()
