"""Coverage of keras.applications: completely imported models, and unsupported layers.

Models are built without weights in memory if the backend supports it. KERAS_BACKEND selects another backend.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from typing import Any

import convscope as cs
from convscope.errors import ConvscopeError
from convscope.interop.keras.backend import imported
from convscope.layers import Opaque

keras = imported()


def built(name: str) -> Any:
    make = getattr(keras.applications, name)
    if keras.backend.backend() != "torch":
        return make(weights=None)
    with keras.device("meta"):
        return make(weights=None)


def incomplete_because(name: str) -> list[str]:
    """Import a model, print a line, and return its unsupported layers."""
    try:
        model = built(name)
    except ValueError as error:
        print(f"{name:20}  not available: {error}")
        return ["not available"]
    started = time.perf_counter()
    try:
        network = cs.from_keras(model, name=name)
    except ConvscopeError as error:
        return [str(error).splitlines()[0]]
    took = time.perf_counter() - started
    unknown = [node.layer.operator for node in network.layers if isinstance(node.layer, Opaque)]
    totals = cs.inspect(network).totals
    print(
        f"{name:20}  {len(network.layers):5} layers  {totals.params:12,} parameters  "
        f"{totals.macs / 1e9:8.3f} G MACs  {took:5.2f} s  {', '.join(sorted(set(unknown)))}"
    )
    return unknown


def main() -> int:
    names = [name for name in dir(keras.applications) if name[0].isupper()]
    tried = {name: incomplete_because(name) for name in names}
    available = {name: unknown for name, unknown in tried.items() if unknown != ["not available"]}
    operators = Counter(one for unknown in available.values() for one in unknown)
    complete = sum(not unknown for unknown in available.values())
    print(f"\nKeras {keras.__version__} on {keras.backend.backend()}: ", end="")
    print(f"{len(available)} models, {complete} complete ({100 * complete / len(available):.0f} %)")
    print("unknown layers:", ", ".join(f"{one} ({n})" for one, n in operators.most_common()) or "none")
    return 0


if __name__ == "__main__":
    sys.exit(main())
