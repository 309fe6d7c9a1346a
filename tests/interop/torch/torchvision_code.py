"""torchvision's models: families, published metadata, usual inputs."""

from __future__ import annotations

import warnings
from types import ModuleType
from typing import Any

import torch
from torch import nn

from interop.torch.model_code import code_of


def models() -> ModuleType | None:
    """Return torchvision.models, or None where torchvision cannot be imported."""
    return code_of("torchvision.models")


def family_of(name: str) -> str:
    """Return classification, segmentation, detection, video, …: the package a model is in."""
    package = models().get_model_builder(name).__module__.removeprefix("torchvision.models").strip(".")
    family, dot, _ = package.partition(".")
    return family if dot else "classification"


def names() -> list[str]:
    """Return the models that take one image and have arithmetic of their own."""
    return [name for name in models().list_models() if family_of(name) not in ("optical_flow", "quantization")]


def weights_of(name: str) -> Any:
    """Return the published weights' entry, with its metadata."""
    return models().get_model_weights(name).DEFAULT


def published_shape(name: str) -> tuple[int, int, int]:
    """Return the input shape of the published counts."""
    size = weights_of(name).transforms.keywords["crop_size"]
    return (3, size, size)


def usual_shape(name: str) -> tuple[int, ...]:
    """Return the input that a model is built for: an image, or a sequence of 16."""
    if family_of(name) == "video":
        return (3, 16, 112, 112) if name.endswith("_18") else (3, 16, 224, 224)
    return published_shape(name) if family_of(name) == "classification" else (3, 320, 320)


def built(name: str, **settings: Any) -> nn.Module:
    """Return a model without weights, on the meta device if possible."""
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
