"""Sets of positions over several axes, as unions of products.

What a unit sees through windows is a product: some rows times some columns. Where paths merge, products are
united; nearly always one contains the others, or they differ along one axis and are one product again. Sets of
many products, and those that a reshape moves, are masks. So a set over a large image costs a few short vectors.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import prod
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]
Product = tuple[Mask, ...]
"""Along each axis, the positions; all combinations of them are in the set."""

_MOST = 12
"""Products of a set, beyond which it is stored as a mask."""


class PositionSet(NamedTuple):
    """The positions in any of the products, or in the mask (None: no more than the products)."""

    shape: tuple[int, ...]
    products: tuple[Product, ...] = ()
    rest: Mask | None = None

    @property
    def mask(self) -> Mask:
        """Return the set as a new boolean array."""
        mask = np.zeros(self.shape, bool) if self.rest is None else self.rest.copy()
        for product in self.products:
            mask[tuple(slice(*ends) for ends in _spans(product))] |= _outer(_trimmed(product))
        return mask

    @property
    def hull(self) -> tuple[int, ...]:
        """Return the half-open bounding box, the lows first; all zeros when the set is empty."""
        spans = [_spans(product) for product in self.products]
        if self.rest is not None:
            spans += [_spans(product) for product in _shadow(self.rest)]
        if not spans:
            return (0,) * (2 * len(self.shape))
        axes = range(len(self.shape))
        lows = (min(span[axis][0] for span in spans) for axis in axes)
        return (*lows, *(max(span[axis][1] for span in spans) for axis in axes))

    def size(self) -> int:
        """Return the number of positions."""
        if self.rest is None and len(self.products) <= 1:
            return sum(_size(product) for product in self.products)
        return int(self.mask.sum())


def from_products(shape: tuple[int, ...], products: Iterable[Product]) -> PositionSet:
    """Return the union of products; those without a position are left out."""
    kept: list[Product] = []
    for product in products:
        if all(map(has_any, product)):
            _absorb(kept, product)
    if len(kept) <= _MOST:
        return PositionSet(shape, tuple(kept))
    return PositionSet(shape, (), PositionSet(shape, tuple(kept)).mask)


def from_mask(mask: Mask) -> PositionSet:
    """Return the positions of a mask, as one product where they are one."""
    for product in _shadow(mask):
        if _size(product) == int(mask.sum()):
            return PositionSet(mask.shape, (product,))
        return PositionSet(mask.shape, (), mask)
    return PositionSet(mask.shape)


def united(one: PositionSet, two: PositionSet) -> PositionSet:
    """Return the union of two sets over the same axes."""
    if one is two:
        return one
    both = from_products(one.shape, (*one.products, *two.products))
    rests = [rest for rest in (one.rest, two.rest, both.rest) if rest is not None]
    if not rests:
        return both
    mask = rests[0]
    for rest in rests[1:]:
        mask = mask | rest
    return both._replace(rest=mask)


def has_any(marked: Mask) -> bool:
    """Return whether a position is marked, faster than `any` of a short array."""
    return b"\1" in marked.tobytes()


def _absorb(kept: list[Product], new: Product) -> None:
    """Add a product to a list, joining those of which the union is one product."""
    place = 0
    while place < len(kept):
        joined = _joined(kept[place], new)
        if joined is None:
            place += 1
        elif joined is kept[place]:
            return
        else:  # larger than before: it may join those that the old one did not
            new = joined
            del kept[place]
            place = 0
    kept.append(new)


def _joined(one: Product, two: Product) -> Product | None:
    """Return the union of two products where it is a product: one holds the other, or one axis differs."""
    holds = held = True
    differing = -1
    several = False
    for axis, (a, b) in enumerate(zip(one, two, strict=True)):
        if a is b:
            continue
        both = (a & b).tobytes()
        in_a, in_b = both == b.tobytes(), both == a.tobytes()
        if in_a and in_b:
            continue
        holds, held = holds and in_a, held and in_b
        several = several or differing >= 0
        differing = axis
    if holds:
        return one
    if held:
        return two
    if several:
        return None
    return (*one[:differing], one[differing] | two[differing], *one[differing + 1 :])


def _size(product: Product) -> int:
    return prod(int(np.count_nonzero(one)) for one in product)


def _spans(product: Product) -> list[tuple[int, int]]:
    """Return the first position along each axis, and the one after the last."""
    marks = [one.tobytes() for one in product]
    return [(one.find(1), one.rfind(1) + 1) for one in marks]


def _trimmed(product: Product) -> Product:
    return tuple(one[slice(*ends)] for one, ends in zip(product, _spans(product), strict=True))


def _outer(product: Product) -> Mask:
    """Return all combinations, as a mask."""
    mask = np.ones((), bool)
    for one in product:
        mask = mask[..., None] & one
    return np.asarray(mask)


def _shadow(mask: Mask) -> list[Product]:
    """Return the smallest product that holds a mask; none when the mask is empty."""
    if not mask.any():
        return []
    axes = range(mask.ndim)
    others = [tuple(other for other in axes if other != axis) for axis in axes]
    return [tuple(np.asarray(mask.any(axis=other)) for other in others)]
