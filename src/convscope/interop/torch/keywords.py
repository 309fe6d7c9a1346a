"""Keyword arguments of PyTorch's functions, renamed for their converters.

PyTorch has several names for one argument. Its argument parser accepts NumPy's names (`axis`, `keepdims`, `x1`, …)
wherever it accepts its own, and functions that share a converter name the same argument differently (`mat2`,
`axis0`). Converters use one name; keywords are renamed here before converters are called.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from inspect import Parameter, signature
from typing import Any, NamedTuple

NUMPY_NAMES = {"axis": "dim", "keepdims": "keepdim", "x": "input", "a": "input", "x1": "input", "x2": "other"}
"""PyTorch's names of arguments by NumPy's, which its argument parser accepts too."""

OTHER_NAMES = {
    "mat2": "other",
    "batch1": "mat1",
    "batch2": "mat2",
    "axis0": "dim0",
    "axis1": "dim1",
    "tensor": "input",
    "data": "input",
    "obj": "input",
    "other": "dim",  # max and min accept another tensor or an axis
}
"""Converters' names of arguments by those of functions that share a converter with others."""


class _Names(NamedTuple):
    """The names of a converter's parameters in order, and of its variadic positional one, if any."""

    named: tuple[str, ...]
    rest: str | None


@lru_cache(maxsize=1024)
def _names(converter: Callable[..., Any]) -> _Names:
    parameters = list(signature(converter).parameters.values())[1:]  # the first is the call itself
    named = tuple(one.name for one in parameters if one.kind in (one.POSITIONAL_OR_KEYWORD, one.KEYWORD_ONLY))
    return _Names(named, next((one.name for one in parameters if one.kind is Parameter.VAR_POSITIONAL), None))


def rename_arguments(
    converter: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> tuple[tuple[Any, ...], Mapping[str, Any]]:
    """Return a call's arguments with the names of its converter.

    >>> def permute(call, input, *dims): ...
    >>> rename_arguments(permute, (), {"dims": (0, 2, 1), "x": "tensor"})
    (('tensor', (0, 2, 1)), {})
    """
    if not kwargs:
        return args, kwargs
    named, rest = _names(converter)
    renamed = {key if key in named else _rename(key, named): value for key, value in kwargs.items()}
    if rest is None or rest not in renamed:
        return args, renamed
    before = tuple(renamed.pop(name) for name in named[len(args) :] if name in renamed)
    return (*args, *before, renamed.pop(rest)), renamed


def _rename(key: str, named: tuple[str, ...]) -> str:
    torch_name = NUMPY_NAMES.get(key, key)
    name = torch_name if torch_name in named else OTHER_NAMES.get(torch_name)
    return name if name in named else key
