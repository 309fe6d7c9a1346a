"""Results of the commonest functions, without asking PyTorch: its meta functions are slow.

A function that is not here, or is called in an unusual way, is asked for its result.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from ...axis import Window

Quick = Callable[[tuple[Any, ...], Mapping[str, Any]], Tensor | tuple[Tensor, ...] | None]


@cache
def quick_results() -> dict[Any, Quick]:
    """Return what answers for a function; the answer is None where PyTorch must be asked."""
    table: dict[Any, Quick] = dict.fromkeys(
        (F.relu, F.relu6, F.silu, F.hardswish, F.hardsigmoid, F.leaky_relu, F.elu), _activation
    )
    table |= dict.fromkeys((torch.sigmoid, Tensor.sigmoid, torch.tanh, F.gelu, F.batch_norm, F.layer_norm), _alike)
    table |= {torch.relu: _alike, torch.relu_: _itself, Tensor.relu_: _itself}
    table |= dict.fromkeys((Tensor.add, Tensor.mul, torch.add, torch.mul), _sum)
    table |= dict.fromkeys((Tensor.add_, Tensor.__iadd__, Tensor.mul_), _sum_in_place)
    table[F.embedding] = _embedding
    table |= dict.fromkeys((F.dropout, F.dropout1d, F.dropout2d, F.dropout3d, F.alpha_dropout), _dropout)
    table[torch.lstm] = _lstm
    table[torch.conv2d] = table[F.conv2d] = _conv2d
    return table


def _alike(args: tuple[Any, ...], _kwargs: Mapping[str, Any]) -> Tensor | None:
    return _new(args[0].shape, args[0].dtype) if args else None


def _itself(args: tuple[Any, ...], _kwargs: Mapping[str, Any]) -> Tensor | None:
    return args[0] if args else None


def _activation(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Tensor | None:
    in_place = kwargs.get("inplace", args[-1] is True)
    return _itself(args, kwargs) if in_place else _alike(args, kwargs)


def _dropout(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Tensor | None:
    """Return another tensor, where PyTorch returns the argument itself, unless it is asked for that one."""
    in_place = kwargs.get("inplace", len(args) > 3 and args[3])
    return _itself(args, kwargs) if in_place else _alike(args, kwargs)


def _lstm(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> tuple[Tensor, ...] | None:
    """Compute the sizes of sequences of equal length: the output, the last hidden and the last cell states."""
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
    return _alike(args, kwargs) if _are_alike(args, kwargs) else None


def _sum_in_place(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Tensor | None:
    return args[0] if _are_alike(args, kwargs) else None


def _embedding(args: tuple[Any, ...], _kwargs: Mapping[str, Any]) -> Tensor | None:
    """Append the width: pictures are recorded as real numbers, which PyTorch would not look up."""
    return _new((*args[0].shape, args[1].shape[1]), args[1].dtype) if len(args) > 1 else None


def _conv2d(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Tensor | None:
    """Compute the size where the call is as `nn.Conv2d` makes it and fits; errors are left to PyTorch."""
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


def _new(shape: Any, dtype: Any) -> Tensor:
    return torch.empty(shape, dtype=dtype, device="meta")
