"""The output axes that follow one axis of the origin: one, none, or several with a part each.

Reshapes split an axis over several (patches, windows of attention, manual space-to-depth) or merge several into
one (flatten, tokens). An axis is followed through them as a mixed-radix number whose digits lie on axes of the
tensor; its positions stay numbered as they were, and layers act on a digit as they would on an axis.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import prod
from typing import TYPE_CHECKING, TypeVar

from ..axis import AxisMap, Bins, Placed, lifted
from ..layers.connection import UNMOVED, Connection, Digit, Layout, Shape

if TYPE_CHECKING:
    from .paths import AxisAlgebra

A = TypeVar("A")

Driver = int | Layout | None
"""The axis that walks along, the digits of several, or None where all units see the same."""


def axes_of(driver: Driver) -> tuple[int, ...]:
    """Return the output axes that a driver names."""
    if driver is None:
        return ()
    return (driver,) if type(driver) is int else tuple(digit.axis for digit in driver)  # type: ignore[union-attr]


def positions_of(driver: Driver, shape: Shape) -> int:
    """Return how many positions are walked along."""
    if type(driver) is tuple:
        return prod(digit.size for digit in driver)
    return 1 if driver is None else shape[driver]  # type: ignore[index]


def place_of(driver: Driver, indices: Mapping[int, int]) -> int:
    """Return which position a unit is at, its index along each output axis given."""
    if type(driver) is tuple:
        return sum(int(digit.of(indices[digit.axis])) for digit in driver)
    return 0 if driver is None else indices[driver]  # type: ignore[index]


def as_layout(driver: int | Layout, shape: Shape) -> Layout:
    """Return a driver as digits."""
    return driver if isinstance(driver, tuple) else (Digit(driver, 1, shape[driver], 1),)


def simplified(layout: Iterable[Digit], shape: Shape) -> Driver:
    """Join neighboring digits that are one stretch of an axis; return the axis itself where that is all of it."""
    digits: list[Digit] = []
    for digit in layout:
        if digit.size == 1:
            continue
        if digits:
            before = digits[-1]
            joins = before.axis == digit.axis and before.inner == digit.inner * digit.size
            if joins and before.weight == digit.weight * digit.size:
                digits[-1] = Digit(digit.axis, digit.inner, before.size * digit.size, digit.weight)
                continue
        digits.append(digit)
    if len(digits) == 1 and digits[0][1:] == (1, shape[digits[0].axis], 1):
        return digits[0].axis
    return tuple(digits) or None


def carry(
    axis: A,
    driver: int | Layout,
    connection: Connection,
    shape: Shape,
    output: Shape,
    algebra: AxisAlgebra[A],
) -> tuple[A, Driver, bool] | None:
    """Follow a split axis through a connection; None where that cannot be done.

    Axes of the output are noted as -1 - axis until all digits are there.
    """
    layout = [*as_layout(driver, shape)]
    spread = False
    for old in dict.fromkeys(digit.axis for digit in layout):
        mine = [place for place, digit in enumerate(layout) if digit.axis == old]
        link = connection.by_input.get(old)
        if old in connection.by_digits:
            split = _split(layout, old, connection.by_digits[old])
            if split is None and len(mine) == len(layout):
                axis, _ = flattened(axis, tuple(layout), shape, algebra)
                split = _split([Digit(old, 1, shape[old], 1)], old, connection.by_digits[old])
            if split is None:
                return None
            layout = split
        elif link is None:
            if old in connection.lost:
                return None
            axis, layout = _joined(axis, layout, mine, algebra)
        elif link.map == UNMOVED:
            layout = [digit._replace(axis=~link.output) if digit.axis == old else digit for digit in layout]
        elif link.map.covers(shape[old]):
            kept = [digit._replace(axis=~link.output) if digit.axis == old else digit for digit in layout]
            axis, rest = _joined(axis, layout, mine, algebra)
            if output[link.output] != shape[old]:
                layout = rest
            else:  # all units of the axis see all of it, and are still told apart
                spread = len(mine) == len(kept)
                axis, layout = _spread(axis, kept, mine, algebra)
        elif len(mine) == len(layout):
            axis, _ = flattened(axis, tuple(layout), shape, algebra)
            return algebra.through(axis, link.map, shape[old], output[link.output]), link.output, False
        elif len(mine) == 1 and layout[mine[0]].size == shape[old]:
            axis, layout = _through(axis, layout, mine[0], link.map, output[link.output], algebra)
            layout[mine[0]] = layout[mine[0]]._replace(axis=~link.output)
        else:
            return None
    new = simplified([digit._replace(axis=~digit.axis) for digit in layout], output)
    return axis, new, spread or new is None


def flattened(axis: A, driver: Driver, shape: Shape, algebra: AxisAlgebra[A]) -> tuple[A, Driver]:
    """Renumber an axis whose digits lie on one output axis by the index along that axis."""
    if type(driver) is not tuple or len({digit.axis for digit in driver}) > 1:
        return axis, driver
    along = driver[0].axis
    flat = Placed(shape[along], tuple(digit[1:] for digit in driver))
    return algebra.through(axis, flat, positions_of(driver, shape), shape[along]), along


def _split(layout: list[Digit], old: int, parts: Layout) -> list[Digit] | None:
    """Return the digits with those on one axis taken apart into the digits of that axis."""
    split: list[Digit] = []
    for digit in layout:
        if digit.axis != old:
            split.append(digit)
            continue
        for part in parts:
            end = part.weight * part.size
            low, high = max(part.weight, digit.inner), min(end, digit.inner * digit.size)
            if low >= high:
                continue
            if low % part.weight or low % digit.inner or high % low or end % high:
                return None
            inner = part.inner * (low // part.weight)
            split.append(Digit(~part.axis, inner, high // low, digit.weight * (low // digit.inner)))
    return split


def _through(
    axis: A, layout: list[Digit], place: int, one: AxisMap, outputs: int, algebra: AxisAlgebra[A]
) -> tuple[A, list[Digit]]:
    """Apply a map to one digit, which becomes `outputs` long."""
    digit, n = layout[place], prod(digit.size for digit in layout)
    axis = algebra.through(axis, lifted(one, digit.size, outputs, digit.weight, n), n, n // digit.size * outputs)
    heavier = [one._replace(weight=one.weight // digit.size * outputs) for one in layout[:place]]
    return axis, [*heavier, Digit(digit.axis, 1, outputs, digit.weight), *layout[place + 1 :]]


def _joined(axis: A, layout: list[Digit], places: Iterable[int], algebra: AxisAlgebra[A]) -> tuple[A, list[Digit]]:
    """Join all positions along some digits, which are then gone."""
    gone = set(places)
    if len(gone) == len(layout):
        return algebra.whole(axis, prod(digit.size for digit in layout)), []
    for place in gone:
        axis, layout = _through(axis, layout, place, Bins(layout[place].size, 1), 1, algebra)
    return axis, [digit for place, digit in enumerate(layout) if place not in gone]


def _spread(axis: A, kept: list[Digit], places: Iterable[int], algebra: AxisAlgebra[A]) -> tuple[A, list[Digit]]:
    """Number the positions as before digits were joined: those along the digits now see the same."""
    n = prod(digit.size for digit in kept)
    joined = set(places)
    digits = []
    weight = 1
    for place in reversed(range(len(kept))):
        if place not in joined:
            digits.append((kept[place].weight, kept[place].size, weight))
            weight *= kept[place].size
    if not digits:
        return algebra.repeat(axis, n), kept
    return algebra.through(axis, Placed(n, tuple(digits)), weight, n), kept


def without_channels(
    axes: list[A], drivers: list[Driver], output: Shape, algebra: AxisAlgebra[A]
) -> tuple[list[A], list[Driver]]:
    """Join the digits that a reshape has put among the channels: fields are those of all channels together.

    That is an axis of which positions are a part, and of images (c, h, w) the first one even where nothing but
    positions is there. Axes whose every digit is there stay: they are folded, as in a flattened image.
    """
    channels = {
        axis
        for axis in {digit.axis for driver in drivers if type(driver) is tuple for digit in driver}
        if _size_on(drivers, axis) < output[axis]
    }
    if len(output) == len(drivers) + 1 and all(
        place in axes_of(driver) for place, driver in enumerate(drivers, start=1)
    ):
        channels.add(0)
    for place, driver in enumerate(drivers):
        if type(driver) is not tuple:
            continue
        layout = [*driver]
        mixed = [at for at, digit in enumerate(layout) if digit.axis in channels]
        if 0 < len(mixed) < len(layout):
            axes[place], layout = _joined(axes[place], layout, mixed, algebra)
            drivers[place] = simplified(layout, output)
    return axes, drivers


def _size_on(drivers: Iterable[Driver], axis: int) -> int:
    """Return how many positions of the origin lie along one axis."""
    sizes = [digit.size for driver in drivers if type(driver) is tuple for digit in driver if digit.axis == axis]
    return prod(sizes)
