"""Steps of lessons: which elements make each element of a result, for a page that steps through them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np

from ..derivations.derivation import Text
from ..engines.reference.layers.rules import Array
from ..engines.reference.loops.convolution import places
from .arrays import factor, index, number
from .lesson import LitStep, Place, Steps, Value, same

MOST_LIT = 20_000
"""Lit elements of all steps; a larger computation is shown by its values only."""

MOST_TERMS = 32
"""Terms of an equation that is written out."""

STEP_BY_STEP = Text("Step by step", "逐步计算")
PRODUCTS = Text("products", "乘积")


def sum_of_products(symbol: str, pairs: Sequence[tuple[float, float]], bias: float | None, total: float) -> str:
    """Write an element as its products, and the bias if there is one; long sums without their terms."""
    if len(pairs) > MOST_TERMS:
        return f"{symbol} = {number(total)}"
    terms = [f"{factor(a)}·{factor(b)}" for a, b in pairs] + ([] if bias is None else [factor(bias)])
    return f"{symbol} = {' + '.join(terms)} = {number(total)}"


def window_places(at: Place, size: Place, stride: int, dilation: int = 1) -> tuple[Place, ...]:
    """Return the positions under a window, in the order of its taps."""
    return tuple(tuple(o * stride + t * dilation for o, t in zip(at, tap, strict=True)) for tap in places(size))


def sliding_steps(
    name: str,
    x: Value,
    weight: Value,
    y: Value,
    *,
    stride: int = 1,
    dilation: int = 1,
    padding: Place | None = None,
    bias: float | None = None,
    symbol: str = "y",
) -> tuple[Steps, ...]:
    """Return the steps of a convolution of one channel, one per output; none if there are too many.

    Shapes:   x with its padding, weight, y: all (n), or all (h, w)
    """
    size = weight.array.shape
    if y.array.size * weight.array.size > MOST_LIT:
        return ()
    steps = []
    for at in places(y.array.shape):
        window = window_places(at, size, stride, dilation)
        inputs = np.array([x.array[one] for one in window]).reshape(size)
        pairs = list(zip(inputs.ravel(), weight.array.ravel(), strict=True))
        steps.append(
            LitStep(
                {x.name: window, weight.name: tuple(places(size)), y.name: (at,)},
                sum_of_products(index(symbol, *at), pairs, bias, float(y.array[at])),
                own={"products": inputs * weight.array},
            )
        )
    products = Value("products", np.zeros(size), PRODUCTS)
    parts = (x, "∗", weight, "→", products, "Σ", *(("+", bias_value(bias)) if bias else ()), "=", y)
    return (Steps(name, STEP_BY_STEP, parts, tuple(steps), {x.name: padding} if padding else {}),)


def bias_value(bias: float) -> Value:
    """Return a bias as a value that is shown beside the others."""
    return Value("b", np.array([bias]), same("b"))


def pooling_steps(
    x: Value, y: Value, dy: Value, dx: Value, size: int, stride: int, padding: int, winners: Array
) -> tuple[Steps, ...]:
    """Return the steps of max pooling, forward and back to the winner."""
    steps = []
    if y.array.size * size * size > MOST_LIT:
        return ()
    for place, at in enumerate(places(y.array.shape)):
        under = window_places(at, (size, size), stride)
        shifted = [tuple(one - padding for one in where) for where in under]
        inside = tuple(one for one in shifted if all(0 <= i < n for i, n in zip(one, x.array.shape, strict=True)))
        values = ", ".join(number(float(x.array[one])) for one in inside)
        winner = (tuple(map(int, winners[place])),)
        total = number(float(y.array[at]))
        steps.append(
            LitStep(
                {x.name: inside, y.name: (at,), dy.name: (at,)},
                f"{index('y', *at)} = max({values}) = {total}"
                if len(inside) <= MOST_TERMS
                else f"{index('y', *at)} = {total}",
                best={x.name: winner, dx.name: winner},
            )
        )
    return (Steps("steps", STEP_BY_STEP, (x, "→", y, "  ", dy, "→", dx), tuple(steps)),)


def element_steps(
    name: str,
    parts: Sequence[Value | str],
    lit: Sequence[Mapping[str, tuple[Place, ...]]],
    equations: Sequence[str],
    padding: Mapping[str, Place] = MappingProxyType({}),
) -> tuple[Steps, ...]:
    """Return steps of given elements and equations."""
    made = tuple(LitStep(one, line) for one, line in zip(lit, equations, strict=True))
    return (Steps(name, STEP_BY_STEP, tuple(parts), made, padding),) if sum(map(_count, lit)) <= MOST_LIT else ()


def _count(lit: Mapping[str, tuple[Place, ...]]) -> int:
    return sum(map(len, lit.values()))
