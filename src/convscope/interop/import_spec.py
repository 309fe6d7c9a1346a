"""Import specs: models named as `scheme:package.module:callable`."""

from __future__ import annotations

import ast
import inspect
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any, NamedTuple

from ..errors import BadSetting, ConvscopeError, UnknownModel, suggest
from ..text.language import Message
from ..text.lists import listed
from .errors import first_line

LONGEST_SPEC = 10_000
"""Characters of a spec with its arguments."""

DEFAULT_IMAGE_SIZE = 224
"""Pixels per side of an image whose size neither the model nor the user gives."""


class Scheme(NamedTuple):
    """A framework's prefix, what its callables build, and an example."""

    prefix: str
    noun: Message
    example: str


class ImportSpec(NamedTuple):
    """A parsed spec: a module, an attribute of it, and arguments of the call."""

    scheme: Scheme
    module: str
    attribute: str
    arguments: dict[str, Any]

    @property
    def name(self) -> str:
        """Return the last part of the attribute, which names the network."""
        return self.attribute.rpartition(".")[2]


def parse_spec(text: str, scheme: Scheme) -> ImportSpec:
    """Parse an import spec.

    Raises:
        UnknownModel: [SCHEME-name]
    """
    path, _, target = text.removeprefix(f"{scheme.prefix}:").partition(":")
    try:
        if len(text) > LONGEST_SPEC:
            raise ValueError
        expression = ast.parse(target.strip(), mode="eval").body
        call = expression if isinstance(expression, ast.Call) else None
        if call is not None and (call.args or any(one.arg is None for one in call.keywords)):
            raise ValueError
        arguments = {one.arg or "": ast.literal_eval(one.value) for one in call.keywords} if call else {}
        attribute = ast.unparse(call.func if call else expression)
        if not all(part.isidentifier() for part in (*path.split("."), *attribute.split("."))):
            raise ValueError
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        raise UnknownModel(
            "The model must have the form {prefix}:package.module:callable (got {got!r}). For example, use "
            "{example}, and pass arguments by --arg name=value. [{prefix}-name]",
            prefix=scheme.prefix,
            got=text,
            example=scheme.example,
        ) from None
    return ImportSpec(scheme, path, attribute, arguments)


def build_model(spec: ImportSpec, kind: type, build: Callable[[Callable[[], Any]], Any]) -> Any:
    """Return the model that a spec names, or the one that its callable returns.

    Args:
        spec: The parsed spec.
        kind: The class of models.
        build: Calls its argument, which makes the model, in the way that suits the framework.

    Raises:
        UnknownModel: [SCHEME-import], [SCHEME-callable]
        BadSetting: [SCHEME-model], [SCHEME-arguments], [SCHEME-raised]
    """
    target = _resolve(spec)
    model = target if isinstance(target, kind) else _call(target, spec, build)
    if not isinstance(model, kind):
        raise _not_a_model(model, spec)
    return model


def _resolve(spec: ImportSpec) -> Any:
    target: Any = _import(spec)
    for part in spec.attribute.split("."):
        if not hasattr(target, part):
            raise UnknownModel(
                "Module {module} has no attribute {attribute} (got no {part!r} in it). {hint} [{prefix}-callable]",
                module=spec.module,
                attribute=spec.attribute,
                part=part,
                hint=suggest(part, {name for name in dir(target) if not name.startswith("_")}),
                prefix=spec.scheme.prefix,
            )
        target = getattr(target, part)
    return target


def _call(target: Any, spec: ImportSpec, build: Callable[[Callable[[], Any]], Any]) -> Any:
    if not callable(target):
        raise _not_a_model(target, spec)
    _check_arguments(target, spec)
    try:
        return build(lambda: target(**spec.arguments))
    except ConvscopeError:
        raise
    except (Exception, SystemExit) as error:  # the user's code may raise anything, and exit
        raise BadSetting(
            "{attribute} failed to build {model} (got {error}). Pass other arguments by --arg name=value. "
            "[{prefix}-raised]",
            attribute=spec.attribute,
            model=spec.scheme.noun,
            error=first_line(error),
            prefix=spec.scheme.prefix,
        ) from error


def _not_a_model(value: Any, spec: ImportSpec) -> BadSetting:
    return BadSetting(
        "{attribute} must be {model} or return one (got {got}). Name a model, or a function that builds one. "
        "[{prefix}-model]",
        attribute=spec.attribute,
        model=spec.scheme.noun,
        got=type(value).__name__,
        prefix=spec.scheme.prefix,
    )


def _import(spec: ImportSpec) -> Any:
    with _current_folder_importable():
        try:
            return import_module(spec.module)
        except ConvscopeError:
            raise
        except (Exception, SystemExit) as error:  # a module's code may raise anything, and exit
            raise UnknownModel(
                "Module {module!r} cannot be imported (got {error}). Check the name, and install the package. "
                "[{prefix}-import]",
                module=spec.module,
                error=first_line(error),
                prefix=spec.scheme.prefix,
            ) from error


@contextmanager
def _current_folder_importable() -> Iterator[None]:
    """Let modules be imported from the current folder, as `python -m` does."""
    here = os.getcwd()
    added = here not in sys.path and "" not in sys.path
    if added:
        sys.path.insert(0, here)
    try:
        yield
    finally:
        if added and here in sys.path:
            sys.path.remove(here)


def _check_arguments(target: Any, spec: ImportSpec) -> None:
    try:
        signature = inspect.signature(target)
    except (TypeError, ValueError):
        return
    try:
        signature.bind(**spec.arguments)
    except TypeError as error:
        names = listed(signature.parameters)
        hint = Message("It takes no arguments.")
        if names:
            hint = Message("Its arguments are {names}; pass them by --arg name=value.", names=names)
        raise BadSetting(
            "{attribute} does not accept these arguments (got {reason}). {hint} [{prefix}-arguments]",
            attribute=spec.attribute,
            reason=str(error).removeprefix("got "),
            hint=hint,
            prefix=spec.scheme.prefix,
        ) from None
