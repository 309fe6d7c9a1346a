"""Reductions over axes."""

from __future__ import annotations

from math import prod

from ..layers.reduction import Reduce
from . import texts
from .derivation import Derivation, Text
from .family import Shapes, counted, derivations, no_parameters, on_shape, product, symbols

REDUCED = Text(
    "{what} of the {size} values along {axes}: every output sees all of them.",
    "{axes} 上 {size} 个数的{what}：每个输出都看到其中全部。",
)
WHAT = {
    "mean": Text("The mean", "平均值"),
    "sum": Text("The sum", "总和"),
    "max": Text("The largest", "最大值"),
    "min": Text("The smallest", "最小值"),
}
AXES = Text("axes {listed}", "第 {listed} 轴")
SETS = Text("outputs: one for each set of {size} values", "输出个数：每 {size} 个数得到一个")
ADDED = Text("one addition fewer than values, for each set", "每个集合的加法次数比元素个数少一")
COMPARED = Text("one comparison fewer than values, for each set", "每个集合的比较次数比元素个数少一")
DIVIDED = Text("one division for each set", "每个集合一次除法")


@derivations.register
def _reduce(layer: Reduce, inputs: Shapes) -> list[Derivation]:
    (shape,) = inputs
    axes = layer.along(shape)
    size = prod(shape[axis] for axis in axes)
    sheet = on_shape(shape)
    names = ["1" if axis in axes else name for axis, name in enumerate(symbols(shape))]
    kept = names if layer.keepdims else [name for axis, name in enumerate(names) if axis not in axes]
    sheet.shape(" × ".join(kept), texts.THE_SHAPE)
    listed = AXES.fill(listed=", ".join(map(str, axes)))
    sheet.note(REDUCED, what=WHAT[layer.mode], size=size, axes=listed)
    worked = [sheet.finish("output_shape", texts.OUTPUT_SHAPE), no_parameters()]
    for quantity, formula, label, modes in (
        ("additions", "N - S", ADDED, ("mean", "sum")),
        ("comparisons", "N - S", COMPARED, ("max", "min")),
        ("divisions", "S", DIVIDED, ("mean",)),
    ):
        if layer.mode in modes and getattr(layer.operations(shape), quantity):
            sheet = on_shape(shape)
            sheet.step("N", product(symbols(shape)), texts.ELEMENTS)
            reduced = product(symbols(shape)[axis] for axis in axes)
            sheet.step("S", f"N / ({reduced})", SETS.fill(size=size))
            worked.append(counted(sheet, quantity, formula, label))
    return worked
