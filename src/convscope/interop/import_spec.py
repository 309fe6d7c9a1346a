"""What `scheme:package.module:callable` names: imported, looked up and called with arguments."""

from __future__ import annotations

import ast
import inspect
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any, NamedTuple

from ..errors import BadSetting, ConvscopeError, UnknownModel, nearest

LONGEST_NAME = 10_000
"""Characters of a name with its arguments."""


class Scheme(NamedTuple):
    """A framework's word before the colon, what its callables make, and a name to show."""

    word: str
    noun: str
    example: str


class Named(NamedTuple):
    """What a name says: a Python module, something in it, and the arguments it is called with."""

    scheme: Scheme
    module: str
    attribute: str
    arguments: dict[str, Any]


def read_name(model: str, scheme: Scheme) -> Named:
    """Take a name apart.

    Errors:   UnknownModel [SCHEME-name]
    """
    path, _, target = model.removeprefix(f"{scheme.word}:").partition(":")
    try:
        if len(model) > LONGEST_NAME:
            raise ValueError
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
            f"a model must be named {scheme.word}:package.module:callable; got model={model!r}; "
            f"write {scheme.example}, with arguments by --arg name=value. [{scheme.word}-name]"
        ) from None
    return Named(scheme, path, attribute, arguments)


def looked_up(named: Named) -> Any:
    """Return what a name leads to.

    Errors:   UnknownModel [SCHEME-import], [SCHEME-callable]
    """
    found: Any = _imported(named)
    for part in named.attribute.split("."):
        if not hasattr(found, part):
            raise UnknownModel(
                f"{named.module} must have {named.attribute}; got no {part!r} in it; "
                f"{nearest(part, [name for name in dir(found) if not name.startswith('_')])} "
                f"[{named.scheme.word}-callable]"
            )
        found = getattr(found, part)
    return found


def called(found: Any, named: Named, build: Callable[[], Any] | None = None) -> Any:
    """Call what builds a model, with the arguments of the name; `build` makes the call where it is a special one.

    Errors:   BadSetting [SCHEME-model], [SCHEME-arguments], [SCHEME-raised]
    """
    if not callable(found):
        raise not_a_model(found, named)
    _check_arguments(found, named)
    try:
        return found(**named.arguments) if build is None else build()
    except ConvscopeError:
        raise
    except (Exception, SystemExit) as error:  # a caller's own code may raise anything, and end the process
        raise BadSetting(
            f"{named.attribute} must build {named.scheme.noun}; got {_said(error)}; "
            f"pass other arguments by --arg name=value. [{named.scheme.word}-raised]"
        ) from error


def not_a_model(found: Any, named: Named) -> BadSetting:
    """Make the error for a name that leads to something else."""
    return BadSetting(
        f"{named.attribute} must be {named.scheme.noun} or return one; got {type(found).__name__}; "
        f"name a model or a function that builds it. [{named.scheme.word}-model]"
    )


def _imported(named: Named) -> Any:
    with _here_importable():
        try:
            return import_module(named.module)
        except ConvscopeError:
            raise
        except (Exception, SystemExit) as error:  # a module's own code may raise anything, and end the process
            raise UnknownModel(
                f"a module must be importable; got {_said(error)} for {named.module!r}; "
                f"check the name, and install the package. [{named.scheme.word}-import]"
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
            f"{named.attribute} must be called with arguments it takes; got {str(error).removeprefix('got ')}; "
            f"it takes {names}: pass them by --arg name=value. [{named.scheme.word}-arguments]"
        ) from None


def _said(error: BaseException) -> str:
    first = (str(error).strip().splitlines() or [""])[0]
    return f"{type(error).__name__}: {first}" if first else type(error).__name__
