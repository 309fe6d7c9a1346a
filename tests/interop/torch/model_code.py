"""Where the code of model collections is: installed, or unpacked in the folder that CONVSCOPE_MODEL_CODE names.

There is no build of torchvision for every PyTorch. Its models are Python, so they run without the compiled part
once the two modules that describe that part to PyTorch are left out. timm needs torchvision.
"""

from __future__ import annotations

import os
import sys
import types
import warnings
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType

FOLDER = os.environ.get("CONVSCOPE_MODEL_CODE")

EVERYTHING = bool(os.environ.get("CONVSCOPE_FRAMEWORKS"))
"""Whether all models are tried, not a few (`make test-frameworks`)."""

WHY_NOT = "the collection's code is not importable; CONVSCOPE_MODEL_CODE names its folder"


def code_of(name: str) -> ModuleType | None:
    """Return a module of torchvision or timm, or None where it cannot be imported."""
    if FOLDER and FOLDER not in sys.path:
        sys.path.insert(0, FOLDER)
    package = name.partition(".")[0]
    if package not in sys.modules and find_spec(package) is None:
        return None
    for described in ("torchvision._meta_registrations", "torchvision._autograd_registrations"):
        sys.modules.setdefault(described, types.ModuleType(described))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return import_module(name)
    except (ImportError, RuntimeError, AttributeError):
        return None
