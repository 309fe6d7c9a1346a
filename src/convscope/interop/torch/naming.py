"""Modules by name: `torch:package.module:callable`, or with arguments `torch:package.module:callable(depth=3)`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...engines.torch.installed import imported
from ...input_shapes import InputShape
from ...layers.connection import Shape
from ..import_spec import Named, Scheme, called, looked_up, not_a_model, read_name
from .importer import from_torch

if TYPE_CHECKING:
    from torch import nn

    from ...network import Network

SCHEME = Scheme("torch", "a torch.nn.Module", "torch:torchvision.models:resnet50")
USUAL_SIZE = 224
"""Pixels per side of an image, unless a shape is given."""


def load_module(model: str, input_shape: InputShape | None = None) -> Network:
    """Return the network of a named module, or of what a named callable returns.

    The callable runs on the meta device, so that no weights are made. `input_shape` is one shape, or a mapping
    from the arguments of the module's forward to shapes. Without it the first layer with weights says what it
    wants: its channels at 224 pixels a side, or its features.

    Errors:   UnknownModel [torch-name], [torch-import], [torch-callable]; BadSetting [torch-arguments],
              [torch-raised], [torch-model]; and those of `from_torch`
    """
    named = read_name(model, SCHEME)
    imported()
    module = _made(named)
    shape = usual_shape(module) if input_shape is None else input_shape
    return from_torch(module, shape, name=named.attribute.rpartition(".")[2])


def _made(named: Named) -> nn.Module:
    """Import, look up and call."""
    import torch

    found: Any = looked_up(named)
    if isinstance(found, torch.nn.Module):
        return found

    def build() -> Any:
        try:
            with torch.device("meta"):
                return found(**named.arguments)
        except (NotImplementedError, RuntimeError):  # numbers are needed to build it
            return found(**named.arguments)

    made = called(found, named, build)
    if not isinstance(made, torch.nn.Module):
        raise not_a_model(made, named)
    return made


def usual_shape(module: nn.Module) -> Shape:
    """Return the image that a module's first layer with weights asks for."""
    for one in module.modules():
        channels, kernel = getattr(one, "in_channels", None), getattr(one, "kernel_size", None)
        if isinstance(channels, int) and isinstance(kernel, tuple):
            return (channels, *(USUAL_SIZE for _ in kernel))
        features = getattr(one, "in_features", None)
        if isinstance(features, int):
            return (features,)
    return (3, USUAL_SIZE, USUAL_SIZE)
