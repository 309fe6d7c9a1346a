"""Arguments and results of calls: their tensors, names and functions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from inspect import Parameter, signature
from types import FunctionType
from typing import Any, NamedTuple

import torch
from torch import Tensor

NEEDS_VALUES = {
    *("item", "tolist", "numpy", "__bool__", "__int__", "__float__", "__index__", "__contains__", "equal"),
    *("nonzero", "argwhere", "unique", "unique_consecutive", "masked_select", "allclose", "is_nonzero"),
}
"""Functions whose result depends on a tensor's values."""


def tensors(value: Any) -> Iterator[Tensor]:
    """Yield the tensors in nested arguments or results."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, dict):
        for one in value.values():
            yield from tensors(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from tensors(one)
    elif isinstance(value, slice):
        yield from tensors((value.start, value.stop, value.step))


def map_tensors(value: Any, change: Callable[[Tensor], Tensor]) -> Any:
    """Apply a function to every tensor in nested arguments or results."""
    if isinstance(value, Tensor):
        return change(value)
    if isinstance(value, dict):
        return {key: map_tensors(one, change) for key, one in value.items()}
    if type(value) in (list, tuple):
        return type(value)(map_tensors(one, change) for one in value)
    return value


class MetaTensors:
    """Meta tensors of the same shape and type as other tensors, created once for each."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[Tensor, Tensor]] = {}

    def __call__(self, tensor: Tensor) -> Tensor:
        """Return a tensor's meta tensor."""
        if tensor.is_meta:
            return tensor
        known = self._known.get(id(tensor))
        if known is None:
            empty = torch.empty_strided(tensor.shape, tensor.stride(), dtype=tensor.dtype, device="meta")
            known = self._known[id(tensor)] = (empty, tensor)
        return known[0]


def operator_name(function: Any) -> str:
    """Return a function's name for layers: add for __iadd__, relu for relu_."""
    name: str = getattr(function, "__name__", None) or str(function)
    if name in NEEDS_VALUES or name in ("__setitem__", "__get__", "__set__"):
        return name
    return name.strip("_").split(".")[-1] or name


@lru_cache(maxsize=2048)
def is_in_place(function: Any) -> bool:
    """Return whether a function writes into its first argument: relu_, __iadd__, __setitem__."""
    name: str = getattr(function, "__name__", None) or ""
    if name.startswith("__"):
        return name == "__setitem__" or (name.startswith("__i") and name not in _READING)
    return name.endswith("_")


_READING = {"__index__", "__int__", "__invert__", "__iter__"}
"""Methods that are not in place, although their names begin with __i."""


@lru_cache(maxsize=256)
def without_dispatch(function: FunctionType) -> Callable[..., Any]:
    """Return a copy of a Python function of PyTorch that runs its body without dispatching to a mode."""
    patched = {name: _never for name in function.__globals__ if name.startswith("has_torch_function")}
    known = {**function.__globals__, **patched}
    copy = FunctionType(function.__code__, known, function.__name__, function.__defaults__, function.__closure__)
    copy.__kwdefaults__ = function.__kwdefaults__
    return copy


def _never(*_args: Any) -> bool:
    return False


# Keywords. PyTorch has several names for one argument. Its argument parser accepts NumPy's names (`axis`,
# `keepdims`, `x1`, …) wherever it accepts its own, and functions that share a converter name the same argument
# differently (`mat2`, `axis0`). Converters use one name; keywords are renamed before converters are called.

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
    """Names of a converter's parameters, and of its variadic positional one."""

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
