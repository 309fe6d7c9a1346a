"""Reductions and norms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ....layers.base import Layer
from ....layers.elementwise import Affine, Clamp, Function, Power
from ....layers.merge import Add, Subtract
from ....layers.pooling import (
    GlobalAvgPool1d,
    GlobalAvgPool2d,
    GlobalAvgPool3d,
    GlobalMaxPool1d,
    GlobalMaxPool2d,
    GlobalMaxPool3d,
)
from ....layers.rearrange import Flatten, Reshape
from ....layers.reduction import Reduce
from ...errors import UnsupportedOperator
from ..call import converts

if TYPE_CHECKING:
    from torch import Tensor

    from ..call import Call

_GLOBAL = {
    "mean": (GlobalAvgPool1d, GlobalAvgPool2d, GlobalAvgPool3d),
    "max": (GlobalMaxPool1d, GlobalMaxPool2d, GlobalMaxPool3d),
}


def _image_axes(call: Call, input: Tensor, dim: Any) -> tuple[int, ...]:
    """Return the reduced axes, counted without the batch. Reducing all axes would include the batch."""
    if dim is None or (isinstance(dim, list | tuple) and not dim):
        raise UnsupportedOperator("the batch axis is combined with another axis")
    dims = dim if isinstance(dim, list | tuple) else (dim,)
    return tuple(sorted(call.batch.image_axis(input.shape, one) for one in dims))


def _add_reduction(
    call: Call, mode: str, input: Tensor, image_axes: tuple[int, ...], keepdim: bool, *, is_result: bool
) -> str:
    """Add a reduction; over all positions of an image it is global pooling."""
    x = call.node(input)
    shape = call.shape_of(x)
    add = call.add_result if is_result else call.add
    rank = len(shape) - 1
    image = len(shape) == len(input.shape) - 1 and input.shape[0] == call.batch.size
    if image and mode in _GLOBAL and rank in (1, 2, 3) and image_axes == tuple(range(1, rank + 1)):
        layer: Layer = _GLOBAL[mode][rank - 1]()
        return add(layer, x) if keepdim else add(Flatten(), call.add(layer, x))
    if len(image_axes) == len(shape) and not keepdim:
        return add(Reshape((1,)), call.add(Reduce(mode, image_axes, True), x))
    return add(Reduce(mode, image_axes, keepdim), x)


def _reduction(mode: str, *names: str) -> None:
    @converts(*names)
    def convert(call: Call, input: Tensor, dim: Any = None, keepdim: bool = False, **_types: Any) -> str:
        return _add_reduction(call, mode, input, _image_axes(call, input, dim), keepdim, is_result=True)


_reduction("mean", "mean")
_reduction("sum", "sum")
_reduction("max", "amax")
_reduction("min", "amin")


@converts("torch.max", "Tensor.max")
def largest(call: Call, input: Tensor, dim: Any = None, keepdim: bool = False) -> str:
    """Convert the maximum along an axis, or of two tensors; indices of the maxima are unsupported."""
    return _extreme(call, "max", input, dim, keepdim)


@converts("torch.min", "Tensor.min")
def smallest(call: Call, input: Tensor, dim: Any = None, keepdim: bool = False) -> str:
    """Convert the minimum along an axis, or of two tensors."""
    return _extreme(call, "min", input, dim, keepdim)


def _extreme(call: Call, mode: str, input: Tensor, dim: Any, keepdim: bool) -> str:
    from .elementwise import maximum, minimum

    if dim is not None and not isinstance(dim, int):
        return (maximum if mode == "max" else minimum)(call, input, dim)
    return _add_reduction(call, mode, input, _image_axes(call, input, dim), keepdim, is_result=True)


def _variance(call: Call, input: Tensor, dim: Any, correction: float, keepdim: bool, *, is_result: bool) -> str:
    """Add the variance: the mean of (x − mean)², times n / (n − correction)."""
    image_axes = _image_axes(call, input, dim)
    x = call.node(input)
    size = 1
    for image_axis in image_axes:
        size *= call.shape_of(x)[image_axis]
    centered = call.add(Subtract(), x, call.add(Reduce("mean", image_axes, True), x))
    squares = call.add(Power(2), centered)
    mean = call.add(Reduce("mean", image_axes, keepdim), squares)
    return (call.add_result if is_result else call.add)(Affine(size / (size - correction)), mean)


def _correction(unbiased: Any, correction: Any) -> float:
    if correction is not None:
        return float(correction)
    return 0.0 if unbiased is False else 1.0


@converts("var")
def variance(
    call: Call,
    input: Tensor,
    dim: Any = None,
    unbiased: Any = None,
    keepdim: bool = False,
    *,
    correction: Any = None,
) -> str:
    """Convert the variance along axes."""
    return _variance(call, input, dim, _correction(unbiased, correction), keepdim, is_result=True)


@converts("std")
def deviation(
    call: Call,
    input: Tensor,
    dim: Any = None,
    unbiased: Any = None,
    keepdim: bool = False,
    *,
    correction: Any = None,
) -> str:
    """Convert the standard deviation along axes."""
    square = _variance(call, input, dim, _correction(unbiased, correction), keepdim, is_result=False)
    return call.add_result(Function("sqrt"), square)


@converts("linalg.vector_norm")
def vector_norm(
    call: Call, input: Tensor, ord: float = 2, dim: Any = None, keepdim: bool = False, **_types: Any
) -> str:
    """Convert the 1- and 2-norm along axes."""
    image_axes = _image_axes(call, input, dim)
    node = call.node(input)
    if ord == 1:
        return call.add_result(Reduce("sum", image_axes, keepdim), call.add(Function("abs"), node))
    if ord != 2:
        raise UnsupportedOperator("an unsupported norm")
    return call.add_result(
        Function("sqrt"), call.add(Reduce("sum", image_axes, keepdim), call.add(Power(2), node))
    )


@converts("functional.normalize")
def normalize(call: Call, input: Tensor, p: float = 2.0, dim: int = 1, eps: float = 1e-12, out: Any = None) -> str:
    """Convert division by the 2-norm along an axis."""
    from ....layers.merge import Divide

    if p != 2:
        raise UnsupportedOperator("an unsupported norm")
    x = call.node(input)
    image_axes = _image_axes(call, input, dim)
    total = call.add(Reduce("sum", image_axes, True), call.add(Power(2), x))
    norm = call.add(Clamp(low=eps), call.add(Function("sqrt"), total))
    return call.add_result(Divide(), x, norm)


@converts("logsumexp")
def log_sum_exp(call: Call, input: Tensor, dim: Any, keepdim: bool = False) -> str:
    """Convert ln Σ e^x along axes, subtracting the maximum first."""
    image_axes = _image_axes(call, input, dim)
    x = call.node(input)
    largest_kept = call.add(Reduce("max", image_axes, True), x)
    powers = call.add(Function("exp"), call.add(Subtract(), x, largest_kept))
    logarithm = call.add(Function("log"), call.add(Reduce("sum", image_axes, True), powers))
    if keepdim:
        return call.add_result(Add(), logarithm, largest_kept)
    return call.add_result(Reshape(call.image_shape), call.add(Add(), logarithm, largest_kept))
