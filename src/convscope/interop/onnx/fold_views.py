"""Operators that move a constant's elements without computing, so that large ones stay unread."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from .fold_rules import RULES, new_shape
from .values import Array

if TYPE_CHECKING:
    from .call import Call


class View(NamedTuple):
    """An operator that moves elements without computing: its output's shape, and how it is made."""

    shape: Callable[[Call, Sequence[int], list[Array]], tuple[int, ...]]
    apply: Callable[[Call, Array, list[Array], tuple[int, ...]], Array]


def _keep(call: Call, shape: Sequence[int], rest: list[Array]) -> tuple[int, ...]:
    return tuple(shape)


def _like(call: Call, shape: Sequence[int], rest: list[Array]) -> tuple[int, ...]:
    """Return the shape by running the rule on an array that takes no memory."""
    moved: Array = RULES[call.operator].compute(call, np.broadcast_to(np.int8(0), shape), *rest)
    return moved.shape


def _by_rule(call: Call, array: Array, rest: list[Array], shape: tuple[int, ...]) -> Array:
    moved: Array = RULES[call.operator].compute(call, array, *rest)
    return moved


def _reshape(call: Call, shape: Sequence[int], rest: list[Array]) -> tuple[int, ...]:
    return new_shape(shape, rest[0].tolist(), bool(call.attribute("allowzero", 0)))


VIEWS = {
    "Identity": View(_keep, _by_rule),
    "Cast": View(_keep, _by_rule),
    "DequantizeLinear": View(_keep, _by_rule),
    "Transpose": View(_like, _by_rule),
    "Unsqueeze": View(_like, _by_rule),
    "Squeeze": View(_like, _by_rule),
    "Reshape": View(_reshape, _by_rule),
}
