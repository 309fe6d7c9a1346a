"""Derivations of layers that select, repeat or roll indices."""

from __future__ import annotations

from ..layers.base import show_shape
from ..layers.indexing import Expand, IndexSelect, Roll
from . import texts
from .derivation import Derivation, Text
from .family import Shapes, derivations, no_operations, no_parameters, on_shape, same_shape, symbols
from .worksheet import Worksheet

LISTED = Text("indices in the list", "列表中的下标个数")
PICKED = Text(
    "The indices of axis {axis} are picked by a fixed list, in its order.",
    "第 {axis} 轴按固定的下标列表依次取出。",
)
ROLLED = Text(
    "Axes {axes} are shifted by {shifts}; what leaves at one end comes in at the other. The shape does "
    "not change.",
    "第 {axes} 轴平移 {shifts}，从一端移出的元素由另一端移入；形状不变。",
)
REPEATED = Text("The axes of size 1 of {shape} are repeated.", "{shape} 中大小为 1 的轴被重复。")
NEW_SIZE = Text("size along axis {axis}", "第 {axis} 轴的大小")


@derivations.register
def _index_select(layer: IndexSelect, inputs: Shapes) -> list[Derivation]:
    (shape,) = inputs
    sheet = on_shape(shape)
    sheet.know("m", layer.size, LISTED)
    names = list(symbols(shape))
    names[layer.axis] = "m"
    sheet.shape(" × ".join(names), texts.THE_SHAPE)
    sheet.note(PICKED, axis=layer.axis)
    return [sheet.finish("output_shape", texts.OUTPUT_SHAPE), no_parameters(), no_operations()]


@derivations.register
def _roll(layer: Roll, inputs: Shapes) -> list[Derivation]:
    axes, shifts = (", ".join(map(str, numbers)) for numbers in (layer.axes, layer.shifts))
    return [same_shape(inputs[0], ROLLED.fill(axes=axes, shifts=shifts)), no_parameters(), no_operations()]


@derivations.register
def _expand(layer: Expand, inputs: Shapes) -> list[Derivation]:
    sheet = Worksheet()
    names = tuple(f"m_{axis}" for axis in range(1, len(layer.shape) + 1))
    for axis, (name, size) in enumerate(zip(names, layer.shape, strict=True)):
        sheet.know(name, size, NEW_SIZE.fill(axis=axis))
    sheet.shape(" × ".join(names), texts.THE_SHAPE)
    sheet.note(REPEATED, shape=show_shape(inputs[0]))
    return [sheet.finish("output_shape", texts.OUTPUT_SHAPE), no_parameters(), no_operations()]
