"""Keyword arguments of PyTorch's functions, by the names that converters know.

PyTorch has several names for one argument. Its own argument parser takes NumPy's (`axis`, `keepdims`, `x1`, …)
wherever it takes its own, and functions that one converter stands for name the same argument differently (`mat2`,
`axis0`). Converters are written with one name each; every keyword is renamed here before they see it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from inspect import Parameter, signature
from typing import Any, NamedTuple

NUMPY_NAMES = {"axis": "dim", "keepdims": "keepdim", "x": "input", "a": "input", "x1": "input", "x2": "other"}
"""PyTorch's name for an argument, by each name of NumPy's that its argument parser takes for it."""

OTHER_NAMES = {
    "mat2": "other",
    "batch1": "mat1",
    "batch2": "mat2",
    "axis0": "dim0",
    "axis1": "dim1",
    "tensor": "input",
    "data": "input",
    "obj": "input",
    "other": "dim",  # of max and min, which take another tensor or an axis
}
"""The converter's name for an argument, by that of a function which shares the converter with others."""


class _Names(NamedTuple):
    """A converter's named arguments in order, the one that takes all further positional arguments, if any."""

    named: tuple[str, ...]
    rest: str | None


@lru_cache(maxsize=1024)
def _names(converter: Callable[..., Any]) -> _Names:
    parameters = list(signature(converter).parameters.values())[1:]  # the first is the call itself
    named = tuple(one.name for one in parameters if one.kind in (one.POSITIONAL_OR_KEYWORD, one.KEYWORD_ONLY))
    return _Names(named, next((one.name for one in parameters if one.kind is Parameter.VAR_POSITIONAL), None))


def arguments(
    converter: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> tuple[tuple[Any, ...], Mapping[str, Any]]:
    """Return a call's arguments as its converter names them.

    >>> def permute(call, input, *dims): ...
    >>> arguments(permute, (), {"dims": (0, 2, 1), "x": "tensor"})
    (('tensor', (0, 2, 1)), {})
    """
    if not kwargs:
        return args, kwargs
    named, rest = _names(converter)
    renamed = {key if key in named else _known(key, named): value for key, value in kwargs.items()}
    if rest is None or rest not in renamed:
        return args, renamed
    before = tuple(renamed.pop(name) for name in named[len(args) :] if name in renamed)
    return (*args, *before, renamed.pop(rest)), renamed


def _known(key: str, named: tuple[str, ...]) -> str:
    meant = NUMPY_NAMES.get(key, key)
    name = meant if meant in named else OTHER_NAMES.get(meant)
    return name if name in named else key
