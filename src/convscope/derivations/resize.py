"""Resizing an image."""

from __future__ import annotations

from ..layers.resize import Upsample
from . import texts
from .axes import groups, output_letters
from .derivation import Derivation, Text
from .family import Shapes, counted, derivations, no_operations, no_parameters, on_shape, product
from .worksheet import Worksheet

FACTOR = Text("scale factor", "放大倍数")
ASKED = Text("size asked for ({axes})", "指定的尺寸（{axes}）")
NEIGHBORS = Text("neighbors blended along one axis ({mode})", "单个方向上参与插值的邻点数（{mode}）")
MODES = {
    "nearest": Text("nearest", "最近邻"),
    "linear": Text("linear", "线性"),
    "cubic": Text("cubic", "三次"),
}
BLENDED = Text("neighbors of one output pixel", "一个输出像素的邻点数")
COPIED = Text("Nearest-neighbor resizing copies pixels; it computes nothing.", "最近邻缩放只复制像素，不做运算。")
WEIGHTED = Text("one product per neighbor", "每个邻点一次乘法")
ADDED = Text("one addition fewer than neighbors", "加法次数比邻点数少一")


@derivations.register
def _upsample(layer: Upsample, inputs: Shapes) -> list[Derivation]:
    (shape,) = inputs
    resizes = layer.resizes(shape)
    rank = len(resizes)
    sheet = Worksheet()
    sheet.know("c", shape[0], texts.CHANNELS)
    grouped = groups([(resize.n, resize.size) for resize in resizes])
    for group in grouped:
        resize = resizes[group.first]
        sheet.know(group.input, resize.n, texts.SIZE_OF.fill(axes=group.title))
        if layer.size is not None:
            sheet.know(group.sign("m"), resize.size, ASKED.fill(axes=group.title))
            sheet.step(group.output, group.sign("m"), group.title)
        else:
            sheet.know(group.sign("f"), resize.size // resize.n, FACTOR)
            sheet.step(group.output, f"{group.letter}·{group.sign('f')}", group.title)
    names = ("c", *output_letters(rank))
    sheet.shape(" × ".join(names), texts.THE_SHAPE)
    worked = [sheet.finish("output_shape", texts.OUTPUT_SHAPE), no_parameters()]
    if layer.mode == "nearest":
        return [*worked, no_operations(COPIED)]
    for quantity, formula, label in (("multiplications", "N·B", WEIGHTED), ("additions", "N·(B - 1)", ADDED)):
        sheet = on_shape((shape[0], *(resize.size for resize in resizes)), names)
        sheet.know("t", resizes[0].support, NEIGHBORS.fill(mode=MODES[layer.mode]))
        sheet.step("N", product(names), texts.OUTPUTS)
        sheet.step("B", f"t^{rank}", BLENDED)
        worked.append(counted(sheet, quantity, formula, label))
    return worked
