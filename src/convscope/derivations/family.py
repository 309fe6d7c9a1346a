"""The dispatch of derivations by layer family, and shared derivations."""

from __future__ import annotations

from collections.abc import Iterable
from functools import singledispatch

from ..errors import NoRule
from ..layers.base import Layer
from ..layers.connection import Shape
from . import texts
from .derivation import Derivation, Text
from .worksheet import Worksheet

Shapes = tuple[Shape, ...]


@singledispatch
def derivations(layer: Layer, _inputs: Shapes) -> list[Derivation]:
    """Derive output size, parameters and operations of a layer on inputs of these shapes.

    Each family registers its own; a kind of operation that the layer does not use needs no derivation.

    Errors:   NoRule [no-derivation] for a layer whose family has none
    """
    raise NoRule(
        "explain has no derivation for {layer}. Register one with derivations.family.derivations. [no-derivation]",
        layer=layer.kind,
    )


def symbols(shape: Shape) -> tuple[str, ...]:
    """Return the usual letter of each axis, channels first."""
    usual = {1: ("n",), 2: ("c", "l"), 3: ("c", "h", "w"), 4: ("c", "z", "h", "w")}
    return usual.get(len(shape)) or tuple(f"n_{axis}" for axis in range(1, len(shape) + 1))


def on_shape(shape: Shape, names: Iterable[str] | None = None) -> Worksheet:
    """Return a sheet that knows the sizes of a shape by their letters."""
    return Worksheet(dict(zip(names or symbols(shape), shape, strict=True)))


def product(names: Iterable[str]) -> str:
    """Write a product: c·h·w."""
    return "·".join(names) or "1"


def same_shape(shape: Shape, note: Text = texts.SAME_SHAPE) -> Derivation:
    """Derive the output of a layer that keeps the shape."""
    sheet = on_shape(shape)
    sheet.shape(" × ".join(symbols(shape)))
    sheet.note(note)
    return sheet.finish("output_shape", texts.OUTPUT_SHAPE)


def no_parameters() -> Derivation:
    """Derive the parameters of a layer without any."""
    sheet = Worksheet()
    sheet.step("params", "0")
    sheet.note(texts.NOTHING_LEARNED)
    return sheet.finish("params", texts.PARAMETERS)


def no_operations(note: Text = texts.NO_ARITHMETIC) -> Derivation:
    """Derive the operations of a layer that computes nothing."""
    sheet = Worksheet()
    sheet.step("operations", "0")
    sheet.note(note)
    return sheet.finish("operations", texts.OPERATIONS)


_COUNTS = {
    "macs": texts.MACS,
    "multiplications": texts.MULTIPLICATIONS,
    "additions": texts.ADDITIONS,
    "comparisons": texts.COMPARISONS,
    "divisions": texts.DIVISIONS,
    "exponentials": texts.EXPONENTIALS,
}


def counted(sheet: Worksheet, quantity: str, formula: str, label: Text | None = None) -> Derivation:
    """Finish a sheet with the count of one kind of operation."""
    sheet.step(quantity, formula, label)
    return sheet.finish(quantity, _COUNTS[quantity])


def per_element(shape: Shape, costs: Iterable[tuple[str, int, Text | None]]) -> list[Derivation]:
    """Derive counts that are a fixed number per element: (kind, how many, what they are)."""
    worked = []
    for quantity, cost, what in costs:
        if cost:
            sheet = on_shape(shape)
            sheet.know("a", cost, what or _EACH)
            sheet.step("N", product(symbols(shape)), texts.ELEMENTS)
            worked.append(counted(sheet, quantity, "a·N"))
    return worked


_EACH = Text("per element", "每个元素的次数")
