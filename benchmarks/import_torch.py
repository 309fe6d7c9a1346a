"""Import and full report of ResNet-152 from PyTorch, compared with torchinfo on the same module.

Ours records the operators and computes every row with its receptive field, all totals and memory peaks; torchinfo
runs a forward pass on one image, on the CPU or the meta device. Both alternate in one process and print nothing.
"""

from __future__ import annotations

import torch
import torchinfo

import convscope as cs
from timing import alternately, machine
from torch_network import TorchNetwork

SHAPE = (3, 224, 224)


def import_and_report(module: torch.nn.Module) -> object:
    """Import a module and compute rows, fields, totals and peaks."""
    report = cs.inspect(cs.from_torch(module, SHAPE))
    return report, report.totals


def main() -> None:
    module = TorchNetwork(cs.load("resnet152")).eval()
    print(f"ResNet-152 as a module, {sum(1 for _ in module.modules())} modules; {machine()}")
    for device in ("cpu", "meta"):
        module = module.to(device)
        image = torch.zeros(1, *SHAPE, device=device)
        ours, theirs = alternately(
            lambda module=module: import_and_report(module),
            lambda module=module, image=image: torchinfo.summary(module, input_data=image, verbose=0),
            runs=15,
        )
        print(
            f"torchinfo on {device}: ours {ours * 1e3:.0f} ms, torchinfo {theirs * 1e3:.0f} ms, "
            f"ratio {theirs / ours:.1f}×"
        )


if __name__ == "__main__":
    main()
