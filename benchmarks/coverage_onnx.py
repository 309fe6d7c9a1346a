"""Coverage of ONNX files that PyTorch exports from torchvision's and timm's models.

    python benchmarks/coverage_onnx.py [traced|program] [--few]

CONVSCOPE_MODEL_CODE is a folder with the unpacked wheels, which `make test-frameworks` creates.
The models are torchvision's classification and segmentation models and the first of each timm family, up to
MOST parameters; with --few only the smaller ones. Models that PyTorch cannot export are counted separately.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from torch import nn

import convscope as cs
from convscope.errors import ConvscopeError
from convscope.layers import Opaque

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from interop.onnx.exported import PROGRAM, TRACED, exported
from interop.torch import timm_code, torchvision_code

MOST, FEW = 120_000_000, 12_000_000


def torchvision_models() -> Iterator[tuple[str, nn.Module, tuple[int, ...]]]:
    for name in torchvision_code.names():
        if torchvision_code.family_of(name) in ("classification", "segmentation"):
            yield name, torchvision_code.built(name), torchvision_code.usual_shape(name)


def timm_models() -> Iterator[tuple[str, nn.Module, tuple[int, ...]]]:
    for names in timm_code.families().values():
        module = timm_code.built(names[0])
        yield names[0], module, timm_code.usual_shape(module)


def on_cpu(collection: str, name: str) -> nn.Module:
    """Return the model with weights, which the exporters need."""
    if collection == "timm":
        return timm_code.timm().create_model(name)
    segmented = torchvision_code.family_of(name) == "segmentation"
    settings = {"weights_backbone": None} if segmented else {}
    return torchvision_code.models().get_model(name, weights=None, **settings)


def outcome(collection: str, name: str, shape: tuple[int, ...], how: str) -> str:
    """Export and read a model; say what is unknown, or who refused it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        try:
            exported(on_cpu(collection, name), shape, path, how)
        except Exception as error:
            return f"not exported: {type(error).__name__}"
        started = time.perf_counter()
        try:
            network = cs.from_onnx(path)
        except ConvscopeError as error:
            return f"refused: {str(error).splitlines()[0]}"
        took = time.perf_counter() - started
        unknown = sorted({node.layer.operator for node in network.layers if isinstance(node.layer, Opaque)})
        totals = cs.inspect(network).totals
        said = f"{len(network.layers)} layers, {totals.macs / 1e9:.3f} G MACs, {took:.2f} s"
        return f"unknown: {', '.join(unknown)} ({said})" if unknown else f"complete ({said})"


def main() -> int:
    how = PROGRAM if PROGRAM in sys.argv[1:] else TRACED
    most = FEW if "--few" in sys.argv[1:] else MOST
    if torchvision_code.models() is None or timm_code.timm() is None:
        print(__doc__)
        return 2
    summaries, operators = [], Counter[str]()
    for collection, models in (("torchvision", torchvision_models()), ("timm", timm_models())):
        counted = Counter[str]()
        for name, module, shape in models:
            if sum(p.numel() for p in module.parameters()) > most:
                continue
            said = outcome(collection, name, shape, how)
            print(f"{collection:12}  {name:36}  {said}", flush=True)
            counted[said.partition(":")[0].partition(" (")[0]] += 1
            if said.startswith("unknown: "):
                operators.update(said.removeprefix("unknown: ").partition(" (")[0].split(", "))
        tried = counted.total() - counted["not exported"]
        complete, missing = counted["complete"], counted["not exported"]
        share = 100 * complete / max(tried, 1)
        summaries.append(
            f"{collection}, {how}: {tried} tried, {complete} complete ({share:.1f} %), "
            f"{missing} not exported by PyTorch"
        )
    print("", *summaries, sep="\n")
    print("unknown operators:", ", ".join(f"{one} ({n} models)" for one, n in operators.most_common()) or "none")
    return 0


if __name__ == "__main__":
    sys.exit(main())
