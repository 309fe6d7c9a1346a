"""Mean, sum, largest and smallest over axes."""

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
from ..registry import converts

if TYPE_CHECKING:
    from torch import Tensor

    from ..call import Call

_GLOBAL = {
    "mean": (GlobalAvgPool1d, GlobalAvgPool2d, GlobalAvgPool3d),
    "max": (GlobalMaxPool1d, GlobalMaxPool2d, GlobalMaxPool3d),
}


def _places(call: Call, input: Tensor, dim: Any) -> tuple[int, ...]:
    """Return the reduced axes without the batch; none named means all, the batch among them."""
    if dim is None or (isinstance(dim, list | tuple) and not dim):
        raise UnsupportedOperator("images are mixed")
    dims = dim if isinstance(dim, list | tuple) else (dim,)
    return tuple(sorted(call.batch.place(input.shape, one) for one in dims))


def _reduced(call: Call, mode: str, input: Tensor, places: tuple[int, ...], keepdim: bool, *, last: bool) -> str:
    """Add the reduction; over all positions of an image it is a global pooling."""
    x = call.node(input)
    shape = call.shape_of(x)
    add = call.last if last else call.step
    rank = len(shape) - 1
    image = len(shape) == len(input.shape) - 1 and input.shape[0] == call.batch.size
    if image and mode in _GLOBAL and rank in (1, 2, 3) and places == tuple(range(1, rank + 1)):
        layer: Layer = _GLOBAL[mode][rank - 1]()
        return add(layer, x) if keepdim else add(Flatten(), call.step(layer, x))
    if len(places) == len(shape) and not keepdim:
        return add(Reshape((1,)), call.step(Reduce(mode, places, True), x))
    return add(Reduce(mode, places, keepdim), x)


def _reduction(mode: str, *names: str) -> None:
    @converts(*names)
    def convert(call: Call, input: Tensor, dim: Any = None, keepdim: bool = False, **_types: Any) -> str:
        return _reduced(call, mode, input, _places(call, input, dim), keepdim, last=True)


_reduction("mean", "mean")
_reduction("sum", "sum")
_reduction("max", "amax")
_reduction("min", "amin")


@converts("torch.max", "Tensor.max")
def largest(call: Call, input: Tensor, dim: Any = None, keepdim: bool = False) -> str:
    """Convert the largest along an axis, or of two tensors; the winners' places stay unknown."""
    return _extreme(call, "max", input, dim, keepdim)


@converts("torch.min", "Tensor.min")
def smallest(call: Call, input: Tensor, dim: Any = None, keepdim: bool = False) -> str:
    """Convert the smallest along an axis, or of two tensors."""
    return _extreme(call, "min", input, dim, keepdim)


def _extreme(call: Call, mode: str, input: Tensor, dim: Any, keepdim: bool) -> str:
    from .elementwise import maximum, minimum

    if dim is not None and not isinstance(dim, int):
        return (maximum if mode == "max" else minimum)(call, input, dim)
    return _reduced(call, mode, input, _places(call, input, dim), keepdim, last=True)


def _spread(call: Call, input: Tensor, dim: Any, correction: float, keepdim: bool, *, last: bool) -> str:
    """Add the variance: the mean of the squares of x minus its mean, times n / (n − correction)."""
    places = _places(call, input, dim)
    x = call.node(input)
    size = 1
    for place in places:
        size *= call.shape_of(x)[place]
    centered = call.step(Subtract(), x, call.step(Reduce("mean", places, True), x))
    squares = call.step(Power(2), centered)
    mean = call.step(Reduce("mean", places, keepdim), squares)
    return (call.last if last else call.step)(Affine(size / (size - correction)), mean)


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
    return _spread(call, input, dim, _correction(unbiased, correction), keepdim, last=True)


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
    square = _spread(call, input, dim, _correction(unbiased, correction), keepdim, last=False)
    return call.last(Function("sqrt"), square)


@converts("linalg.vector_norm")
def vector_norm(
    call: Call, input: Tensor, ord: float = 2, dim: Any = None, keepdim: bool = False, **_types: Any
) -> str:
    """Convert the 1- and 2-norm along axes."""
    places = _places(call, input, dim)
    node = call.node(input)
    if ord == 1:
        return call.last(Reduce("sum", places, keepdim), call.step(Function("abs"), node))
    if ord != 2:
        raise UnsupportedOperator("another norm")
    return call.last(Function("sqrt"), call.step(Reduce("sum", places, keepdim), call.step(Power(2), node)))


@converts("functional.normalize")
def normalize(call: Call, input: Tensor, p: float = 2.0, dim: int = 1, eps: float = 1e-12, out: Any = None) -> str:
    """Convert x over its 2-norm along an axis."""
    from ....layers.merge import Divide

    if p != 2:
        raise UnsupportedOperator("another norm")
    x = call.node(input)
    places = _places(call, input, dim)
    total = call.step(Reduce("sum", places, True), call.step(Power(2), x))
    norm = call.step(Clamp(low=eps), call.step(Function("sqrt"), total))
    return call.last(Divide(), x, norm)


@converts("logsumexp")
def log_sum_exp(call: Call, input: Tensor, dim: Any, keepdim: bool = False) -> str:
    """Convert ln Σ e^x along axes, the largest subtracted first."""
    places = _places(call, input, dim)
    x = call.node(input)
    largest_kept = call.step(Reduce("max", places, True), x)
    powers = call.step(Function("exp"), call.step(Subtract(), x, largest_kept))
    logarithm = call.step(Function("log"), call.step(Reduce("sum", places, True), powers))
    if keepdim:
        return call.last(Add(), logarithm, largest_kept)
    return call.last(Reshape(call.free), call.step(Add(), logarithm, largest_kept))
