"""How many of torchvision's models are imported whole, and which operators are not known.

CONVSCOPE_TORCHVISION names a folder with torchvision's unpacked wheel where it is not installed:
    pip download torchvision --no-deps && unzip torchvision-*.whl -d FOLDER
"""

from __future__ import annotations

import sys
import time
import warnings
from collections import Counter
from math import prod
from pathlib import Path

import convscope as cs
from convscope.errors import ConvscopeError
from convscope.layers import Opaque

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from interop.torch.torchvision_code import models as torchvision_models

VIDEO = (3, 16, 112, 112)
PICTURE = (3, 224, 224)


def shape_for(name: str, family: str) -> tuple[int, ...]:
    if family == "video":
        return (3, 16, 224, 224) if name.startswith(("mvit", "swin3d")) else VIDEO
    return (3, 299, 299) if name == "inception_v3" else PICTURE


def main() -> int:
    models = torchvision_models()
    if models is None:
        print(__doc__)
        return 2
    unknown: Counter[str] = Counter()
    incomplete = {}
    tally: Counter[str] = Counter()
    started = time.perf_counter()
    for name in models.list_models():
        builder = models.get_model_builder(name)
        family = builder.__module__.removeprefix("torchvision.models").strip(".").partition(".")[0]
        family = (
            family
            if family in ("segmentation", "detection", "optical_flow", "quantization", "video")
            else "classification"
        )
        if family in ("optical_flow", "quantization"):
            continue
        tally[family] += 1
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            module = models.get_model(
                name,
                weights=None,
                **({"weights_backbone": None} if family in ("segmentation", "detection") else {}),
            )
        module = module.backbone if family == "detection" else module
        try:
            network = cs.from_torch(module, shape_for(name, family), name=name)
        except ConvscopeError as error:
            incomplete[name] = str(error).splitlines()[0]
            continue
        opaque = [node.layer.operator for node in network.layers if isinstance(node.layer, Opaque)]
        unknown.update(opaque)
        if opaque:
            incomplete[name] = ", ".join(sorted(set(opaque)))
        params = sum(prod(p.shape) for p in module.parameters())
        ours = cs.inspect(network).totals.params
        print(
            f"{family:15} {name:36} {len(network.layers):5} layers {ours:12,} of {params:12,} parameters"
            + ("  INCOMPLETE" if opaque else "")
        )
        tally[f"{family} complete"] += not opaque
    print(f"\n{time.perf_counter() - started:.1f} s")
    for family in [one for one in tally if not one.endswith("complete")]:
        print(f"{family}: {tally[family]} tried, {tally[f'{family} complete']} complete")
    for name, reason in incomplete.items():
        print(f"incomplete: {name}: {reason}")
    print("unknown operators: " + (", ".join(f"{n} ({c})" for n, c in unknown.most_common()) or "none"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
