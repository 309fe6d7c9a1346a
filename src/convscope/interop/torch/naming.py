"""Modules by name: `torch:package.module:callable`, or with arguments `torch:package.module:callable(depth=3)`."""

from __future__ import annotations

import ast
import inspect
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple

from ...errors import BadSetting, ConvscopeError, UnknownModel, nearest
from ...layers.connection import Shape
from .reading import from_torch, imported

if TYPE_CHECKING:
    from torch import nn

    from ...network import Network

SCHEME = "torch:"
USUAL_SIZE = 224
"""Pixels per side of a picture, unless a shape is given."""


class Named(NamedTuple):
    """What a name says: a Python module, something in it, and the arguments it is called with."""

    module: str
    attribute: str
    arguments: dict[str, Any]


def load_module(model: str, input_shape: Iterable[int] | None = None) -> Network:
    """Return the network of a named module, or of what a named callable returns.

    The callable runs on the meta device, so that no weights are made. Without `input_shape` the first layer with
    weights says what it wants: its channels at 224 pixels a side, or its features.

    Errors:   UnknownModel [torch-name], [torch-import], [torch-callable]; BadSetting [torch-arguments],
              [torch-raised], [torch-module]; and those of `from_torch`
    """
    imported()
    named = read_name(model)
    module = _made(model, named)
    shape = tuple(input_shape) if input_shape is not None else usual_shape(module)
    return from_torch(module, shape, name=named.attribute.rpartition(".")[2])


def read_name(model: str) -> Named:
    """Take a name apart.

    Errors:   UnknownModel [torch-name]

    >>> read_name("torch:nets.small:build(depth=3)")
    Named(module='nets.small', attribute='build', arguments={'depth': 3})
    """
    path, _, target = model.removeprefix(SCHEME).partition(":")
    try:
        read = ast.parse(target.strip(), mode="eval").body
        call = read if isinstance(read, ast.Call) else None
        if call is not None and (call.args or any(one.arg is None for one in call.keywords)):
            raise ValueError
        arguments = {one.arg or "": ast.literal_eval(one.value) for one in call.keywords} if call else {}
        attribute = ast.unparse(call.func if call else read)
        if not all(part.isidentifier() for part in (*path.split("."), *attribute.split("."))):
            raise ValueError
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        raise UnknownModel(
            f"a module must be named torch:package.module:callable; got model={model!r}; "
            "write torch:torchvision.models:resnet50, with arguments by --arg name=value. [torch-name]"
        ) from None
    return Named(path, attribute, arguments)


def _made(model: str, named: Named) -> nn.Module:
    """Import, look up and call."""
    import torch

    found: Any = _imported_module(model, named.module)
    for part in named.attribute.split("."):
        if not hasattr(found, part):
            raise UnknownModel(
                f"{named.module} must have {named.attribute}; got no {part!r} in it; "
                f"{nearest(part, [name for name in dir(found) if not name.startswith('_')])} [torch-callable]"
            )
        found = getattr(found, part)
    if not isinstance(found, torch.nn.Module):
        found = _called(found, named)
    if not isinstance(found, torch.nn.Module):
        raise BadSetting(
            f"{named.attribute} must be a torch.nn.Module or return one; got {type(found).__name__}; "
            "name a model's class or a function that builds it. [torch-module]"
        )
    return found


def _imported_module(model: str, path: str) -> ModuleType:
    with _here_importable():
        try:
            return import_module(path)
        except ConvscopeError:
            raise
        except Exception as error:  # a module's own code may raise anything
            raise UnknownModel(
                f"a module must be importable; got {_said(error)} for {path!r} in model={model!r}; "
                "check the name, and install the package. [torch-import]"
            ) from error


@contextmanager
def _here_importable() -> Iterator[None]:
    """Let modules in the current folder be found, as `python -m` does."""
    here = os.getcwd()
    added = here not in sys.path and "" not in sys.path
    if added:
        sys.path.insert(0, here)
    try:
        yield
    finally:
        if added and here in sys.path:
            sys.path.remove(here)


def _called(found: Any, named: Named) -> Any:
    import torch

    if not callable(found):
        raise BadSetting(
            f"{named.attribute} must be a torch.nn.Module or return one; got {type(found).__name__}; "
            "name a model's class or a function that builds it. [torch-module]"
        )
    _check_arguments(found, named)
    try:
        try:
            with torch.device("meta"):
                return found(**named.arguments)
        except (NotImplementedError, RuntimeError):  # numbers are needed to build it
            return found(**named.arguments)
    except ConvscopeError:
        raise
    except Exception as error:  # a caller's own code may raise anything
        raise BadSetting(
            f"{named.attribute} must build a module; got {_said(error)}; "
            "pass other arguments by --arg name=value. [torch-raised]"
        ) from error


def _check_arguments(found: Any, named: Named) -> None:
    try:
        signature = inspect.signature(found)
    except (TypeError, ValueError):
        return
    try:
        signature.bind(**named.arguments)
    except TypeError as error:
        names = ", ".join(signature.parameters) or "none"
        raise BadSetting(
            f"{named.attribute} must be called with arguments it takes; got {error}; "
            f"it takes {names}: pass them by --arg name=value. [torch-arguments]"
        ) from None


def _said(error: Exception) -> str:
    first = (str(error).strip().splitlines() or [""])[0]
    return f"{type(error).__name__}: {first}" if first else type(error).__name__


def usual_shape(module: nn.Module) -> Shape:
    """Return the picture that a module's first layer with weights asks for."""
    for one in module.modules():
        channels, kernel = getattr(one, "in_channels", None), getattr(one, "kernel_size", None)
        if isinstance(channels, int) and isinstance(kernel, tuple):
            return (channels, *(USUAL_SIZE for _ in kernel))
        features = getattr(one, "in_features", None)
        if isinstance(features, int):
            return (features,)
    return (3, USUAL_SIZE, USUAL_SIZE)
