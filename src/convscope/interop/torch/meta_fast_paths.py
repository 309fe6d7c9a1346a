"""Fast paths for shape inference, since PyTorch's meta functions are slow.

Other functions, and unusual calls of these, run on meta tensors.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from ...axis import Window

FastPath = Callable[[tuple[Any, ...], Mapping[str, Any]], Tensor | tuple[Tensor, ...] | None]


@cache
def fast_paths() -> dict[Any, FastPath]:
    """Return the fast path of each function; it returns None for a call that PyTorch must infer."""
    table: dict[Any, FastPath] = dict.fromkeys(
        (F.relu, F.relu6, F.silu, F.hardswish, F.hardsigmoid, F.leaky_relu, F.elu), _activation
    )
    table |= dict.fromkeys(
        (torch.sigmoid, Tensor.sigmoid, torch.tanh, F.gelu, F.batch_norm, F.layer_norm), _same_shape
    )
    table |= {torch.relu: _same_shape, torch.relu_: _first_argument, Tensor.relu_: _first_argument}
    table |= dict.fromkeys((Tensor.add, Tensor.mul, torch.add, torch.mul), _sum)
    table |= dict.fromkeys((Tensor.add_, Tensor.__iadd__, Tensor.mul_), _sum_in_place)
    table[F.embedding] = _embedding
    table |= dict.fromkeys((F.dropout, F.dropout1d, F.dropout2d, F.dropout3d, F.alpha_dropout), _dropout)
    table[torch.lstm] = _lstm
    table[F.linear] = _linear
    table[F.max_pool2d] = table[torch.max_pool2d] = _max_pool2d
    table[F.adaptive_avg_pool2d] = _adaptive_pool2d
    table[torch.conv2d] = table[F.conv2d] = _conv2d
    return table


def _same_shape(args: tuple[Any, ...], _kwargs: Mapping[str, Any]) -> Tensor | None:
    return _new(args[0].shape, args[0].dtype) if args else None


def _first_argument(args: tuple[Any, ...], _kwargs: Mapping[str, Any]) -> Tensor | None:
    return args[0] if args else None


def _activation(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Tensor | None:
    in_place = kwargs.get("inplace", bool(args) and args[-1] is True)
    return _first_argument(args, kwargs) if in_place else _same_shape(args, kwargs)


def _dropout(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Tensor | None:
    """Return a new tensor, although PyTorch may return the argument, unless dropout is in place."""
    in_place = kwargs.get("inplace", len(args) > 3 and args[3])
    return _first_argument(args, kwargs) if in_place else _same_shape(args, kwargs)


def _lstm(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> tuple[Tensor, ...] | None:
    """Return the output, and the last hidden and cell states, for sequences of equal length."""
    if kwargs or len(args) != 9 or args[0].dim() != 3:
        return None
    x, (hidden, cells), *_, bidirectional, batch_first = args
    count, length = x.shape[:2] if batch_first else (x.shape[1], x.shape[0])
    width = hidden.shape[-1] * (1 + bidirectional)
    sizes = (count, length, width) if batch_first else (length, count, width)
    return _new(sizes, x.dtype), _new(hidden.shape, x.dtype), _new(cells.shape, x.dtype)


def _are_alike(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> bool:
    if kwargs or len(args) != 2 or not all(isinstance(one, Tensor) for one in args):
        return False
    one, two = args
    return bool(one.shape == two.shape and one.dtype == two.dtype)


def _sum(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Tensor | None:
    return _same_shape(args, kwargs) if _are_alike(args, kwargs) else None


def _sum_in_place(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Tensor | None:
    return args[0] if _are_alike(args, kwargs) else None


def _embedding(args: tuple[Any, ...], _kwargs: Mapping[str, Any]) -> Tensor | None:
    """Append the width. PyTorch would refuse the recorded input, which is floating-point."""
    return _new((*args[0].shape, args[1].shape[1]), args[1].dtype) if len(args) > 1 else None


def _conv2d(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Tensor | None:
    """Infer the shape of a valid call as `nn.Conv2d` makes it; PyTorch raises errors for others."""
    if kwargs or len(args) != 7:
        return None
    x, weight, _, stride, padding, dilation, groups = args
    if not (x.dim() == 4 and x.shape[1] == weight.shape[1] * groups and x.dtype == weight.dtype):
        return None
    if not all(isinstance(one, tuple) and len(one) == 2 for one in (stride, padding, dilation)):
        return None
    sizes = []
    for n, k, s, p, d in zip(x.shape[2:], weight.shape[2:], stride, padding, dilation, strict=True):
        sizes.append(Window(k, s, p, p, d).positions(n))
    return _new((x.shape[0], weight.shape[0], *sizes), x.dtype) if min(sizes) > 0 else None


def _linear(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Tensor | None:
    if kwargs or len(args) < 2 or args[1].dim() != 2 or args[0].dtype != args[1].dtype:
        return None
    x, weight = args[:2]
    fits = x.dim() > 0 and x.shape[-1] == weight.shape[1]
    return _new((*x.shape[:-1], weight.shape[0]), x.dtype) if fits else None


def _pair(value: Any) -> tuple[int, int] | None:
    one, two = value if isinstance(value, list | tuple) and len(value) == 2 else (value, value)
    return (one, two) if type(one) is int and type(two) is int else None


def _max_pool2d(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Tensor | None:
    """Infer the shape of plain pooling; PyTorch's own function takes a second to load."""
    if len(args) != 2 or args[0].dim() != 4 or kwargs.get("ceil_mode") or kwargs.get("return_indices"):
        return None
    x, kernel = args
    stride = kwargs.get("stride")
    settings = (kernel, kernel if stride is None else stride, kwargs.get("padding", 0), kwargs.get("dilation", 1))
    pairs = [_pair(one) for one in settings]
    sizes = []
    for axis in (0, 1):
        k, s, p, d = (0 if pair is None else pair[axis] for pair in pairs)
        if min(k, s, d) < 1 or not 0 <= p <= k // 2:
            return None
        sizes.append(Window(k, s, p, p, d).positions(x.shape[2 + axis]))
    return _new((*x.shape[:2], *sizes), x.dtype) if min(sizes) > 0 else None


def _adaptive_pool2d(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Tensor | None:
    size = _pair(args[1]) if len(args) == 2 and not kwargs and args[0].dim() == 4 else None
    return _new((*args[0].shape[:2], *size), args[0].dtype) if size is not None and min(size) > 0 else None


def _new(shape: Any, dtype: Any) -> Tensor:
    return torch.empty(shape, dtype=dtype, device="meta")
