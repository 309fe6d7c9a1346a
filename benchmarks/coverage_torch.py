"""How many of torchvision's models are imported whole, and which operators are not known.

CONVSCOPE_TORCHVISION names a folder with torchvision's unpacked wheel where it is not installed:
    pip download torchvision --no-deps && unzip torchvision-*.whl -d FOLDER

Detection models are tried by their backbones: what follows depends on the numbers in a picture. Optical flow
takes two pictures, and quantised models are the float ones with other arithmetic: both are left out.
"""

from __future__ import annotations

import sys
import time
from collections import Counter, defaultdict
from pathlib import Path

import convscope as cs
from convscope.errors import ConvscopeError
from convscope.layers import Opaque

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from interop.torch.torchvision_code import built, family_of, models, names, usual_shape


def incomplete_because(name: str, family: str) -> list[str]:
    """Import a model, print a line, and return what is not known about it."""
    module = built(name)
    started = time.perf_counter()
    try:
        network = cs.from_torch(module.backbone if family == "detection" else module, usual_shape(name), name=name)
    except ConvscopeError as error:
        return [str(error).splitlines()[0]]
    took = time.perf_counter() - started
    unknown = [node.layer.operator for node in network.layers if isinstance(node.layer, Opaque)]
    totals = cs.inspect(network).totals
    print(
        f"{family:14}  {name:36}  {len(network.layers):5} layers  {totals.params:12,} parameters  "
        f"{totals.macs / 1e9:8.3f} G MACs  {took:5.2f} s  {', '.join(sorted(set(unknown)))}"
    )
    return unknown


def main() -> int:
    if models() is None:
        print(__doc__)
        return 2
    tried: defaultdict[str, dict[str, list[str]]] = defaultdict(dict)
    for name in names():
        tried[family_of(name)][name] = incomplete_because(name, family_of(name))
    print()
    operators = Counter(one for found in tried.values() for unknown in found.values() for one in unknown)
    for family, found in sorted(tried.items()):
        complete = sum(not unknown for unknown in found.values())
        print(f"{family}: {len(found)} tried, {complete} complete ({100 * complete / len(found):.0f} %)")
    print("unknown operators:", ", ".join(f"{one} ({n})" for one, n in operators.most_common()) or "none")
    return 0


if __name__ == "__main__":
    sys.exit(main())
