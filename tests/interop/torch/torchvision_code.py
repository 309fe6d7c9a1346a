"""torchvision's model code over a PyTorch without its compiled operators.

There is no build of torchvision for every PyTorch. Its models are Python, so they run without the compiled part
once the two modules that describe that part to PyTorch are left out. CONVSCOPE_TORCHVISION names a folder with
torchvision's unpacked wheel; without it an installed torchvision is taken.
"""

from __future__ import annotations

import os
import sys
import types
import warnings
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType

FOLDER = os.environ.get("CONVSCOPE_TORCHVISION")


def models() -> ModuleType | None:
    """Return torchvision.models, or None where torchvision cannot be imported."""
    if FOLDER and FOLDER not in sys.path:
        sys.path.insert(0, FOLDER)
    if "torchvision" not in sys.modules and find_spec("torchvision") is None:
        return None
    for name in ("torchvision._meta_registrations", "torchvision._autograd_registrations"):
        sys.modules.setdefault(name, types.ModuleType(name))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return import_module("torchvision.models")
    except (ImportError, RuntimeError, AttributeError):
        return None
