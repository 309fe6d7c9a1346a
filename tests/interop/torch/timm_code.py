"""timm's models: one of every family, or all."""

from __future__ import annotations

import warnings
from types import ModuleType

import torch
from torch import nn

from interop.torch.model_code import code_of


def timm() -> ModuleType | None:
    """Return timm, or None where it cannot be imported."""
    return code_of("timm")


def families() -> dict[str, list[str]]:
    """Return the names of the models of every family: of every file of architectures."""
    return {family: timm().list_models(module=family) for family in timm().list_modules()}


def built(name: str) -> nn.Module:
    """Return a model without weights, on the meta device if possible."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with torch.device("meta"):
                return timm().create_model(name).eval()
        except (NotImplementedError, RuntimeError):
            return timm().create_model(name).eval()


def usual_shape(module: nn.Module) -> tuple[int, int, int]:
    """Return the input that a model is built for."""
    return tuple(module.pretrained_cfg["input_size"])
