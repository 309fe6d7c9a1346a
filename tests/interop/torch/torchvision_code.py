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
from typing import Any

import torch
from torch import nn

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


def family_of(name: str) -> str:
    """Return classification, segmentation, detection, video, …: the package a model is in."""
    package = models().get_model_builder(name).__module__.removeprefix("torchvision.models").strip(".")
    family, dot, _ = package.partition(".")
    return family if dot else "classification"


def names() -> list[str]:
    """Return the models that take one picture and have arithmetic of their own."""
    return [name for name in models().list_models() if family_of(name) not in ("optical_flow", "quantization")]


def weights_of(name: str) -> Any:
    """Return the published weights' entry, with its metadata."""
    return models().get_model_weights(name).DEFAULT


def published_shape(name: str) -> tuple[int, int, int]:
    """Return the picture for which the published numbers hold."""
    size = weights_of(name).transforms.keywords["crop_size"]
    return (3, size, size)


def usual_shape(name: str) -> tuple[int, ...]:
    """Return a picture, or 16 of them in a row, that a model is made for."""
    if family_of(name) == "video":
        return (3, 16, 112, 112) if name.endswith("_18") else (3, 16, 224, 224)
    return published_shape(name) if family_of(name) == "classification" else (3, 320, 320)


def built(name: str, **settings: Any) -> nn.Module:
    """Return a model without weights, on the meta device where it can be made there."""
    if family_of(name) in ("segmentation", "detection"):
        settings["weights_backbone"] = None
    if name.startswith("vit"):
        settings["image_size"] = published_shape(name)[1]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with torch.device("meta"):
                return models().get_model(name, weights=None, **settings)
        except (NotImplementedError, RuntimeError):
            return models().get_model(name, weights=None, **settings)
