"""Coverage of torchvision's and timm's models: completely imported models, and unsupported operators.

CONVSCOPE_MODEL_CODE is a folder with their unpacked wheels, if they are not installed; `make test-frameworks`
creates build/models. The first model of each timm family is imported, with --all every model.

Only the backbones of detection models are imported: the rest depends on the values in an image. Optical flow
models take two images, and quantized models equal the float ones: both are left out.
"""

from __future__ import annotations

import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

from torch import nn

import convscope as cs
from convscope.errors import ConvscopeError
from convscope.layers import Opaque

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from interop.torch import timm_code, torchvision_code


def unknown_operators(collection: str, name: str, module: nn.Module, shape: tuple[int, ...]) -> list[str]:
    """Import a model, print a line, and return its unsupported operators."""
    started = time.perf_counter()
    try:
        network = cs.from_torch(module, shape, name=name)
    except ConvscopeError as error:
        print(f"{collection:26}  {name:36}  {str(error).splitlines()[0]}")
        return ["refused"]
    took = time.perf_counter() - started
    unknown = [node.layer.operator for node in network.layers if isinstance(node.layer, Opaque)]
    totals = cs.inspect(network).totals
    print(
        f"{collection:26}  {name:36}  {len(network.layers):5} layers  {totals.params:13,} parameters  "
        f"{totals.macs / 1e9:8.3f} G MACs  {took:5.2f} s  {', '.join(sorted(set(unknown)))}"
    )
    return unknown


def torchvision_models() -> Iterator[tuple[str, str, nn.Module, tuple[int, ...]]]:
    """Yield family, name, module and image of torchvision's models."""
    for name in torchvision_code.names():
        family, module = torchvision_code.family_of(name), torchvision_code.built(name)
        part = module.backbone if family == "detection" else module
        yield f"torchvision {family}", name, part, torchvision_code.usual_shape(name)


def timm_models(everything: bool) -> Iterator[tuple[str, str, nn.Module, tuple[int, ...]]]:
    """Yield family, name, module and image of timm's models."""
    for names in timm_code.families().values():
        for name in names if everything else names[:1]:
            module = timm_code.built(name)
            yield "timm", name, module, timm_code.usual_shape(module)


def main() -> int:
    if torchvision_code.models() is None or timm_code.timm() is None:
        print(__doc__)
        return 2
    tried: defaultdict[str, dict[str, list[str]]] = defaultdict(dict)
    for models in (torchvision_models(), timm_models("--all" in sys.argv[1:])):
        for collection, name, module, shape in models:
            tried[collection][name] = unknown_operators(collection, name, module, shape)
    print()
    operators = Counter(one for found in tried.values() for unknown in found.values() for one in unknown)
    for collection, found in sorted(tried.items()):
        complete = sum(not unknown for unknown in found.values())
        print(f"{collection}: {len(found)} models, {complete} complete ({100 * complete / len(found):.1f} %)")
    print("unknown operators:", ", ".join(f"{one} ({n})" for one, n in operators.most_common()) or "none")
    return 0


if __name__ == "__main__":
    sys.exit(main())
