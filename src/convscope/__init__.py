"""See inside a convolutional network before, while and after you train it.

    import convscope as cs

    net = cs.load("alexnet")
    print(cs.inspect(net))                     # shape, cost and receptive field of every layer
    net.field("pool5", at=(3, 2)).box          # the exact pixels one unit sees
    print(cs.explain(net, "conv2").text())     # every number, derived step by step

Names are loaded when first used, so that importing costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

__version__ = "0.2.0"

_HOMES = {
    "convscope.analysis.region": ("Region", "Units"),
    "convscope.analysis.report": ("Report",),
    "convscope.api": ("check", "compare", "diagnose", "explain", "inspect"),
    "convscope.errors": ("ConvscopeError",),
    "convscope.explorer.notebook": ("explore",),
    "convscope.exchange": ("from_keras", "from_onnx", "from_torch", "load_model", "to_onnx", "to_torch"),
    "convscope.model": ("Model",),
    "convscope.inside.effective_field": ("effective_field",),
    "convscope.inside.targets": ("LossTarget",),
    "convscope.loading": ("load", "zoo_names"),
    "convscope.network": ("Entry", "Network"),
    "convscope.notation": ("Limits", "parse", "parse_untrusted", "to_notation", "to_yaml"),
    "convscope.data": ("load_data",),
    "convscope.optim.optimizers": ("SGD", "Adam", "AdamW"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

if TYPE_CHECKING:
    from .analysis.region import Region, Units
    from .analysis.report import Report
    from .api import check, compare, diagnose, explain, inspect
    from .data import load_data
    from .errors import ConvscopeError
    from .exchange import from_keras, from_onnx, from_torch, load_model, to_onnx, to_torch
    from .explorer.notebook import explore
    from .inside.effective_field import effective_field
    from .inside.targets import LossTarget
    from .loading import load, zoo_names
    from .model import Model
    from .network import Entry, Network
    from .notation import Limits, parse, parse_untrusted, to_notation, to_yaml
    from .optim.optimizers import SGD, Adam, AdamW

__all__ = sorted([*_HOME_OF, "layers"])


def __getattr__(name: str) -> object:
    if name == "layers":
        return import_module("convscope.layers")
    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"module 'convscope' has no attribute {name!r}")
    value = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*globals(), *__all__]
